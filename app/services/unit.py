"""The particulars of a unit (school_basic): read, checked, and put in force version by version."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import may_edit_unit
from app.core.clock import now
from app.core.errors import Forbidden, Malformed, NotFound, Problem, Refused, Stale
from app.indicators import checks
from app.indicators.catalog import Catalog, language
from app.indicators.file import FileData, Row
from app.indicators.values import mask
from app.models.record import SETS
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import audit
from app.services.check import context
from app.services.contents import school_facts
from app.services.raw_values import default_values, inapplicable, parse_values

PARTICULARS = "school_basic"
IN_FORCE = "effective"
# What lists, charts and rules read of a unit without a join: indicator -> column of the unit.
COPIED: Mapping[str, str] = {
    "name": "name",
    "school_type": "type_code",
    "district": "district_code",
    "urban_rural": "urban_rural",
    "sponsor_type": "sponsor_type",
}
TYPE, SPONSOR = "school_type", "sponsor_type"


def education_sponsors(catalog: Catalog) -> frozenset[str]:
    """The kinds of sponsors that are education authorities; the code table says which."""
    table = catalog.indicator(PARTICULARS, SPONSOR).code_table
    codes = catalog.codes(table).values()
    return frozenset(each.code for each in codes if each.attrs.get("education_authority"))


def is_run_by_others(unit: Unit, catalog: Catalog) -> bool:
    """Whether a unit is run by somebody else than an education authority: its people are looked
    at more closely (S31)."""
    return bool(unit.sponsor_type) and unit.sponsor_type not in education_sponsors(catalog)


def particulars(session: Session, unit: Unit, moment: Any = None) -> Any:
    """The particulars of a unit in force, now or at a moment; None where there are none."""
    cls = SETS[PARTICULARS]
    return session.scalars(select(cls).where(cls.unit_id == unit.id, cls.as_of(moment))).first()


def save_particulars(
    session: Session,
    actor: Actor,
    unit: Unit,
    raw: Mapping[str, Any],
    *,
    catalog: Catalog,
    based_on: int | None = None,
) -> Any:
    """Put the particulars of a unit in force as a new version; returns the row (S22).

    `raw` holds raw values by indicator code; what it leaves out keeps its value. `based_on` is the
    id of the row that the person saw, 0 for none; None does not ask. Nothing changed, nothing is
    written. Raises NotFound for a unit without particulars, Forbidden with the fields that are not
    the actor's, Stale, and Refused with the findings of the rules (DQ069, DQ070).
    """
    if unit.category is None:
        raise NotFound()
    _check_rights(actor, unit, raw, catalog)
    current = particulars(session, unit)
    if based_on is not None and based_on != (current.id if current is not None else 0):
        raise Stale()
    values, problems = parse_values(catalog, PARTICULARS, raw, unit.category)
    old = current.values() if current is not None else {}
    start = old or default_values(catalog, PARTICULARS, unit.category)
    merged = start | values | register_values(session, unit)
    merged |= dict.fromkeys(inapplicable(catalog.set(PARTICULARS), merged, catalog))
    unread = {each.field for each in problems}
    found = _findings(session, unit, merged, catalog)
    problems += [each for each in found if each.is_error and each.field not in unread]
    if problems:
        raise Refused(problems=problems)
    changed = sorted(code for code, value in merged.items() if old.get(code) != value)
    if current is not None and not changed:
        return current
    record = _put_in_force(session, actor, unit, current, merged)
    _copy(session, unit, merged)
    detail = {"set": PARTICULARS, "changes": _before_after(catalog, changed, old, merged)}
    act = "create" if current is None else "change"
    audit.record(session, act, actor=actor, object=record, detail=detail)
    return record


def _check_rights(actor: Actor, unit: Unit, raw: Mapping[str, Any], catalog: Catalog) -> None:
    known = {item.code: item for item in catalog.indicators(PARTICULARS)}
    mine = {code for code, item in known.items() if may_edit_unit(actor, unit, item, catalog)}
    if not mine:
        raise Forbidden()
    refused = [code for code in raw if code in known and code not in mine]
    if refused:
        raise Forbidden(problems=[_not_editable(known[code], catalog) for code in refused])
    if not raw.keys() <= known.keys():
        raise Malformed()


def _not_editable(item: Any, catalog: Catalog) -> Problem:
    name = catalog.name(item, language())
    text = _("%(name)s is not yours to fill in.", name=name)
    return Problem("not_editable", text, set=item.set, field=item.code)


def register_values(session: Session, unit: Unit) -> dict[str, Any]:
    """What the register of units says; nobody types it in."""
    authority = session.get(Unit, unit.authority_id) if unit.authority_id else None
    return {"school_code": unit.code, "authority": authority.code if authority else None}


def _findings(
    session: Session, unit: Unit, values: Mapping[str, Any], catalog: Catalog
) -> Iterable[Problem]:
    """What is missing, and what the rules about units say."""
    category = unit.category or ""
    facts = school_facts(unit, str(values["authority"] or ""))
    row = Row("", values)
    file = FileData(None, facts, "", {PARTICULARS: (row,)})
    read = file.reader(PARTICULARS, row)
    for item in catalog.indicators(PARTICULARS):
        if values.get(item.code) not in (None, ""):
            continue
        needed = catalog.required(PARTICULARS, item.code, category)
        if needed and catalog.applicable(item, read):
            text = _("Fill in “%(name)s”.", name=catalog.name(item, language()))
            yield Problem("required", text, set=PARTICULARS, field=item.code)
    yield from _type_findings(unit, values.get(TYPE), catalog)
    for rule in catalog.checks.values():
        if rule.set == PARTICULARS:
            yield from checks.run_one(rule.code, file, context(catalog))


def _type_findings(unit: Unit, code: str | None, catalog: Catalog) -> Iterable[Problem]:
    """A type of another category would change form and rules of all files of the unit."""
    kind = catalog.school_types.get(code or "")
    if kind is not None and kind.category != unit.category:
        text = _("This type belongs to another school category, which only the authority changes.")
        yield Problem("category", text, set=PARTICULARS, field=TYPE)


def _put_in_force(
    session: Session, actor: Actor, unit: Unit, current: Any, values: Mapping[str, Any]
) -> Any:
    """Close the row in force and add the next one; Stale when another was faster."""
    moment = now()
    if current is not None:
        current.valid_to = moment
        session.flush()
    record = SETS[PARTICULARS](
        uuid=current.uuid if current is not None else uuid4().hex,
        unit_id=unit.id,
        state=IN_FORCE,
        valid_from=moment,
        entered_by=actor.account_id or None,
        entered_at=moment,
    )
    for code, value in values.items():
        record.put(code, value)
    session.add(record)
    try:
        session.flush()
    except IntegrityError:
        raise Stale() from None
    return record


def _copy(session: Session, unit: Unit, values: Mapping[str, Any]) -> None:
    """Copy to the unit what lists read; its files are checked again when that moved."""
    columns = {column: values.get(code) for code, column in COPIED.items()}
    if all(getattr(unit, column) == value for column, value in columns.items()):
        return
    session.execute(update(Unit).where(Unit.id == unit.id).values(columns))
    session.execute(
        update(Teacher)
        .where(Teacher.school_id == unit.id)
        .values(checked_on=None)
        .execution_options(synchronize_session=False)
    )
    session.expire(unit)


def _before_after(
    catalog: Catalog, codes: Iterable[str], old: Mapping[str, Any], new: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The changed values for the audit log, personal ones masked."""
    found = {}
    for code in codes:
        item = catalog.indicator(PARTICULARS, code)
        found[code] = [mask(item, each.get(code)) for each in (old, new)]
    return found
