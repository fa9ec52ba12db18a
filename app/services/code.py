"""The codes as the city keeps them: renamed, mapped for the Ministry, added, retired, put back.

A code is never deleted: old files go on showing its name. Every change is a new row in force from
its commit on, in a new version of the catalogue.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.errors import NotFound, Problem, Refused, Stale
from app.core.reference import Indicator
from app.indicators.catalog import Catalog, touch
from app.models.indicator import Code as CodeRow
from app.models.record import SETS, stored_indicators
from app.services import audit
from app.services.report import OWN_PREFIX, OWN_STANDARD
from app.services.versioned import (
    add_row,
    close,
    content_of,
    current_row,
    former_rows,
    replace_row,
    require_right,
)

RESOURCE = "Code"
REPORT_AS = "report_as"
LONGEST = {"name_zh": 120, "name_en": 160, "note": 300}
OWN_CODE = re.compile(rf"{OWN_PREFIX}[0-9A-Za-z]+")


def is_own(row: Any) -> bool:
    """Whether the city or this project defines the code, and no standard does."""
    return row.code.startswith(OWN_PREFIX) and row.standard.startswith(OWN_STANDARD)


def indicators_of(catalog: Catalog, table: str) -> list[Indicator]:
    """The indicators that are chosen from a table, in any category."""
    return [
        item
        for item in catalog.by_key.values()
        if item.code_table
        and table in {item.code_table, *(f"{item.code_table}_{c}" for c in catalog.categories)}
    ]


def may_grow(catalog: Catalog, table: str) -> bool:
    """Whether codes are added to a table and retired: not where the program itself knows them."""
    return not table.startswith("@") and bool(indicators_of(catalog, table))


def national_codes(catalog: Catalog, table: str) -> list[Any]:
    """The codes of a table that the Ministry knows."""
    return [each for each in catalog.codes(table).values() if not is_own(each)]


def code_row(session: Session, table: str, code: str) -> Any:
    """The row in force of a code, read from the database; NotFound when there is none."""
    row = current_row(session, CodeRow, table_name=table, code=code)
    if row is None:
        raise NotFound()
    return row


def uses_of(session: Session, catalog: Catalog, table: str, code: str) -> int:
    """Count the present rows, drafts and those in force, that hold a code, in one statement."""
    parts = []
    for item in indicators_of(catalog, table):
        cls = SETS[item.set]
        if item not in stored_indicators(catalog.set(item.set)):
            continue
        column = getattr(cls, item.code)
        holds = column == code
        if item.multi_value:
            holds = (literal(",") + column + literal(",")).contains(f",{code},", autoescape=True)
        present = or_(cls.valid_from.is_(None), cls.valid_to.is_(None))
        parts.append(select(func.count().label("n")).select_from(cls).where(present, holds))
    if not parts:
        return 0
    return session.scalar(select(func.sum(union_all(*parts).subquery().c.n))) or 0


def change_code(
    session: Session,
    actor: Actor,
    table: str,
    code: str,
    values: Mapping[str, str],
    *,
    catalog: Catalog,
    seen: int | None = None,
) -> list[str]:
    """Change name_zh, name_en, note or report_as of a code; returns what changed.

    `seen` is the id of the row that the person saw. Raises Forbidden, NotFound, Stale, Refused.
    """
    require_right(actor, RESOURCE)
    row = code_row(session, table, code)
    if seen is not None and seen != row.id:
        raise Stale()
    given = {name: values[name].strip() for name in LONGEST if name in values}
    problems = list(_text_faults(given))
    attrs = dict(row.attrs or {})
    if REPORT_AS in values:
        wanted = values[REPORT_AS].strip()
        problems += _mapping_faults(catalog, table, row, wanted)
        attrs = {k: v for k, v in attrs.items() if k != REPORT_AS}
        attrs |= {REPORT_AS: wanted} if wanted else {}
    if problems:
        raise Refused(problems=problems)
    before, after = content_of(row), given | {"attrs": attrs}
    changed = [name for name, value in after.items() if before[name] != value]
    if changed:
        replace_row(session, row, after)
        said = {name: {"from": before[name], "to": after[name]} for name in changed}
        _put_on_record(session, actor, table, code, said)
    return changed


def add_code(
    session: Session,
    actor: Actor,
    table: str,
    values: Mapping[str, str],
    *,
    catalog: Catalog,
) -> Any:
    """Add a code of the city's own to a table; returns its row. Forbidden, NotFound, Refused.

    `values` are code, name_zh, name_en, note, parent and report_as; one of the last two says what
    the Ministry hears.
    """
    require_right(actor, RESOURCE)
    if not catalog.codes(table) or not may_grow(catalog, table):
        raise NotFound()
    texts = {name: values.get(name, "").strip() for name in ("code", "parent", *LONGEST)}
    mapped = values.get(REPORT_AS, "").strip()
    problems = [*_text_faults(texts), *_new_faults(session, catalog, table, texts, mapped)]
    if problems:
        raise Refused(problems=problems)
    last = max((each.sort for each in catalog.codes(table).values()), default=0)
    row = add_row(
        session,
        CodeRow,
        {
            "table_name": table,
            **texts,
            "sort": last + 1,
            "standard": OWN_STANDARD,
            "active": None,
            "verified": "",
            "attrs": {REPORT_AS: mapped} if mapped else {},
        },
    )
    _put_on_record(session, actor, table, row.code, {"added": content_of(row)})
    return row


def retire_code(session: Session, actor: Actor, table: str, code: str, *, catalog: Catalog) -> None:
    """Offer a code no longer; rows that hold it keep it and its name. Forbidden, NotFound,
    Refused for the last way up of another code."""
    require_right(actor, RESOURCE)
    row = code_row(session, table, code)
    if not may_grow(catalog, table):
        raise Refused(_("The system itself knows these codes; they cannot be retired."))
    hanging = [
        each.code
        for each in catalog.codes(table).values()
        if code in (each.parent, each.attrs.get(REPORT_AS))
    ]
    if hanging:
        codes = ", ".join(hanging[:10])
        raise Refused(_("Other codes hang on this one: %(codes)s.", codes=codes))
    close(session, row, for_good=True)
    _put_on_record(session, actor, table, code, {"retired": True})


def put_back(session: Session, actor: Actor, table: str, code: str) -> Any:
    """Offer a retired code again, as it was last. Forbidden, NotFound, Stale."""
    require_right(actor, RESOURCE)
    former = former_rows(session, CodeRow, table_name=table, code=code)
    if not former or current_row(session, CodeRow, table_name=table, code=code) is not None:
        raise NotFound()
    row = add_row(session, CodeRow, content_of(former[0]))
    _put_on_record(session, actor, table, code, {"retired": False})
    return row


def _put_on_record(
    session: Session, actor: Actor, table: str, code: str, detail: dict[str, Any]
) -> None:
    place = ("code", f"{table} {code}")
    audit.record(session, "setting", actor=actor, object=place, detail=detail)
    touch(session)


def _text_faults(texts: Mapping[str, str]) -> Iterable[Problem]:
    for name, longest in LONGEST.items():
        text = texts.get(name, "")
        if name == "name_zh" and name in texts and not text:
            yield Problem("required", _("This is needed."), field=name)
        if len(text) > longest:
            yield Problem("long", _("At most %(number)s characters.", number=longest), field=name)


def _mapping_faults(catalog: Catalog, table: str, row: Any, wanted: str) -> Iterable[Problem]:
    """Only a code of the city's own is reported as another one, and that is the Ministry's."""
    if not wanted:
        return
    if not is_own(row):
        text = _("A code of a standard is reported as it is.")
        yield Problem(REPORT_AS, text, field=REPORT_AS)
    elif wanted not in {each.code for each in national_codes(catalog, table)}:
        text = _("Choose a code of the Ministry from the same table.")
        yield Problem(REPORT_AS, text, field=REPORT_AS)


def _new_faults(
    session: Session, catalog: Catalog, table: str, texts: Mapping[str, str], mapped: str
) -> Iterable[Problem]:
    code, parent = texts["code"], texts["parent"]
    items = indicators_of(catalog, table)
    longest = min((i.max_length for i in items if i.max_length and not i.multi_value), default=30)
    if not OWN_CODE.fullmatch(code):
        text = _("Begin with BJ- and go on with letters and digits.")
        yield Problem("code", text, field="code")
    elif len(code) > longest:
        yield Problem("code", _("At most %(number)s characters.", number=longest), field="code")
    elif former_rows(session, CodeRow, table_name=table, code=code) or catalog.code(table, code):
        yield Problem("code", _("This code is or was taken."), field="code")
    known = {each.code for each in national_codes(catalog, table)}
    if parent and parent not in known:
        text = _("Choose a code of the Ministry from the same table.")
        yield Problem("parent", text, field="parent")
    if mapped and mapped not in known:
        text = _("Choose a code of the Ministry from the same table.")
        yield Problem(REPORT_AS, text, field=REPORT_AS)
    if not parent and not mapped:
        text = _("Say under which code of the Ministry it stands, or as which it is reported.")
        yield Problem(REPORT_AS, text, field=REPORT_AS)
