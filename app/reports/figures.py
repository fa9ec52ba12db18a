"""Figures as plain rows, counted by the database inside the scope of the actor; no HTML."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Query

from app.models.unit import Unit
from app.reports.dimensions import Dimension, Test, Words

Tests = tuple[Test, ...]
REST = "…"  # The key of the bar that stands for those without room.


@dataclass(frozen=True)
class Cell:
    """One figure, and the conditions under which a list has exactly its rows."""

    number: int
    tests: Tests


@dataclass(frozen=True)
class Bar:
    """All rows of one bar, and how they fall into the series.

    `key` is what the dimension calls it, None for "not given"; `code` joins a map.
    """

    key: Any
    name: str
    code: str
    whole: Cell
    parts: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Figures:
    """The bars of one chart, whose numbers add up to `total`; `series` are (key, name)."""

    series: tuple[tuple[Any, str], ...]
    bars: tuple[Bar, ...]
    total: int


@dataclass(frozen=True)
class _Side:
    """One of the two ways in which rows are grouped: values found and numbers, by bar."""

    by: Dimension
    words: Words
    narrowed: bool
    values: Mapping[Any, set[Any]]
    sums: Mapping[Any, int]

    @classmethod
    def of(
        cls,
        by: Dimension,
        found: Iterable[tuple[Any, int]],
        words: Words,
        narrowed: Collection[str],
    ) -> "_Side":
        values: dict[Any, set[Any]] = defaultdict(set)
        sums: dict[Any, int] = defaultdict(int)
        for value, number in found:
            bar = by.bar(value, words)
            values[bar].add(value)
            sums[bar] += number
        return cls(by, words, by.filtered_by in narrowed, values, sums)

    @property
    def bars(self) -> list[Any]:
        return self.by.ordered(self.sums, self.words)

    def name(self, bar: Any) -> str:
        return self.by.name(bar, self.words)

    def tests(self, bar: Any) -> Tests:
        return self.by.tests(bar, self.values[bar], self.words, narrowed=self.narrowed)

    def cell(self, bar: Any) -> Cell:
        return Cell(self.sums[bar], self.tests(bar))


def count_by(
    rows: Query,
    by: Dimension,
    split: Dimension | None = None,
    *,
    words: Words,
    narrowed: Collection[str] = (),
) -> Figures:
    """Count the rows of a query of one model by one dimension or two, in one statement.

    `narrowed` are the columns that the query is filtered by already. The scope of the actor
    holds as for every statement (SEC-09).
    """
    found, units = _grouped(rows, by, split)
    words = words._replace(units=units)
    bars = _Side.of(by, ((first, number) for first, _second, number in found), words, narrowed)
    total = sum(bars.sums.values())
    if split is None:
        return Figures((), tuple(_bar(bars, bar) for bar in bars.bars), total)
    parts = _Side.of(split, ((second, number) for _first, second, number in found), words, narrowed)
    cells: dict[tuple[Any, Any], int] = defaultdict(int)
    for first, second, number in found:
        cells[by.bar(first, words), split.bar(second, words)] += number
    series = [(part, parts.tests(part)) for part in parts.bars]
    made = []
    for key in bars.bars:
        bar = _bar(bars, key)
        own = [Cell(cells[key, part], (*bar.whole.tests, *tests)) for part, tests in series]
        made.append(replace(bar, parts=tuple(own)))
    return Figures(tuple((part, parts.name(part)) for part in parts.bars), tuple(made), total)


def _grouped(
    rows: Query, by: Dimension, split: Dimension | None
) -> tuple[list[tuple[Any, Any, int]], dict[int, tuple[str, str]]]:
    """Return (value, second value, number); and units by id where they are grouped by."""
    model = rows.column_descriptions[0]["entity"]
    first = getattr(model, by.column).label("first")
    second = getattr(model, split.column).label("second") if split else None
    keys = [first] if second is None else [first, second]
    shown = literal_column("NULL").label("second") if second is None else second
    query = rows.order_by(None).with_entities(first, shown, func.count().label("number"))
    query = query.group_by(*keys)
    if not by.is_place:
        return [tuple(row) for row in query], {}
    # Names are joined to the few groups, not to the many rows.
    groups = query.subquery()
    named = select(groups, Unit.code, Unit.name).outerjoin(Unit, Unit.id == groups.c.first)
    answer = rows.session.execute(named).all()
    units = {row.first: (row.code, row.name) for row in answer if row.code is not None}
    return [(row.first, row.second, row.number) for row in answer], units


def _bar(side: _Side, bar: Any) -> Bar:
    code = side.by.code(bar, side.words)
    return Bar(bar, side.name(bar), code, side.cell(bar))


def drawn(figures: Figures, most: int | None, *, missing: bool = True) -> Figures:
    """Return the bars that a drawing has room for: the first ones, and the rest as one bar.

    The rest becomes a bar where a list can show it, that is where bars are sets of codes; units
    beyond `most` are left to the table. `missing` tells whether "not given" is drawn.
    """
    given = [bar for bar in figures.bars if bar.key is not None]
    others = [bar for bar in figures.bars if missing and bar.key is None]
    if most is not None and len(given) > most:
        rest = given[most - 1 :]
        codes = sorted({code for bar in rest for code in _codes(bar)})
        given = [*given[: most - 1], _together(rest, codes)] if codes else given[:most]
    return replace(figures, bars=(*given, *others))


def _codes(bar: Bar) -> list[str]:
    """Return the codes of a bar that is a set of them."""
    only = bar.whole.tests[0]
    return [value for value in only.values if isinstance(value, str)]


def _together(rest: list[Bar], codes: list[str]) -> Bar:
    test = Test(rest[0].whole.tests[0].column, "one_of", tuple(codes))
    sums = [sum(cells) for cells in zip(*([c.number for c in b.parts] for b in rest), strict=True)]
    parts = tuple(
        Cell(number, (test, *rest[0].parts[place].tests[len(rest[0].whole.tests) :]))
        for place, number in enumerate(sums)
    )
    number = sum(bar.whole.number for bar in rest)
    name = _("%(number)s more", number=len(rest))
    return Bar(REST, name, "", Cell(number, (test,)), parts)
