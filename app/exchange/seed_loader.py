"""Load the reference CSV into the catalogue tables: again and again, without doing harm."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session, scoped_session

from app.core.clock import now
from app.core.errors import Problem, Refused
from app.core.reference import SEEDS, Reference, read_reference
from app.exchange.seed_check import check_folder
from app.indicators.catalog import DISTRICTS, district_code, forget, touch
from app.models import indicator as tables
from app.models.calendar import LOADED_YEAR, SpecialDay, read_shipped
from app.models.indicator import Origin
from app.models.parameter import Parameter, ParameterKind, read_settings

# What is loaded first has been in force as long as anybody can ask.
BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
BATCH = 500

AnySession = Session | scoped_session[Session]
Key = tuple[str, ...]
Columns = dict[str, Any]


@dataclass(frozen=True)
class Counts:
    """How many rows a load touched; `kept` are rows of the city that it left alone."""

    added: int = 0
    changed: int = 0
    retired: int = 0
    kept: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.added + other.added,
            self.changed + other.changed,
            self.retired + other.retired,
            self.kept + other.kept,
        )

    @property
    def any_change(self) -> bool:
        """Whether the catalogue is no longer what it was."""
        return bool(self.added or self.changed or self.retired)


def load_reference(session: AnySession, folder: Path = SEEDS) -> Counts:
    """Bring the catalogue tables up to the files of a folder; the caller commits.

    The folder is checked as a whole first: Refused lists file, row and remedy of every fault and
    nothing is written. A changed row is closed and written anew, a row without its line in the
    file is closed; what the city edited or closed stays. A change gives the next version.
    """
    refuse_faults(folder)
    ref, moment = read_reference(folder), now()
    wanted = _wanted(ref)
    counts = sum((_merge(session, cls, wanted[cls], moment) for cls in wanted), Counts())
    counts += _merge_settings(session, folder)
    counts += _add_days(session, folder)
    if counts.any_change:
        touch(session)
        forget()
    return counts


def refuse_faults(folder: Path) -> None:
    """Raise Refused when the files of a folder do not fit together."""
    found = check_folder(folder)
    if found:
        problems = [Problem("SEED", str(each), record=each.row or None) for each in found]
        raise Refused(_("The reference data have faults. Nothing was loaded."), problems)


def _wanted(ref: Reference) -> Mapping[Any, Mapping[Key, Columns]]:
    rows: dict[Any, Iterator[Columns]] = {
        tables.IndicatorSet: _set_rows(ref),
        tables.Indicator: _indicator_rows(ref),
        tables.IndicatorRule: _rule_rows(ref),
        tables.Code: _code_rows(ref),
        tables.Region: (dict(vars(each)) for each in ref.regions.values()),
        tables.SchoolType: (dict(vars(each)) for each in ref.school_types.values()),
        tables.CheckRule: _check_rows(ref),
    }
    return {cls: {_key(cls, row): row for row in found} for cls, found in rows.items()}


def _key(cls: Any, row: Mapping[str, Any]) -> Key:
    return tuple(row[name] for name in cls.KEY)


def _set_rows(ref: Reference) -> Iterator[Columns]:
    for each in ref.sets.values():
        row = dict(vars(each))
        del row["indicators"]
        yield row


def _indicator_rows(ref: Reference) -> Iterator[Columns]:
    renamed = {"set": "set_code", "min": "minimum", "max": "maximum", "default": "default_value"}
    for entry in ref.sets.values():
        for item in entry.indicators:
            yield {renamed.get(name, name): value for name, value in vars(item).items()}


def _rule_rows(ref: Reference) -> Iterator[Columns]:
    for each in ref.rules.values():
        row = dict(vars(each))
        yield {"set_code": row.pop("set"), **row}


def _code_rows(ref: Reference) -> Iterator[Columns]:
    districts = (district_code(each) for each in ref.districts.values())
    listed = (code for table in ref.codes.values() for code in table.values())
    for each in (*listed, *(replace(code, table=DISTRICTS) for code in districts)):
        row = dict(vars(each))
        yield {"table_name": row.pop("table"), **row, "attrs": dict(each.attrs)}


def _check_rows(ref: Reference) -> Iterator[Columns]:
    for each in ref.checks.values():
        row = dict(vars(each))
        yield {"set_code": row.pop("set"), **row, "fields": ",".join(each.fields), "active": True}


def _merge(
    session: AnySession, cls: Any, wanted: Mapping[Key, Columns], moment: datetime
) -> Counts:
    table = cls.__table__
    in_force = session.execute(select(table).where(table.c.valid_to.is_(None))).mappings()
    current = {_key(cls, row): row for row in map(dict, in_force)}
    closed_by_city = _closed_by_city(session, cls)
    add = [key for key in wanted if key not in current and key not in closed_by_city]
    change = [
        key
        for key, row in current.items()
        if key in wanted and row["origin"] == Origin.SEED and _differs(row, wanted[key])
    ]
    gone = [
        key for key, row in current.items() if key not in wanted and row["origin"] == Origin.SEED
    ]
    kept = sum(row["origin"] == Origin.CITY for row in current.values())
    kept += sum(key in closed_by_city and key not in current for key in wanted)
    _close(session, table, [current[key]["id"] for key in (*change, *gone)], moment)
    begin = moment if current or closed_by_city else BEGINNING
    new = [{**wanted[key], "valid_from": begin, "origin": Origin.SEED.value} for key in add]
    new += [{**wanted[key], "valid_from": moment, "origin": Origin.SEED.value} for key in change]
    if new:
        session.execute(insert(table), new)
    return Counts(len(add), len(change), len(gone), kept)


def _differs(row: Mapping[str, Any], wanted: Columns) -> bool:
    return any(row[name] != value for name, value in wanted.items())


def _closed_by_city(session: AnySession, cls: Any) -> frozenset[Key]:
    columns = [cls.__table__.c[name] for name in cls.KEY]
    closed = select(*columns).where(cls.valid_to.is_not(None), cls.origin == Origin.CITY)
    return frozenset(tuple(row) for row in session.execute(closed))


def _close(session: AnySession, table: Any, ids: list[int], moment: datetime) -> None:
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        session.execute(update(table).where(table.c.id.in_(some)).values(valid_to=moment))


def _merge_settings(session: AnySession, folder: Path) -> Counts:
    """Add new settings, move shipped values and texts; a value that the city chose stays."""
    current = {each.key: each for each in session.scalars(select(Parameter))}
    added = changed = kept = 0
    for key, each in read_settings(folder).items():
        texts = {
            "default": each.value,
            "kind": each.kind,
            "section": each.section,
            "label_zh": each.label_zh,
            "label_en": each.label_en,
            "sort": each.sort,
        }
        row = current.get(key)
        if row is None:
            session.add(Parameter(key=key, value=each.value, **texts))
            added += 1
            continue
        chosen = row.value != row.default and each.kind != ParameterKind.COUNTER
        kept += chosen
        if any(getattr(row, name) != value for name, value in texts.items()):
            changed += 1
            for name, value in texts.items():
                setattr(row, name, value)
            if not chosen and each.kind != ParameterKind.COUNTER:
                row.value = each.value
    session.flush()
    return Counts(added=added, changed=changed, kept=kept)


def _add_days(session: AnySession, folder: Path) -> Counts:
    """Add the official days of years not loaded before; within those the city keeps the calendar,
    so that what it took out does not come back."""
    counter = session.get_one(Parameter, LOADED_YEAR)
    loaded = int(counter.value)
    known = set(session.scalars(select(SpecialDay.day)))
    fresh = [row for row in read_shipped(folder) if row["day"].year > loaded]
    added = [row for row in fresh if row["day"] not in known]
    if added:
        session.execute(insert(SpecialDay), added)
    counter.value = str(max((row["day"].year for row in fresh), default=loaded))
    session.flush()
    return Counts(added=len(added), kept=len(fresh) - len(added))
