"""Lists of the rows of each set across files, generated from the catalogue (S20)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.security.decorators import has_access
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Query, Session

from app.access.actor import current_actor
from app.access.fields import may_view_set
from app.core.errors import NotFound
from app.core.reference import Indicator, IndicatorSet, structure
from app.core.sealed import UNREADABLE
from app.indicators.catalog import Catalog, language
from app.indicators.values import display, mask
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import search
from app.services.attachment import is_file
from app.views.base import BaseModelView, BaseView
from app.views.choice import CodeSelectField
from app.views.datamodel import Datamodel
from app.views.exporting import Names, PurposeExport
from app.views.labels import column_label, group_label, indicator_label, present_catalog, set_label
from app.views.teacher.teachers import LAST_ONE
from app.views.widgets import unless_lost

SHOWN = 6  # So many indicators stand in the list before somebody chooses columns.
SHORT_TABLE = 25  # The codes of a longer table are searched by typing.
KINDS = {"int": "number", "decimal": "number", "date": "date", "year_month": "month"}
PERSON, PLACE, SINCE = "teacher", "teacher.school", "valid_from"


class CodeFilterSelectField(CodeSelectField):
    """A filter by a code of a long table."""

    def __init__(self, *args: Any, key: str, **kwargs: Any) -> None:
        super().__init__(*args, indicator=present_catalog().by_key[key], **kwargs)


class Standing(BaseFilter):
    """The rows that files are made of at present."""

    def apply(self, query: Query, value: Any) -> Query:
        return query.filter(self.model.standing())


class RecordView(PurposeExport, BaseModelView, abstract=True):
    """The rows of one set in scope, those in force and the drafts; a subclass names the set."""

    set_code: ClassVar[str]
    class_permission_name = "Record"
    exclude_route_methods = {"show", "tab", "choices"}
    base_filters = [["id", Standing, ""]]
    base_order = ("id", "desc")
    quick_hint = _l("Name or number of a teacher")
    empty_hint = _l("No file in your scope has a record here.")

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the list to those who may see rows of the set at all."""
        self._require_right()
        return super().list()

    @expose("/export", methods=["POST"])
    @has_access
    def export(self) -> Any:
        """Send what the list shows to those who may see rows of the set at all."""
        self._require_right()
        return super().export()

    def _require_right(self) -> None:
        if not may_view_set(current_actor(), self.set_code):
            raise NotFound()

    def quick_filter(self, query: Query, text: str) -> Query:
        return self.narrowed(query, text)

    def row_link(self, item: Any) -> str:
        anchor = f"set-{self.set_code}"
        return url_for("FileView.show", pk=item.teacher_id, _anchor=anchor)

    def row_name(self, item: Any) -> str:
        return item.teacher.name

    def cell(self, item: Any, column: str) -> Any:
        if column in (PERSON, PLACE, SINCE):
            return super().cell(item, column)
        return unless_lost(shown_in_list(item, column, present_catalog(), language()))

    @classmethod
    def narrowed(cls, rows: Query, text: str) -> Query:
        fitting = select(Teacher.id).where(search.matches(text))
        return rows.filter(cls.datamodel.obj.teacher_id.in_(fitting))

    @classmethod
    def export_names(cls, session: Session, columns: Sequence[str], known: Catalog) -> Names:
        return {"": {"": known}}  # type: ignore[dict-item]

    @classmethod
    def export_value(cls, item: Any, column: str, names: Names, sent: Any) -> Any:
        if column in (PERSON, PLACE):
            return item.teacher.name if column == PERSON else item.teacher.school.name
        if column == SINCE:
            return item.valid_from
        value = shown_in_list(item, column, names[""][""], language())  # type: ignore[arg-type]
        return str(value) if value is UNREADABLE else value


def shown_in_list(record: Any, code: str, known: Catalog, lang: str) -> Any:
    """Return a value as lists show it: masked where it is personal, the name of a code, UNREADABLE
    where it is broken."""
    item = known.indicator(record.indicator_set.code, code)
    value = record.value(code)
    if value is UNREADABLE:
        return value
    if item.masked:
        return mask(item, value, keep=LAST_ONE)
    if item.data_type in ("int", "decimal", "date"):
        return value
    return display(item, value, known, lang)


def _is_listed(item: Indicator) -> bool:
    return not is_file(item)


def _searched(item: Indicator) -> bool:
    """Whether a list may be filtered by an indicator: what is masked or several is not."""
    return _is_listed(item) and not item.masked and not item.multi_value


def _has_kind(item: Indicator) -> bool:
    """Whether a column has a look of its own; a year is a number without thousands."""
    return item.data_type in KINDS and not any("year" in each for each in (item.min, item.max))


def view_name(set_code: str) -> str:
    """Return the name of the view that lists the rows of a set."""
    return f"Record{''.join(part.title() for part in set_code.split('_'))}View"


def _is_long(item: Indicator) -> bool:
    table = structure().codes.get(item.code_table, {})
    return item.code_table.startswith("@") or len(table) > SHORT_TABLE


def _short_codes(item: Indicator) -> Any:
    def choices() -> Any:
        known, lang = present_catalog(), language()
        table = known.table_of(item)
        return [(code.code, known.name(code, lang)) for code in known.codes(table).values()]

    return choices


def _view_of(entry: IndicatorSet) -> type[RecordView]:
    stored = TEACHER_SETS[entry.code].indicator_set.indicators
    listed = [item for item in stored if _is_listed(item)]
    plain = [item for item in listed if not item.masked]
    searched = [item for item in listed if _searched(item)]
    codes = [item for item in searched if item.data_type == "code"]
    shown = [item.code for item in plain[:SHOWN]]
    labels = {item.code: indicator_label(entry.code, item.code) for item in listed}
    body = {
        "__module__": __name__,
        "__doc__": f"The rows of {entry.code} across files.",
        "set_code": entry.code,
        "datamodel": Datamodel(TEACHER_SETS[entry.code]),
        "export_name": f"record_{entry.code}",
        "route_base": f"/record/{entry.code}",
        "list_title": set_label(entry.code),
        "list_columns": [PERSON, PLACE, *shown],
        "optional_columns": (*(i.code for i in listed if i.code not in shown), SINCE),
        "list_relations": (PLACE,),
        "search_columns": [item.code for item in searched],
        "order_columns": [SINCE],
        "label_columns": labels
        | {
            PERSON: column_label("name"),
            PLACE: _l("School"),
            SINCE: _l("In force since"),
        },
        "list_kinds": {i.code: KINDS[i.data_type] for i in listed if _has_kind(i)},
        "code_columns": {item.code: _short_codes(item) for item in codes if not _is_long(item)},
        "search_form_extra_fields": {
            item.code: CodeFilterSelectField(labels[item.code], key=item.key)
            for item in codes
            if _is_long(item)
        },
    }
    return type(view_name(entry.code), (RecordView,), body)


# Sets of which a list shows nothing but masks are found in the files only.
RECORD_VIEWS = tuple(
    _view_of(entry)
    for entry in structure().teacher_sets()
    if any(_searched(item) for item in entry.indicators)
)


class RecordIndexView(BaseView):
    """The sets whose rows are listed across files."""

    class_permission_name = "Record"
    route_base = "/record"
    default_view = "index"

    @expose("/list/", methods=["GET"])
    @has_access
    def index(self) -> Any:
        """Show the sets by group."""
        actor, known = current_actor(), present_catalog()
        groups: dict[str, list[tuple[str, str]]] = {}
        for view in RECORD_VIEWS:
            entry = known.sets.get(view.set_code)
            if entry is None or not may_view_set(actor, entry.code):
                continue
            link = (known.name(entry, language()), url_for(f"{view.__name__}.list"))
            groups.setdefault(group_label(entry.group_zh), []).append(link)
        return self.render_template("record/index.html", title=_l("Records by set"), groups=groups)
