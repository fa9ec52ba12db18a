"""Export of lists with personal data: for a purpose, on record, as a job when long (SEC-14)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from flask import current_app, flash, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy.orm import Query, Session
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor, current_actor
from app.core.address import names_a_person
from app.core.errors import Malformed
from app.exchange.export import XLSX, ExportPlan, Listing, begin, export_source, send
from app.extensions import db
from app.indicators.catalog import Catalog, catalog, language
from app.views.listing import address_of, read_arguments, read_filters
from app.views.once import first_result, forget, remember
from app.views.widgets import Badge

AT_ONCE = 500

Names = Mapping[str, Mapping[Any, str]]


class PurposeExport:
    """Mixed into a list before its base class: its file is asked for with a purpose.

    `export_name` is the source under which a job reads the list again, without a request. A
    subclass overrides `narrowed`, `prepared`, `export_names` and `export_value` as its list needs.
    """

    export_name: ClassVar[str] = ""
    exports = ()
    list_template = "tm/list_for_purpose.html"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.export_name:
            export_source(cls.export_name)(cls.read_export)

    @expose("/export", methods=["POST"])
    @has_access
    def export(self) -> Any:
        """Send exactly what the list shows, or say what it waits for."""
        session, actor = db.session(), current_actor()
        if names_a_person(request.form.get("query", "")):
            raise Malformed()
        if (known := first_result(session)) is not None:
            return known
        plan = ExportPlan(
            self.export_name,
            query=request.form.get("query", ""),
            columns=tuple(self._known(request.form.getlist("column"))),
            title=str(self.list_title),
            format=request.form.get("format", XLSX),
        )
        begun = begin(
            session,
            actor,
            plan,
            request.form.get("purpose", ""),
            direct_rows=current_app.config["MAX_EXPORT_ROWS_DIRECT"],
        )
        target = address_of("ExportView", "list") or self.list_url()
        if begun.listing is not None:
            forget(session)
            session.commit()
            return send(begun)
        remember(session, target)
        session.commit()
        words = (
            _("Another person must approve this export first. You will get a notice.")
            if begun.waits
            else _("The file is being written. You will get a notice when it is ready.")
        )
        flash(words, "info")
        return redirect(target)

    @classmethod
    def read_export(
        cls, session: Session, actor: Actor, query: str, columns: Sequence[str]
    ) -> Listing:
        """Read the list that a query string describes, under the scope of the one who asked."""
        sent = MultiDict(parse_qsl(query))
        model, name = cls.datamodel, cls.__name__
        arguments = read_arguments(sent, name, AT_ONCE, cls.order_columns)
        filters = read_filters(model.get_filters(cls.search_columns), sent)
        if cls.base_filters:
            filters.add_filter_list(cls.base_filters)
        rows = model.apply_filters(session.query(model.obj), filters)
        rows = cls.narrowed(rows, arguments.text) if arguments.text else rows
        count = rows.with_entities(model.get_pk()).count()
        order = (arguments.order, arguments.direction) if arguments.order else cls.base_order
        rows = model.apply_order_by(cls.prepared(rows, columns), *order, {}, add_pk=True)
        known = catalog(session)
        headings = [str(cls.label_columns.get(column, column)) for column in columns]
        cells = cls._cells(rows, columns, cls.export_names(session, columns, known), sent)
        return Listing(headings, cells, count)

    @classmethod
    def _cells(
        cls, rows: Query, columns: Sequence[str], names: Names, sent: MultiDict
    ) -> Iterator[list[Any]]:
        for item in rows.yield_per(AT_ONCE):
            yield [cls.export_value(item, column, names, sent) for column in columns]

    @classmethod
    def narrowed(cls, rows: Query, text: str) -> Query:
        """Narrow the rows to what was typed into the search box."""
        return rows

    @classmethod
    def prepared(cls, rows: Query, columns: Sequence[str]) -> Query:
        """Load what these columns read from."""
        return cls.datamodel.with_relations(rows, columns)

    @classmethod
    def export_names(cls, session: Session, columns: Sequence[str], known: Catalog) -> Names:
        """Return the names of codes, by column and code."""
        return {}

    @classmethod
    def export_value(cls, item: Any, column: str, names: Names, sent: MultiDict) -> Any:
        """Return one cell: the name of a code, else the value; a relation as its name."""
        value = getattr(item, column)
        if column in names:
            return names[column].get(value, value)
        if isinstance(value, Badge):
            return str(value.label)
        is_plain = value is None or isinstance(value, str | int | float | bool)
        return value if is_plain or hasattr(value, "isoformat") else str(value)


def code_names(known: Catalog, table: str) -> dict[Any, str]:
    """Return the names of a code table in the language of the file."""
    lang = language()
    return {code.code: known.name(code, lang) for code in known.codes(table).values()}
