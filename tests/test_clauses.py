"""Clauses of the founding document that cross the layers: S14, S17, S58."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, system
from app.core import clock
from app.core.clock import today
from app.core.errors import Refused
from app.core.reference import Indicator
from app.demo import ids
from app.indicators.values import codes_for
from app.models.record import TEACHER_SETS
from app.models.round import Round
from app.models.teacher import Teacher
from app.services import file as files
from tests.exchange.imports import (
    Importing,
    book_of,
    by_form,
    contents_of,
    make_importing,
    one,
)
from tests.factories import complete_file
from tests.indicators.files import MORE_RECORDS
from tests.views.api_caller import Caller, spelled, step

# S14: the three tiers work on any day, outside rounds too.

pytestmark = pytest.mark.wide

DAYS = [today() + timedelta(days=days) for days in (0, 45, 120, 200, 364)]


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_with_every_round_closed_the_three_tiers_read_and_change_files_on_any_day(
    client: Any, session: Any, world: Any, day: date
) -> None:
    with system():
        session.execute(update(Round).values(closed=True))
        session.commit()
    with clock.frozen(day):
        clerk, district, city = (
            Caller(client, world.usernames[key])
            for key in ("school_info_A1", "district_info_A", "city_info")
        )
        for caller, key in ((clerk, "school_info_A1"), (district, "district_info_A")):
            foreign = {each.id for each in world.foreign_to(world.actors[key])}
            seen = {
                row["id"] for row in caller.get("/teacher/", q="(page_size:100)").json["result"]
            }
            assert seen
            assert not seen & foreign
        assert city.get("/teacher/").json["count"] == len(world.teachers)

        draft = world.teacher("A1", "draft").id
        row = clerk.get(f"/teacher/{draft}/learning").json["result"][0]
        changed = clerk.put(f"/teacher/{draft}/learning/{row['id']}", {"major": "天文学"})
        waiting = world.teacher("A1", "school_confirmed").id
        approved = step(district, waiting, "approve", scope_checked=True)
        effective = world.teacher("A1", "effective").id
        accepted = step(city, effective, "accept")

    # Closing locks what schools fill in, and says who can open it again; the rest goes on.
    assert changed.status_code == 409, changed.json
    assert (approved.status_code, approved.json["state"]) == (200, "effective")
    assert (accepted.status_code, accepted.json["state"]) == (200, "city_accepted")


# S17: in establishment, or a contract of a year and more.

START = date(today().year - 1, 9, 1)
ENDS = {11: date(START.year + 1, 7, 31), 12: date(START.year + 1, 8, 31)}


def employed(months: int | None) -> dict[str, Any]:
    """Outside the establishment with a contract of so many months; None: in establishment."""
    if months is None:
        return {"in_establishment": "1", "contract_type": "1"}
    return {
        "in_establishment": "0",
        "employ_form": "1",
        "contract_type": "2",
        "contract_start": START,
        "contract_end": ENDS[months],
    }


@pytest.fixture
def importing(session: Any, world: Any, tmp_path: Path) -> Any:
    actor = world.actors["school_info_A1"]
    with acting_as(actor):
        yield make_importing(session, actor, tmp_path)


CASES = [(11, False), (12, True), (None, True)]


@pytest.mark.parametrize(("months", "taken"), CASES)
def test_a_file_is_opened_for_a_contract_of_a_year_and_no_less(
    importing: Importing, months: int | None, taken: bool
) -> None:
    content = complete_file(importing.school, importing.catalog, **employed(months))
    raw = spelled("basic", content["basic"][0], typed=True)
    before = len(importing.teachers())

    def create() -> None:
        files.create_file(importing.session, importing.actor, raw, catalog=importing.catalog)

    if taken:
        create()
    else:
        with pytest.raises(Refused) as caught:
            create()
        assert [p.code for p in caught.value.problems] == ["DQ018"]
    assert len(importing.teachers()) == before + taken


@pytest.mark.parametrize(("months", "taken"), CASES)
def test_so_it_is_by_rest(
    client: Any, importing: Importing, world: Any, months: int | None, taken: bool
) -> None:
    content = complete_file(importing.school, importing.catalog, **employed(months))
    caller = Caller(client, world.usernames["school_info_A1"])

    answer = caller.post("/teacher/", {"basic": spelled("basic", content["basic"][0], typed=True)})

    assert answer.status_code == (201 if taken else 422)
    if not taken:
        assert [each["code"] for each in answer.json["errors"]] == ["DQ018"]


@pytest.mark.parametrize(("months", "taken"), CASES)
def test_so_it_is_by_workbook(importing: Importing, months: int | None, taken: bool) -> None:
    before = len(importing.teachers())
    content = book_of(importing, [one(importing, sets=("basic",), **employed(months))])

    batch = importing.upload(content)

    assert bool(batch.bad) != taken
    if taken:
        importing.commit(batch)
    else:
        assert "12" in "".join(words for *_place, words in importing.errors(batch))
    assert len(importing.teachers()) == before + taken


# S58: the same teacher by form or by workbook.

PLAIN = {
    "text": "示例",
    "int": 1,
    "decimal": Decimal(1),
    "date": date(2024, 5, 1),
    "year_month": "2024-05",
    "bool": True,
}


def a_value(importing: Importing, item: Indicator, category: str) -> Any:
    """Some value that an indicator takes."""
    if item.data_type == "code":
        codes = codes_for(item, category, importing.catalog)
        return codes[0].code if codes else None
    if item.data_type == "int" and item.min:
        return int(item.min)
    return PLAIN.get(item.data_type)


def in_every_set(importing: Importing, **basic: Any) -> dict[str, list[dict[str, Any]]]:
    """A complete file that has a row in every set that its category collects."""
    category = str(importing.school.category)
    content = one(importing, sets=(), is_county_backbone=True, **basic)
    for entry in importing.catalog.category_sets(category):
        if content.get(entry.code):
            continue
        row = dict(MORE_RECORDS.get(entry.code, {})) or {
            item.code: a_value(importing, item, category)
            for item in entry.indicators
            if item.code not in ("attachment", "photo") and not item.read_only
        }
        row = {c: v for c, v in row.items() if importing.catalog.collected(entry.code, c, category)}
        content[entry.code] = [row]
    return content


@pytest.mark.parametrize("key", ["school_info_A1", "school_info_U"])
def test_the_same_teacher_by_form_and_by_workbook_has_equal_rows_in_every_set(
    session: Any, world: Any, tmp_path: Path, key: str
) -> None:
    actor, birth = world.actors[key], date(1985, 3, 15)
    with acting_as(actor):
        importing = make_importing(session, actor, tmp_path)
        numbers = [ids.id_number(birth, "1", number) for number in (1, 2)]
        first = in_every_set(importing, birth_date=birth, sex="1", id_no=numbers[0])
        second = {code: [dict(row) for row in rows] for code, rows in first.items()}
        second["basic"][0]["id_no"] = numbers[1]
        for content, number in ((first, 1), (second, 2)):
            content["contact"][0]["mobile"] = ids.mobile(9000 + number)
            content["qualification"][0]["cert_no"] = ids.certificate_number(2009, number)

        typed = by_form(importing, first)
        batch = importing.upload(book_of(importing, [second]))
        assert importing.errors(batch) == []
        importing.commit(batch)

        read = importing.teachers()[-1]
        ours, theirs = contents_of(session, typed), contents_of(session, read)
        wanted = {
            entry.code for entry in importing.catalog.category_sets(importing.school.category)
        }
        assert wanted <= set(ours)
        for content in (ours, theirs):
            content["basic"][0].pop("id_no")
            content["contact"][0].pop("mobile")
            content["qualification"][0].pop("cert_no")
        assert theirs == ours
    with system():
        states = select(Teacher.state).where(Teacher.id.in_([typed.id, read.id]))
        assert set(session.scalars(states)) == {"draft"}
        assert len(wanted) <= len(TEACHER_SETS)
