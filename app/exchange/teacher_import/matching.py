"""Finds the record that each imported row is about, by the keys of its set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.exchange.teacher_import.staging import StagedRow
from app.indicators.file import Row

Key = tuple[Any, ...]
Pair = tuple[StagedRow, Mapping[str, Any]]


@dataclass(frozen=True)
class Match:
    """A row and its record; `record` None is a fresh one, with the values `fresh`; `repeats` is the
    row that it repeats."""

    row: StagedRow
    record: Row | None
    fresh: Mapping[str, Any]
    repeats: StagedRow | None = None


def match_rows(
    rows: Sequence[StagedRow],
    records: Sequence[Row],
    keys: Sequence[str],
    fresh: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> list[Match]:
    """Pair the rows of one person and set with the records of the file.

    Rows with the key of a record are that record; of several with one key the equal ones go
    together first. Without `keys` (a single-row set) there is one record. `fresh(values)` gives
    the values that a row would have as a record of its own.
    """
    by_key: dict[Key, list[Row]] = {}
    for record in records:
        by_key.setdefault(_key(record.values, keys), []).append(record)
    groups: dict[Key, list[Pair]] = {}
    for row in rows:
        values = fresh(row.values)
        groups.setdefault(_key(values, keys), []).append((row, values))
    found = {
        match.row.id: match
        for key, group in groups.items()
        for match in _pair(group, list(by_key.get(key, ())))
    }
    return [found[row.id] for row in rows]


def _pair(group: Sequence[Pair], records: list[Row]) -> list[Match]:
    paired: list[Match] = []
    left: list[Pair] = []
    for row, values in group:
        same = next((record for record in records if _says_same(row, record)), None)
        if same is None:
            left.append((row, values))
        else:
            records.remove(same)
            paired.append(Match(row, same, values))
    for row, values in left:
        if records:
            paired.append(Match(row, records.pop(0), values))
        else:
            first = paired[0].row if paired else None
            paired.append(Match(row, None, values, repeats=first))
    return paired


def _says_same(row: StagedRow, record: Row) -> bool:
    return all(record.values.get(code) == value for code, value in row.values.items())


def _key(values: Mapping[str, Any], keys: Sequence[str]) -> Key:
    return tuple(values.get(code) for code in keys)
