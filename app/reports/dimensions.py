"""What figures are grouped by: a column, the bars its values fall into, and their names."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.clock import today
from app.indicators.catalog import DISTRICTS, SCHOOL_TYPES, Catalog

NOTHING = (None, "")
YOUNGEST, OLDEST, STEP = 25, 60, 5
CITY = "110000"
COMMA = re.compile("[,，]")


class Test(NamedTuple):
    """One condition on a column of the list behind a bar: equals, one_of, from, to or empty."""

    column: str
    operator: str
    values: tuple[Any, ...]


class Words(NamedTuple):
    """Where names come from: the catalogue in one language, and code and name of units by id."""

    catalog: Catalog
    language: str
    units: Mapping[int, tuple[str, str]] = {}

    def of(self, thing: Any) -> str:
        """Return the name of a code or set, in English with a capital letter."""
        name = self.catalog.name(thing, self.language)
        return name[:1].upper() + name[1:]


@dataclass(frozen=True)
class Dimension:
    """A column whose values are the bars.

    `indicator` names it in the catalogue, `list_column` among the filters of the list, `nothing`
    the bar of rows where it is not given (the bar None, whatever the dimension). With `by_size`
    the largest bars come first.
    """

    column: str
    indicator: str = ""
    list_column: str = ""
    nothing: Any = _l("Not given")
    by_size: bool = False
    is_place: ClassVar[bool] = False

    @property
    def filtered_by(self) -> str:
        """The column that the list behind a bar filters by."""
        return self.list_column or self.column

    def bar(self, value: Any, words: Words) -> Any:
        """Return the bar that a value falls into."""
        return None if value in NOTHING else self._bar(value, words)

    def _bar(self, value: Any, words: Words) -> Any:
        return value

    def ordered(self, sums: Mapping[Any, int], words: Words) -> list[Any]:
        """Return the bars as they are shown: the largest first, "not given" last."""
        return sorted(sums, key=lambda bar: (bar is None, -sums[bar], str(bar)))

    def name(self, bar: Any, words: Words) -> str:
        """Return the name of a bar."""
        return str(self.nothing) if bar is None else self._name(bar, words)

    def _name(self, bar: Any, words: Words) -> str:
        return str(bar)

    def code(self, bar: Any, words: Words) -> str:
        """Return the code of a bar, which a map joins its areas by."""
        return "" if bar is None else str(bar)

    def tests(
        self, bar: Any, found: Collection[Any], words: Words, *, narrowed: bool
    ) -> tuple[Test, ...]:
        """Return the conditions under which a list has exactly the rows of a bar.

        `found` are the values that were counted. Where the page itself filters by the column
        (`narrowed`), they are all that belongs to the bar.
        """
        if bar is None:
            return (Test(self.filtered_by, "empty", ("y",)),)
        return self._tests(bar, found, words, narrowed)

    def _tests(
        self, bar: Any, found: Collection[Any], words: Words, narrowed: bool
    ) -> tuple[Test, ...]:
        return (Test(self.filtered_by, "equals", (bar,)),)


@dataclass(frozen=True)
class Codes(Dimension):
    """Every code of a table is a bar, in the order of the table unless `by_size`.

    `brief` keeps of a name what stands before its first comma.
    """

    table: str = ""
    brief: bool = False

    def ordered(self, sums: Mapping[Any, int], words: Words) -> list[Any]:
        if self.by_size:
            return super().ordered(sums, words)
        places = {code: place for place, code in enumerate(words.catalog.codes(self.table))}
        last = len(places)
        return sorted(sums, key=lambda bar: (bar is None, places.get(bar, last), str(bar)))

    def _name(self, bar: Any, words: Words) -> str:
        found = words.catalog.code(self.table, bar)
        name = str(bar) if found is None else words.of(found)
        return COMMA.split(name, 1)[0] if self.brief else name


@dataclass(frozen=True)
class Groups(Dimension):
    """Codes drawn together by one of their attributes, or by their parents.

    The group is a code of `group_table` (of `table` itself for parents). A code of no group
    stands for itself.
    """

    table: str = ""
    attribute: str = ""
    group_table: str = ""

    def _bar(self, value: Any, words: Words) -> Any:
        code = words.catalog.code(self.table, value)
        if code is None:
            return value
        group = code.attrs.get(self.attribute) if self.attribute else code.parent
        return str(group) if group else value

    def ordered(self, sums: Mapping[Any, int], words: Words) -> list[Any]:
        known = [*words.catalog.codes(self.group_table), *words.catalog.codes(self.table)]
        places = {code: place for place, code in reversed(list(enumerate(known)))}
        last = len(known)
        return sorted(sums, key=lambda bar: (bar is None, places.get(bar, last), str(bar)))

    def _name(self, bar: Any, words: Words) -> str:
        found = words.catalog.code(self.group_table, bar) or words.catalog.code(self.table, bar)
        return str(bar) if found is None else words.of(found)

    def _tests(
        self, bar: Any, found: Collection[Any], words: Words, narrowed: bool
    ) -> tuple[Test, ...]:
        members = [] if narrowed else words.catalog.codes(self.table)
        codes = {*found, *(code for code in members if self._bar(code, words) == bar)}
        return (Test(self.filtered_by, "one_of", tuple(sorted(codes))),)


@dataclass(frozen=True)
class Ages(Dimension):
    """Age bands of five years over a column that holds the year of birth."""

    def _bar(self, value: Any, words: Words) -> Any:
        age = today().year - value
        return 0 if age < YOUNGEST else min(age - age % STEP, OLDEST)

    def ordered(self, sums: Mapping[Any, int], words: Words) -> list[Any]:
        return sorted(sums, key=lambda bar: (bar is None, bar or 0))

    def _name(self, bar: Any, words: Words) -> str:
        if bar == 0:
            return _("Under %(age)s", age=YOUNGEST)
        if bar == OLDEST:
            return _("%(age)s and over", age=OLDEST)
        return f"{bar}–{bar + STEP - 1}"

    def _tests(
        self, bar: Any, found: Collection[Any], words: Words, narrowed: bool
    ) -> tuple[Test, ...]:
        year = today().year
        first, last = year - bar - STEP + 1, year - bar
        if narrowed:
            first, last = min(found), max(found)
        from_, to = Test(self.filtered_by, "from", (first,)), Test(self.filtered_by, "to", (last,))
        if bar == 0 and not narrowed:
            return (Test(self.filtered_by, "from", (year - YOUNGEST + 1,)),)
        return (to,) if bar == OLDEST and not narrowed else (from_, to)


@dataclass(frozen=True)
class Places(Dimension):
    """Units by id; authorities by the short names of their districts and in the usual order."""

    is_place: ClassVar[bool] = True

    def ordered(self, sums: Mapping[Any, int], words: Words) -> list[Any]:
        if self.by_size:
            return super().ordered(sums, words)
        places = {code: place for place, code in enumerate(words.catalog.codes(DISTRICTS))}
        places[CITY] = len(places)  # The city's own units come after the districts.

        def place(bar: Any) -> tuple[bool, int, str]:
            code, name = words.units.get(bar, ("", ""))
            return bar is None, places.get(code, len(places)), name

        return sorted(sums, key=place)

    def _name(self, bar: Any, words: Words) -> str:
        code, name = words.units.get(bar, ("", str(bar)))
        if code == CITY:
            return _("Run by the city")
        district = words.catalog.codes(DISTRICTS).get(code)
        return words.of(district) if district else name

    def code(self, bar: Any, words: Words) -> str:
        return words.units.get(bar, ("", ""))[0]


STATE = Codes("state", table="wf_review_state", brief=True)
SEX = Codes("sex", "basic.sex", table="sex")
AGE = Ages("birth_year")
EDUCATION = Codes("education", "basic.highest_education", table="education_level")
EDUCATION_LEVEL = Groups(
    "education", "basic.highest_education", table="education_level", group_table="education_level"
)
DEGREE = Codes("degree_level", "basic.highest_degree_level", table="degree_level")
TITLE = Codes("title", "basic.current_title", table="prof_title", by_size=True)
TITLE_LEVEL = Groups(
    "title", "", table="prof_title", attribute="level", group_table="prof_title_level"
)
POST = Codes("post_category", "basic.current_post_category", table="post_category")
STAFF = Codes("staff_category", "basic.staff_category", table="staff_category", by_size=True)
ESTABLISHMENT = Codes("in_establishment", "basic.in_establishment", table="in_establishment")
SUBJECT = Codes("subject", "teaching.subject", table="subject", by_size=True)
STAGE = Codes("stage", "teaching.stage", table="teaching_stage")
BACKBONE = Codes(
    "backbone",
    "bj_ext.backbone_highest",
    nothing=_l("Not a backbone teacher"),
    table="backbone_type",
)
AUTHORITY = Places("authority_id")
SCHOOL = Places("school_id", list_column="school", by_size=True)
UNIT_CATEGORY = Codes("category", table="school_category")
UNIT_TYPE = Codes("type_code", "school_basic.school_type", table=SCHOOL_TYPES, by_size=True)
UNIT_PLACE = Codes("urban_rural", "school_basic.urban_rural", table="urban_rural")
UNIT_SPONSOR = Codes("sponsor_type", "school_basic.sponsor_type", table="sponsor_type")
