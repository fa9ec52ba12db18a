"""Made-up names: persons, places, schools and what else a file speaks of; from seeds/demo."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

from app.core.reference import SEEDS
from app.services import search
from app.services.search import lazy_pinyin

FOLDER = SEEDS / "demo"
ONE_CHARACTER = 0.22  # Share of given names of one character.
EVERYBODY = "0"


@dataclass(frozen=True)
class Words:
    """The word lists, read once. `given` is by sex, `phrases` by kind, `returns` by field."""

    surnames: tuple[str, ...]
    surname_weights: tuple[int, ...]
    given: dict[str, tuple[str, ...]]
    first_places: tuple[str, ...]
    second_places: tuple[str, ...]
    phrases: dict[str, tuple[str, ...]]
    returns: tuple[tuple[str, str], ...]


@cache
def words(folder: Path = FOLDER) -> Words:
    """Read the word lists of a folder."""
    surnames = list(_rows(folder, "surnames.csv"))
    given = [(row["zh"], row["sex"]) for row in _rows(folder, "given.csv")]
    places = [(row["zh"], row["part"]) for row in _rows(folder, "places.csv")]
    phrases: dict[str, list[str]] = {}
    for row in _rows(folder, "phrases.csv"):
        phrases.setdefault(row["kind"], []).append(row["zh"])
    return Words(
        surnames=tuple(row["zh"] for row in surnames),
        surname_weights=tuple(accumulate(int(row["weight"]) for row in surnames)),
        given={
            sex: tuple(zh for zh, own in given if own in (sex, EVERYBODY)) for sex in ("1", "2")
        },
        first_places=tuple(zh for zh, part in places if part == "first"),
        second_places=tuple(zh for zh, part in places if part == "second"),
        phrases={kind: tuple(found) for kind, found in phrases.items()},
        returns=tuple((row["field"], row["reason"]) for row in _rows(folder, "returns.csv")),
    )


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def person_name(rng: Random, sex: str) -> str:
    """A full name, family name first."""
    known = words()
    surname = rng.choices(known.surnames, cum_weights=known.surname_weights)[0]
    characters = known.given[sex]
    first = characters[int(rng.random() * len(characters))]
    if rng.random() < ONE_CHARACTER:
        return surname + first
    return surname + first + characters[int(rng.random() * len(characters))]


def initials(name: str) -> str:
    """The pinyin initials of a name as the search has them, from a character at a time."""
    first = _initial(name[0], True)
    return first + "".join([_initial(character, False) for character in name[1:]])


@cache
def _initial(character: str, surname: bool) -> str:
    # Two of them, since the reading of a surname holds for the first character alone.
    return search.initials(character) if surname else search.initials("a" + character)[1:]


def place_names(rng: Random) -> Iterator[str]:
    """Names of places that are nowhere, each once, in an order of chance."""
    known = words()
    found = [first + second for first in known.first_places for second in known.second_places]
    rng.shuffle(found)
    number = 1
    while True:
        for place in found:
            yield place if number == 1 else f"{place}第{'一二三四五六七八九十'[number % 10]}"
        number += 1


def in_english(zh: str) -> str:
    """The Pinyin of a made-up name, as a proper noun."""
    return "".join(lazy_pinyin(zh)).capitalize()
