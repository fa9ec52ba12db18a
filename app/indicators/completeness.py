"""How complete a file is, set by set; DQ075 reports the same gaps.

Decisions (S19, S52, S59):
- An indicator counts when its category collects and requires it, nobody computes it, and its
  condition is met. A condition that cannot be decided yet asks for nothing: the field it hangs on
  is required itself.
- A single-row set without a record misses each of its required indicators.
- A multi-row set without a record misses one thing, its answer: a record, or "none to report".
  A record that says 无 (code 0 or 00) answers as well, for its other indicators then do not apply.
- "None to report" is no answer where everybody has something to report: education, work and the
  post (parameter sets_with_record), and the teaching of full-time teachers
  (sets_with_record_teacher).
- The core sets title, pay, appraisal and ethics accept "none to report", since a newcomer has
  neither a title nor a year behind him; the answer is the school's, as their records are.
- A set without any required indicator asks for nothing.
- With side="teacher" only what a teacher may fill in counts: the school completes the rest
  before its head confirms the file (workflow 1.3, 1.6).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row
from app.indicators.rules import Condition, may_fill

LANGUAGE_CERTIFICATE, OTHER = "2", "9"


class Gap(NamedTuple):
    """One missing thing: an indicator of a record, of a set without one, or the set's answer."""

    record: str | None
    field: str | None


@dataclass(frozen=True)
class SetCompleteness:
    """How much of a set is there. `answered`: a record exists or "none to report" was said."""

    set: str
    required: int
    filled: int
    missing: tuple[Gap, ...]
    answered: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


class _Need(NamedTuple):
    code: str
    condition: Condition | None


class _SetNeeds(NamedTuple):
    set: str
    multi_row: bool
    needs: tuple[_Need, ...]


_needs: "WeakKeyDictionary[Catalog, dict[tuple[str, str | None], tuple[_SetNeeds, ...]]]" = (
    WeakKeyDictionary()
)


def completeness(
    file: FileData, catalog: Catalog, *, side: str | None = None
) -> list[SetCompleteness]:
    """Return the completeness of each set that the file's school category collects."""
    return [_of_set(each, file, catalog) for each in needs_of(file, catalog, side)]


def overall_percent(sets: Iterable[SetCompleteness]) -> int:
    """Return the share of what is required and there, in whole percent; 100 only if complete."""
    sets = tuple(sets)
    required = sum(each.required for each in sets)
    filled = sum(each.filled for each in sets)
    return 100 if filled == required else filled * 100 // required


def percent(file: FileData, catalog: Catalog, *, side: str | None = None) -> int:
    """Return the completeness of a whole file in percent."""
    return overall_percent(completeness(file, catalog, side=side))


def needs_of(file: FileData, catalog: Catalog, side: str | None) -> tuple[_SetNeeds, ...]:
    """Return what a category requires, compiled once per catalogue."""
    compiled = _needs.setdefault(catalog, {})
    key = (file.school.category, side)
    if key not in compiled:
        compiled[key] = tuple(_compile(catalog, file.school.category, side))
    return compiled[key]


def _compile(catalog: Catalog, category: str, side: str | None) -> Iterator[_SetNeeds]:
    for each in catalog.category_sets(category):
        needs = tuple(
            _Need(item.code, catalog.condition(item))
            for item in each.indicators
            if catalog.required(each.code, item.code, category)
            and (side is None or may_fill(catalog.rule(each.code, item.code, category), side))
        )
        yield _SetNeeds(each.code, each.multi_row, needs)


def _of_set(needs: _SetNeeds, file: FileData, catalog: Catalog) -> SetCompleteness:
    rows = file.all(needs.set)
    answered = bool(rows) or needs.set in file.none_sets
    if not needs.needs:
        return SetCompleteness(needs.set, 0, 0, (), answered)
    if not rows and needs.multi_row:
        missing = () if _none_is_enough(needs.set, file, catalog) else (Gap(None, None),)
        return SetCompleteness(needs.set, 1, 1 - len(missing), missing, answered)
    required = 0
    gaps: list[Gap] = []
    for row in rows or (Row("", {}),):
        for code in _asked(needs, row, file):
            required += 1
            if _blank(needs.set, code, row, file):
                gaps.append(Gap(row.uuid or None, code))
    return SetCompleteness(needs.set, required, required - len(gaps), tuple(gaps), answered)


def _asked(needs: _SetNeeds, row: Row, file: FileData) -> Iterator[str]:
    read = file.reader(needs.set, row)
    for code, condition in needs.needs:
        if condition is not None and not condition.holds(read):
            continue
        if needs.set == "skill" and code == "cert_name" and _named_by_list(row):
            continue
        yield code


def _blank(set_code: str, code: str, row: Row, file: FileData) -> bool:
    if set_code == "basic" and code == "staff_status":
        return not file.status
    return row.values.get(code) in (None, "")


def _named_by_list(row: Row) -> bool:
    """Whether the language certificate is one of the list, which names it (DQ066)."""
    return row.get("cert_type") == LANGUAGE_CERTIFICATE and row.get("lang_cert") != OTHER


def _none_is_enough(set_code: str, file: FileData, catalog: Catalog) -> bool:
    if set_code not in file.none_sets or set_code in catalog.parameter("sets_with_record"):
        return False
    if set_code not in catalog.parameter("sets_with_record_teacher"):
        return True
    category = catalog.code("staff_category", file.value("basic", "staff_category"))
    return category is None or not category.attrs.get("full_time_teacher")
