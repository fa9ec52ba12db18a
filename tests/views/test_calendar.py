"""The working calendar: who keeps it, what is refused, and that everything counts with it."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from app.access.actor import system
from app.core import clock
from app.exchange.seed_loader import load_reference
from app.indicators.catalog import catalog, shipped_calendar
from app.models.calendar import Calendar, SpecialDay, read_shipped
from app.models.history import Audit
from app.models.parameter import Parameter
from app.models.teacher import Teacher
from app.services import queue
from tests.views.pages import sign_in, token_of

# A Monday; the Saturday before and the Tuesday after it.
NOW = date(2027, 3, 8)
SATURDAY, TUESDAY = date(2027, 3, 13), date(2027, 3, 9)


@pytest.fixture(autouse=True)
def _day() -> Any:
    with clock.frozen(NOW):
        yield


def entered(session: Any, day: date, kind: str = "holiday", name: str = "校庆") -> int:
    with system():
        item = SpecialDay(day=day, kind=kind, name_zh=name, name_en="x")
        session.add(item)
        session.commit()
        return item.id


def form(day: date, kind: str = "holiday", name: str = "校庆", **more: str) -> dict[str, str]:
    texts = {"name_zh": name, "name_en": "Sports day", "source": "校历"}
    return {"day": day.isoformat(), "kind": kind} | texts | more


def send(client: Any, path: str, data: dict[str, str]) -> Any:
    page = client.get(path)
    return client.post(path, data=data | {"csrf_token": token_of(page.text)})


def stored(session: Any) -> dict[date, str]:
    session.expire_all()
    with system():
        rows = session.scalars(select(SpecialDay).where(SpecialDay.day >= NOW))
        return {each.day: each.kind for each in rows}


@pytest.mark.parametrize("who", ["city_info", "city_system"])
def test_the_city_enters_changes_and_takes_out_a_day(app, session, world, who):
    client = sign_in(app, world, who, "en")
    before = catalog(session).version

    answer = send(client, "/calendar/add", form(TUESDAY))

    assert answer.status_code == 302
    assert stored(session) == {TUESDAY: "holiday"}
    key = session.scalar(select(SpecialDay.id).where(SpecialDay.day == TUESDAY))
    answer = send(client, f"/calendar/edit/{key}", form(SATURDAY, "make_up", _version="1"))
    assert answer.status_code == 302
    assert stored(session) == {SATURDAY: "make_up"}
    token = token_of(client.get("/calendar/list/").text)
    assert (
        client.post(f"/calendar/action/remove/{key}", data={"csrf_token": token}).status_code == 302
    )
    assert stored(session) == {}
    with system():
        rows = session.scalars(
            select(Audit).where(Audit.object_type == "special_day").order_by(Audit.id)
        ).all()
    assert [(row.act, row.object_id, row.detail["calendar"]) for row in rows] == [
        ("setting", TUESDAY.isoformat(), "add"),
        ("setting", SATURDAY.isoformat(), "change"),
        ("setting", SATURDAY.isoformat(), "delete"),
    ]
    assert {row.account_id for row in rows} == {world.actors[who].account_id}
    assert catalog(session).version == before + 3


@pytest.mark.parametrize("who", ["district_info_A", "school_info_A1", "city_assistant"])
def test_others_read_the_calendar_and_change_nothing(app, session, world, who):
    key = entered(session, TUESDAY)
    client = sign_in(app, world, who)
    page = client.get("/calendar/list/")
    data = form(SATURDAY) | {"csrf_token": token_of(page.text)}

    assert page.status_code == 200
    assert "/calendar/add" not in page.text
    for path in ("/calendar/add", f"/calendar/edit/{key}", f"/calendar/action/remove/{key}"):
        assert client.post(path, data=data).status_code == 403
    assert stored(session) == {TUESDAY: "holiday"}


@pytest.mark.parametrize("who", ["teacher_A1", "city_audit"])
def test_who_has_nothing_to_count_does_not_open_it(app, session, world, who):
    assert sign_in(app, world, who).get("/calendar/list/").status_code == 403


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (form(TUESDAY), "This day is in the calendar already."),
        (form(NOW, "make_up"), "This is a weekday"),
        (form(NOW - timedelta(days=1)), "A day that has passed stays as it is"),
        (form(SATURDAY, name=""), "This field is required"),
        (form(SATURDAY, "feast"), "Not a valid choice"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(app, session, world, data, words):
    entered(session, TUESDAY)
    client = sign_in(app, world, "city_info", "en")

    answer = send(client, "/calendar/add", data)

    assert answer.status_code == 422
    assert words in answer.text
    assert stored(session) == {TUESDAY: "holiday"}


def test_a_holiday_on_a_weekend_is_taken_and_told_as_needless(app, session, world):
    client = sign_in(app, world, "city_info", "en")

    send(client, "/calendar/add", form(SATURDAY))

    assert stored(session) == {SATURDAY: "holiday"}
    assert "the entry changes nothing" in client.get("/calendar/list/").text


def test_a_day_that_has_passed_is_neither_moved_nor_taken_out(app, session, world):
    past = NOW - timedelta(days=5)
    key = entered(session, past)
    client = sign_in(app, world, "city_system", "en")
    page = client.get("/calendar/list/").text
    token = token_of(page)

    moved = client.post(f"/calendar/edit/{key}", data=form(TUESDAY) | {"csrf_token": token})
    gone = client.post(f"/calendar/action/remove/{key}", data={"csrf_token": token})

    assert f"/calendar/edit/{key}" not in page
    assert f"/calendar/action/remove/{key}" not in client.get(f"/calendar/show/{key}").text
    assert (moved.status_code, gone.status_code) == (422, 422)
    with system():
        session.expire_all()
        assert session.get(SpecialDay, key).day == past


def test_who_changes_a_day_that_somebody_else_has_changed_is_told(app, session, world):
    key = entered(session, TUESDAY)
    client = sign_in(app, world, "city_info", "en")
    send(client, f"/calendar/edit/{key}", form(TUESDAY, name="运动会", _version="1"))

    answer = send(client, f"/calendar/edit/{key}", form(SATURDAY, _version="1"))

    assert answer.status_code == 409
    assert stored(session) == {TUESDAY: "holiday"}


def test_an_entry_changes_what_is_overdue_at_once_in_list_and_count(app, session, world):
    """Waiting since Friday two weeks ago: six working days, with a day off only five."""
    file = world.teacher("A1", "school_confirmed")
    since = datetime.combine(date(2027, 2, 27), datetime.min.time(), clock.BEIJING)
    with system():
        session.execute(update(Teacher).where(Teacher.id == file.id).values(state_since=since))
        session.commit()
    assert queue.is_overdue(since, catalog(session))
    assert queue.overdue_day(catalog(session)) >= clock.local(since).date()

    client = sign_in(app, world, "city_info", "en")
    send(client, "/calendar/add", form(NOW))

    assert queue.age_of(since, catalog(session)) == 5
    assert not queue.is_overdue(since, catalog(session))
    assert queue.overdue_day(catalog(session)) < clock.local(since).date()
    page = sign_in(app, world, "district_info_A", "en").get(f"/review/show/{file.id}")
    assert "5 working day(s)" in page.text


def test_the_calendar_is_the_shipped_one_until_the_city_changes_it(session, world):
    with system():
        assert catalog(session).calendar == shipped_calendar()


def test_loading_again_does_not_bring_back_what_the_city_took_out(session, world):
    with system():
        last = session.scalar(select(func.max(SpecialDay.day)))
        session.execute(delete(SpecialDay).where(SpecialDay.day == last))

        load_reference(session)

        assert session.scalar(select(func.max(SpecialDay.day))) < last


def test_a_year_not_loaded_before_is_added_beside_the_days_of_the_city(session, world):
    with system():
        year = max(row["day"].year for row in read_shipped())
        session.execute(delete(SpecialDay))
        own = date(year, 10, 1)
        session.add(SpecialDay(day=own, kind="holiday", name_zh="本市", name_en="x"))
        session.get(Parameter, "calendar_year").value = str(year - 1)
        session.flush()

        counts = load_reference(session)

        days = {row["day"] for row in read_shipped() if row["day"].year == year}
        assert set(session.scalars(select(SpecialDay.day))) == days
        kept = session.scalar(select(SpecialDay.name_zh).where(SpecialDay.day == own))
        assert (counts.added, kept) == (len(days) - 1, "本市")


def test_the_calendar_of_another_process_is_seen_by_its_version(session, world):
    """A process reads the version again; the days follow it, however they were written."""
    with system():
        assert TUESDAY not in catalog(session).calendar.off
        session.add(SpecialDay(day=TUESDAY, kind="holiday", name_zh="校庆", name_en="x"))
        row = session.get(Parameter, "catalog_version")
        row.value = str(int(row.value) + 1)
        session.flush()
        from app.indicators import catalog as kept

        for engine, each in list(kept._kept.items()):
            kept._kept[engine] = kept._Kept(each.checked - 60, each.catalog)

        assert TUESDAY in catalog(session).calendar.off
        assert catalog(session).calendar != Calendar()
