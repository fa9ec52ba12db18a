"""Filtering files by what belongs to their school, shared by the list of files and the charts."""

from collections.abc import Collection
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Query, Session

from app.access.actor import Actor
from app.core.errors import NotFound
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import DISTRICTS, language
from app.models.teacher import Teacher
from app.models.unit import Unit, UnitKind
from app.services.unit import education_sponsors, is_run_by_others
from app.views.datamodel import Condition, Datamodel, OneOf
from app.views.labels import present_catalog
from app.views.widgets import Badge

EDUCATION, OTHERS = "education", "others"
RUN_BY = ((EDUCATION, _l("Education authority")), (OTHERS, _l("Not an education authority")))
AUTHORITIES = (UnitKind.CITY, UnitKind.DISTRICT)


class CategoryIs(Condition):
    """The files of schools of one category; a category is no column of the file."""

    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Query, value: Any) -> Query:
        return query.filter(self.model.school_id.in_(_schools(Unit.category == value)))


class CategoryIsNot(Condition):
    name = _l("is not")
    arg_name = "neq"

    def apply(self, query: Query, value: Any) -> Query:
        return query.filter(self.model.school_id.in_(_schools(Unit.category != value)))


class CategoryIn(OneOf):
    def apply(self, query: Query, value: Any) -> Query:
        values = value if isinstance(value, list | tuple | set) else [value]
        return query.filter(self.model.school_id.in_(_schools(Unit.category.in_(values))))


def run_by_choices() -> list[tuple[str, Any]]:
    """Return who may run a school, for `code_columns` (S31)."""
    return list(RUN_BY)


def run_by_badge(unit: Unit) -> Badge | None:
    """Return the flag of a unit that no education authority runs; None for all others."""
    if not is_run_by_others(unit, present_catalog()):
        return None
    return Badge(dict(RUN_BY)[OTHERS], "alert-circle", "wait")


def _run_by(value: Any) -> Any:
    own = Unit.sponsor_type.in_(education_sponsors(present_catalog()))
    return own if value == EDUCATION else ~own


class RunBy(Condition):
    """The units that an education authority runs, or that others run."""

    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Query, value: Any) -> Query:
        return query.filter(_run_by(value))


class FilesRunBy(RunBy):
    """The files of such units."""

    def apply(self, query: Query, value: Any) -> Query:
        return query.filter(self.model.school_id.in_(_schools(_run_by(value))))


def _schools(condition: Any) -> Any:
    return select(Unit.id).where(condition)


def files_model() -> Datamodel:
    """Return the data model of files, which can be filtered by `category` like by a column."""
    model = Datamodel(Teacher)
    kinds = (CategoryIs, CategoryIsNot, CategoryIsNot, CategoryIsNot, CategoryIn)
    model.condition_cache["category"] = [kind("category", model) for kind in kinds]
    model.condition_cache["run_by"] = [FilesRunBy("run_by", model)]
    return model


def units_model() -> Datamodel:
    """Return the data model of units, which can be filtered by `run_by` like by a column."""
    model = Datamodel(Unit)
    model.condition_cache["run_by"] = [RunBy("run_by", model)]
    return model


def authority_choices() -> list[tuple[int, str]]:
    """Return id and short name of the authorities in their usual order, for `code_columns`.

    They are read once per request: list, filter panel and chips all ask for them.
    """
    kept = request.environ.setdefault("tm.authorities", [])
    if not kept:
        kept += _read_authorities()
    return kept


def _read_authorities() -> list[tuple[int, str]]:
    found = select(Unit.id, Unit.code, Unit.name).where(Unit.kind.in_(AUTHORITIES))
    known, lang = present_catalog(), language()
    districts = known.codes(DISTRICTS)
    places = {code: place for place, code in enumerate(districts)}
    rows = sorted(db.session.execute(found), key=lambda row: places.get(row.code, len(places)))
    return [
        (row.id, known.name(districts[row.code], lang) if row.code in districts else row.name)
        for row in rows
    ]


def require_units(
    session: Session, actor: Actor, *, authorities: Collection[str], schools: Collection[str]
) -> None:
    """Raise NotFound unless all these ids are units whose files the actor may see (SEC-09).

    A foreign unit is answered as one that does not exist; other authorities are public as units,
    but their files are not.
    """
    if actor.tier != "city":
        own = actor.unit_id if actor.tier == "district" else actor.authority_id
        if any(each != str(own) for each in authorities):
            raise NotFound()
    wanted = {*authorities, *schools}
    keys = {whole_number(each) for each in wanted} - {None}
    if not wanted:
        return
    known = select(func.count()).select_from(Unit).where(Unit.id.in_(keys))
    if len(keys) != len(wanted) or session.scalar(known) != len(keys):
        raise NotFound()
