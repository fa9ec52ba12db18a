"""Reading rows for lists: typed conditions, relations loaded at once, counts that stay cheap."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, NamedTuple

from flask_appbuilder.models.filters import BaseFilter, FilterRelation, Filters
from flask_appbuilder.models.sqla import filters as stock
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import false, func, literal, or_, select
from sqlalchemy.orm import Query, SynonymProperty, joinedload

from app.access.scope import scoped_get
from app.core.clock import BEIJING
from app.core.errors import Malformed, NotFound
from app.core.whole import whole_number
from app.services.among import checksum

COUNT_CAP = 10_000
BOOLEANS = {"y": True, "true": True, "1": True, "n": False, "false": False, "0": False}


class Count(NamedTuple):
    """How many rows match; counting stops at a cap, then `exact` is false."""

    number: int
    exact: bool
    checksum: str = ""  # Of keys and versions: tells apart two sets of the same size.

    def __str__(self) -> str:
        return f"{self.number:,}" if self.exact else f"{self.number:,}+"


def escaped(text: str) -> str:
    """Return text for LIKE ... ESCAPE '/': what people type is never a wildcard."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _as_int(text: str) -> int:
    number = whole_number(text.removeprefix("-"))
    if number is None:
        raise ValueError(text)
    return -number if text.startswith("-") else number


def _as_decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


def _as_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def _as_bool(text: str) -> bool:
    return BOOLEANS[text.lower()]


def typed(datamodel: SQLAInterface, column: str, value: Any) -> Any:
    """Turn the text of a URL into the type of the column. Raise Malformed when it does not fit."""
    if not isinstance(value, str):
        return value
    readers = (
        (datamodel.is_boolean, _as_bool),
        (datamodel.is_integer, _as_int),
        (datamodel.is_numeric, _as_decimal),
        (datamodel.is_float, float),
        (datamodel.is_datetime, _as_moment),
        (datamodel.is_date, date.fromisoformat),
    )
    if "\0" in value:
        raise Malformed(_("This filter value is not valid."))
    for is_kind, read in readers:
        if is_kind(column):
            try:
                return read(value.strip())
            except (ValueError, KeyError, InvalidOperation):
                raise Malformed(_("This filter value is not valid.")) from None
    return value


class Condition(BaseFilter):
    """One operator on one column; subclasses say only what is compared."""

    def compare(self, column: Any, value: Any) -> Any:
        raise NotImplementedError

    def apply(self, query: Query, value: Any) -> Query:
        query, column = stock.get_field_setup_query(query, self.model, self.column_name)
        return query.filter(self.compare(column, typed(self.datamodel, self.column_name, value)))


class Equal(Condition, stock.FilterEqual):
    name = _l("is")

    def compare(self, column: Any, value: Any) -> Any:
        return column == value


class NotEqual(Condition, stock.FilterNotEqual):
    name = _l("is not")

    def compare(self, column: Any, value: Any) -> Any:
        return or_(column != value, column.is_(None))


class Contains(Condition, stock.FilterContains):
    name = _l("contains")

    def compare(self, column: Any, value: Any) -> Any:
        return column.ilike(f"%{escaped(value)}%", escape="/")


class StartsWith(Condition, stock.FilterStartsWith):
    name = _l("starts with")

    def compare(self, column: Any, value: Any) -> Any:
        return column.ilike(f"{escaped(value)}%", escape="/")


class Greater(Condition, stock.FilterGreater):
    name = _l("greater than")

    def compare(self, column: Any, value: Any) -> Any:
        return column > value


class Smaller(Condition, stock.FilterSmaller):
    name = _l("less than")

    def compare(self, column: Any, value: Any) -> Any:
        return column < value


class AtLeast(Condition):
    name = _l("from")
    arg_name = "ge"

    def compare(self, column: Any, value: Any) -> Any:
        return column >= value


class AtMost(Condition):
    name = _l("up to")
    arg_name = "le"

    def compare(self, column: Any, value: Any) -> Any:
        # A day named as the end of a period of moments belongs to it.
        if isinstance(value, datetime) and value.timetz() == time(tzinfo=BEIJING):
            return column < value + timedelta(days=1)
        return column <= value


class OneOf(stock.FilterIn):
    name = _l("is one of")

    def apply(self, query: Query, value: Any) -> Query:
        query, column = stock.get_field_setup_query(query, self.model, self.column_name)
        values = value if isinstance(value, list | tuple | set) else [value]
        return query.filter(
            column.in_([typed(self.datamodel, self.column_name, each) for each in values])
        )


class Empty(BaseFilter):
    name = _l("is empty")
    arg_name = "null"

    def apply(self, query: Query, value: Any) -> Query:
        query, column = stock.get_field_setup_query(query, self.model, self.column_name)
        test = column.is_(None)
        if self.datamodel.is_string(self.column_name) or self.datamodel.is_text(self.column_name):
            test = or_(test, column == "")
        wanted = value is True or str(value).lower() in ("y", "true", "1")
        return query.filter(test if wanted else ~test)


class RelationIs(FilterRelation):
    """Compare the foreign key itself: a row out of scope is never loaded, nor read as "none"."""

    name = _l("is")
    arg_name = "rel_o_m"

    def apply(self, query: Query, value: Any) -> Query:
        key = self.datamodel.get_relation_fk(self.column_name)
        try:
            return query.filter(key == key.type.python_type(value))
        except (TypeError, ValueError):
            return query.filter(false())


class RelationIsNot(FilterRelation):
    name = _l("is not")
    arg_name = "nrel_o_m"

    def apply(self, query: Query, value: Any) -> Query:
        key = self.datamodel.get_relation_fk(self.column_name)
        try:
            return query.filter(or_(key != key.type.python_type(value), key.is_(None)))
        except (TypeError, ValueError):
            return query.filter(false())


# The place in the row is the digit of `_flt_<digit>_<column>`; 0 is "is" for every type, so that
# links written by hand stay true.
TEXT = [Equal, Contains, StartsWith, NotEqual, OneOf, AtLeast, AtMost, Empty]
RANGE = [Equal, AtLeast, AtMost, NotEqual, OneOf, Greater, Smaller, Empty]
EQUAL, ONE_OF = 0, 4
# The operators whose value names a row where the column is a relation or its key.
NAMING = (RelationIs, RelationIsNot, Equal, NotEqual, OneOf)


class ConditionConverter(stock.SQLAFilterConverter):
    conversion_table: Any = (
        ("is_relation_many_to_one", [RelationIs, RelationIsNot]),
        ("is_relation_one_to_one", [RelationIs, RelationIsNot]),
        ("is_relation_many_to_many", [stock.FilterRelationManyToManyEqual]),
        ("is_relation_one_to_many", [stock.FilterRelationManyToManyEqual]),
        ("is_enum", [Equal, NotEqual, NotEqual, NotEqual, OneOf]),
        ("is_text", TEXT),
        ("is_binary", []),
        ("is_string", TEXT),
        ("is_boolean", [Equal, NotEqual]),
        ("is_integer", RANGE),
        ("is_float", RANGE),
        ("is_numeric", RANGE),
        ("is_date", RANGE),
        ("is_datetime", RANGE),
        ("is_json", []),
    )


class Conditions(Filters):
    """Filters whose operators are built once per data model, not once per request."""

    def _get_filters(self, cols: Iterable[str]) -> dict[str, list[BaseFilter]]:
        cache = self.datamodel.condition_cache
        for column in cols:
            if column not in cache:
                cache[column] = self.filter_converter(self.datamodel).convert(column) or []
        return {column: cache[column] for column in cols if cache[column]}

    def get_joined_filters(self, filters: Filters) -> "Conditions":
        joined = Conditions(self.filter_converter, self.datamodel)
        joined.filters = self.filters + filters.filters
        joined.values = self.values + filters.values
        return joined

    def copy(self) -> "Conditions":
        twin = Conditions(self.filter_converter, self.datamodel)
        twin.filters, twin.values = list(self.filters), list(self.values)
        return twin

    def rest_add_filters(self, data: list[dict[str, Any]]) -> None:
        """Add the filters of a REST query. Raise Malformed for an unknown column or operator."""
        for each in data:
            try:
                column, operator, value = each["col"], each["opr"], each["value"]
            except (KeyError, TypeError):
                raise Malformed(_("This filter is not valid.")) from None
            known = {condition.arg_name: condition for condition in self._search_of(column)}
            if operator not in known:
                raise Malformed(_("This list cannot be filtered like that."))
            self._add_checked(known[operator], value)

    def _search_of(self, column: str) -> list[BaseFilter]:
        if column not in self.get_search_filters():
            raise Malformed(_("This list cannot be filtered by that column."))
        return self.get_search_filters()[column]

    def add_argument(self, column: str, index: int, values: list[str]) -> None:
        """Add `_flt_<index>_<column>` of a URL. Raise Malformed when the list does not offer it,
        NotFound when it names a row outside the scope."""
        known = self._search_of(column)
        if index >= len(known):
            raise Malformed(_("This list cannot be filtered like that."))
        self._add_checked(known[index], values)

    def _add_checked(self, condition: BaseFilter, values: Any) -> None:
        """Add a filter that somebody sent. Raise NotFound where it names a row outside the scope,
        as for one that does not exist (SEC-03, SEC-09)."""
        parent = self.datamodel.parent_of(condition.column_name)
        if parent is not None and isinstance(condition, NAMING):
            for value in values if isinstance(values, list) else [values]:
                key = whole_number(str(value))
                if key is None:
                    raise NotFound()
                scoped_get(self.datamodel.session, parent, key)
        self._add_filter(condition, values)


class Datamodel(SQLAInterface):
    """The data model of every view: replaces SQLAInterface, which loads relations row by row."""

    filter_converter_class = ConditionConverter
    FilterRelationOneToManyEqual: ClassVar[type] = RelationIs
    FilterRelationOneToManyNotEqual: ClassVar[type] = RelationIsNot
    counts_versions = False  # Whether a checksum tells versions of the same rows apart.

    def __init__(self, obj: type, session: Any = None) -> None:
        self.condition_cache: dict[str, list[BaseFilter]] = {}
        super().__init__(obj, session)
        # A second name of a column is no column of its own.
        for name, prop in list(self.list_properties.items()):
            if isinstance(prop, SynonymProperty):
                del self.list_properties[name]
                self.list_columns.pop(name, None)

    def parent_of(self, column: str) -> type | None:
        """Return the class of the row that a relation, or the key behind one, leads to."""
        for relation in self.obj.__mapper__.relationships:
            keys = {each.key for each in relation.local_columns}
            if not relation.uselist and (column == relation.key or keys == {column}):
                parent: type = relation.mapper.class_
                return parent
        return None

    def get_filters(self, search_columns: Any = None, search_filters: Any = None) -> Conditions:
        return Conditions(
            self.filter_converter_class, self, search_columns or [], search_filters=search_filters
        )

    def is_numeric(self, col_name: str) -> bool:
        # Float is a Numeric for SQLAlchemy, but its values are not Decimal.
        return super().is_numeric(col_name) and not self.is_float(col_name)

    def get(self, id: Any, filters: Filters | None = None, *args: Any, **kwargs: Any) -> Any:
        """Return the row with this key if the filters and the scope let it through, else None."""
        pk = self.get_pk_name()
        try:
            key = typed(self, pk, id) if isinstance(pk, str) else id
        except Malformed:
            return None
        return super().get(key, filters, *args, **kwargs)

    def rows(self, filters: Filters | None = None) -> Query:
        """Return the query of all rows the filters let through."""
        return self.apply_filters(self.session.query(self.obj), filters)

    def query_count(self, query: Query, filters: Any = None, select_columns: Any = None) -> int:
        filtered = self.apply_filters(query, filters)
        return filtered.order_by(None).with_entities(func.count(self.get_pk())).scalar() or 0

    def count(self, query: Query, cap: int | None = COUNT_CAP) -> Count:
        """Count the rows of a query; stop one after the cap unless it is None."""
        key = self.get_pk()
        version = self.obj.version if self.counts_versions else literal(0)
        keys = query.order_by(None).with_entities(key.label("key"), version.label("version"))
        if cap is not None:
            keys = keys.limit(cap + 1)
        inner = keys.subquery()
        whole = self.is_integer(self.get_pk_name())
        fixed = checksum(inner.c.key, inner.c.version) if whole else literal("")
        found, total = self.session.execute(select(func.count(), fixed).select_from(inner)).one()
        if cap is not None and found > cap:
            return Count(cap, exact=False)
        return Count(found, True, total)

    def with_relations(self, query: Query, columns: Iterable[str]) -> Query:
        """Load the parents that these columns (`school`, `school.authority.name`) read from."""
        for path in sorted({path for column in columns if (path := self._relations_in(column))}):
            owner: Any = self.obj
            option: Any = None
            for name in path:
                attribute = getattr(owner, name)
                option = option.joinedload(attribute) if option else joinedload(attribute)
                owner = attribute.property.mapper.class_
            query = query.options(option)
        return query

    def _relations_in(self, column: str) -> tuple[str, ...]:
        owner, path = self.obj, []
        for name in column.split("."):
            relations = owner.__mapper__.relationships
            if name not in relations or relations[name].uselist:
                break
            path.append(name)
            owner = relations[name].mapper.class_
        return tuple(path)
