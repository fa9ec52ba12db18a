"""The catalogue's rows in the database as reference data."""

from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from app.core.reference import (
    CheckRule,
    Code,
    Indicator,
    IndicatorSet,
    Reference,
    Region,
    Rule,
    SchoolType,
)
from app.models import indicator as tables

AnySession = Session | scoped_session[Session]


def read_reference_rows(session: AnySession) -> Reference:
    """Return the rows in force as reference data; districts stand among the code tables."""
    return Reference(
        sets=_read_sets(session),
        rules={
            (r.set_code, r.indicator, r.category): _rule(r)
            for r in _current(session, tables.IndicatorRule)
        },
        codes=_read_codes(_current(session, tables.Code)),
        checks={r.code: _check_rule(r) for r in _current(session, tables.CheckRule) if r.active},
        districts={},
        school_types={r.code: _school_type(r) for r in _current(session, tables.SchoolType)},
        regions={
            r.code: Region(r.code, r.name_zh, r.level, r.parent, r.status)
            for r in _current(session, tables.Region)
        },
    )


def _current(session: AnySession, cls: Any) -> list[Any]:
    """Plain rows, not mapped objects: thousands of them are read only once."""
    columns = [each for each in cls.__table__.columns if each.name not in ("valid_from", "origin")]
    order = [getattr(cls, name) for name in ("sort", *cls.KEY) if hasattr(cls, name)]
    return list(session.execute(select(*columns).where(cls.valid_to.is_(None)).order_by(*order)))


def _read_sets(session: AnySession) -> dict[str, IndicatorSet]:
    grouped: dict[str, list[Indicator]] = {}
    for r in _current(session, tables.Indicator):
        grouped.setdefault(r.set_code, []).append(_indicator(r))
    return {
        r.code: IndicatorSet(
            code=r.code,
            name_zh=r.name_zh,
            name_en=r.name_en,
            multi_row=r.multi_row,
            entity=r.entity,
            group_zh=r.group_zh,
            core=r.core,
            sort=r.sort,
            source=r.source,
            note=r.note,
            indicators=tuple(grouped.get(r.code, ())),
        )
        for r in _current(session, tables.IndicatorSet)
    }


def _indicator(r: Any) -> Indicator:
    return Indicator(
        set=r.set_code,
        code=r.code,
        name_zh=r.name_zh,
        name_en=r.name_en,
        data_type=r.data_type,
        max_length=r.max_length,
        code_table=r.code_table,
        multi_value=r.multi_value,
        min=r.minimum,
        max=r.maximum,
        regex=r.regex,
        core=r.core,
        pii_level=r.pii_level,
        beijing_extension=r.beijing_extension,
        derived_from=r.derived_from,
        read_only=r.read_only,
        identity=r.identity,
        default=r.default_value,
        applicable_when=r.applicable_when,
        sort=r.sort,
        source=r.source,
        help_zh=r.help_zh,
        help_en=r.help_en,
    )


def _read_codes(rows: list[Any]) -> dict[str, dict[str, Code]]:
    found: dict[str, dict[str, Code]] = {}
    for r in rows:
        found.setdefault(r.table_name, {})[r.code] = Code(
            table=r.table_name,
            code=r.code,
            name_zh=r.name_zh,
            name_en=r.name_en,
            sort=r.sort,
            standard=r.standard,
            parent=r.parent,
            active=r.active,
            verified=r.verified,
            attrs=MappingProxyType(r.attrs or {}),
            note=r.note,
        )
    return found


def read_retired_codes(session: AnySession) -> dict[str, dict[str, Code]]:
    """Codes without a row in force, under their last name: old records still show them."""
    closed = select(*tables.Code.__table__.columns).where(tables.Code.valid_to.is_not(None))
    return _read_codes(list(session.execute(closed.order_by(tables.Code.valid_to))))


def _check_rule(r: Any) -> CheckRule:
    fields = tuple(part.strip() for part in r.fields.split(","))
    return CheckRule(
        r.code, r.severity, r.set_code, r.trigger, fields, r.message_zh, r.message_en, r.description
    )


def _rule(r: Any) -> Rule:
    key = (r.set_code, r.indicator, r.category)
    return Rule(*key, r.collected, r.required, r.filled_by, r.reviewed_by)


def _school_type(r: Any) -> SchoolType:
    return SchoolType(r.code, r.name_zh, r.name_en, r.stage, r.category, r.attached, r.sort)
