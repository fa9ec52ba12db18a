"""“Nothing has changed”: who says it of which file, what refuses it, and what it leaves behind."""

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.access.actor import acting_as, system
from app.core.clock import today
from app.core.errors import Forbidden, NotFound, Refused, Stale
from app.models.account import Account
from app.models.history import Audit, Transition
from app.models.teacher import Teacher
from app.services import confirmation
from tests.processes import make_process
from tests.variety import statements
from tests.views.api_caller import Caller
from tests.views.figures import figures, rows_behind
from tests.views.pages import sign_in, token_of

CLERK = "school_info_A1"
LAST_YEAR = date(today().year - 1, 6, 1)


@pytest.fixture
def unconfirmed(session: Any, world: Any) -> Any:
    """Every file was last confirmed in the year before."""
    with system():
        session.execute(update(Teacher).values(confirmed_on=LAST_YEAR))
        session.commit()
        session.expire_all()


def day_of(session: Any, ref: Any) -> date:
    with system():
        return session.scalar(select(Teacher.confirmed_on).where(Teacher.id == ref.id))


def notes(session: Any, ref: Any) -> tuple[int, int]:
    """Rows of history and of audit that a confirmation left."""
    with system():
        steps = select(func.count()).where(
            Transition.teacher_id == ref.id, Transition.step == confirmation.UNCHANGED
        )
        acts = [
            row
            for row in session.scalars(select(Audit).where(Audit.teacher_id == ref.id))
            if confirmation.UNCHANGED in (row.detail or {})
        ]
        return session.scalar(steps), len(acts)


def post(client: Any, ref: Any) -> Any:
    token = token_of(client.get("/").text)
    return client.post(f"/teacher/{ref.id}/confirm", data={"csrf_token": token})


@pytest.mark.usefixtures("unconfirmed")
def test_the_school_confirms_a_file_once_a_day(app: Any, session: Any, world: Any) -> None:
    file = world.teacher("A1", "effective")
    client = sign_in(app, world, CLERK, language="en")
    assert "/confirm" in client.get(f"/teacher/{file.id}").text

    assert post(client, file).status_code == 302
    assert (day_of(session, file), notes(session, file)) == (today(), (1, 1))
    assert post(client, file).status_code == 302
    assert notes(session, file) == (1, 1)

    assert f'action="/teacher/{file.id}/confirm"' not in client.get(f"/teacher/{file.id}").text
    assert "Confirmed: nothing has changed" in client.get(f"/teacher/{file.id}/history").text


@pytest.mark.usefixtures("unconfirmed")
def test_the_teacher_confirms_the_own_file(app: Any, session: Any, world: Any) -> None:
    file = world.teacher("A1", "effective")
    with system():
        account = session.get_one(Account, world.actors["teacher_A1"].account_id)
        account.teacher_id = file.id
        session.commit()
    client = sign_in(app, world, "teacher_A1", language="en")
    assert f'action="/teacher/{file.id}/confirm"' in client.get("/my-file/").text

    assert post(client, file).status_code == 302

    assert day_of(session, file) == today()
    assert f'action="/teacher/{file.id}/confirm"' not in client.get("/my-file/").text


@pytest.mark.usefixtures("unconfirmed")
@pytest.mark.parametrize("flow", ["addition", "change"])
def test_what_is_open_refuses_and_is_named(app: Any, session: Any, world: Any, flow: str) -> None:
    file = world.teacher("A1", "effective")
    make_process(session, world, file, flow, "pending_authority")
    with acting_as(world.actors[CLERK]), pytest.raises(Refused) as refused:
        confirmation.confirm_one(session, world.actors[CLERK], file.id, world.catalog)

    assert [each.set for each in refused.value.problems] == ["learning"]
    assert post(sign_in(app, world, CLERK), file).status_code == 422
    assert (day_of(session, file), notes(session, file)) == (LAST_YEAR, (0, 0))


@pytest.mark.usefixtures("unconfirmed")
@pytest.mark.parametrize(
    ("key", "state", "error"),
    [
        (CLERK, "draft", Stale),
        (CLERK, "submitted", Stale),
        ("school_head_A1", "effective", Forbidden),
        ("district_info_A", "effective", Forbidden),
        ("city_info", "effective", Forbidden),
        ("school_info_B1", "effective", NotFound),
        ("teacher_A1", "effective", NotFound),
    ],
)
def test_others_and_other_states_are_refused(
    session: Any, world: Any, key: str, state: str, error: Any
) -> None:
    file, actor = world.teacher("A1", state), world.actors[key]

    with acting_as(actor), pytest.raises(error):
        confirmation.confirm_one(session, actor, file.id, world.catalog)

    assert notes(session, file) == (0, 0)


@pytest.mark.usefixtures("unconfirmed")
def test_a_person_off_the_rolls_is_not_confirmed(session: Any, world: Any) -> None:
    file, actor = world.teacher("A1", "effective"), world.actors[CLERK]
    with system():
        session.execute(update(Teacher).where(Teacher.id == file.id).values(active=False))
        session.commit()

    with acting_as(actor), pytest.raises(Stale):
        confirmation.confirm_one(session, actor, file.id, world.catalog)


@pytest.mark.usefixtures("unconfirmed")
def test_chosen_files_are_confirmed_each_by_itself_and_leave_the_figure(
    app: Any, session: Any, world: Any
) -> None:
    free, busy, draft = (
        world.teacher("A1", state, number)
        for state, number in (("effective", 1), ("effective", 2), ("draft", 1))
    )
    make_process(session, world, busy, "change", "draft")
    client = sign_in(app, world, CLERK, language="en")

    def figure() -> Any:
        return next(
            e for e in figures(client.get("/").text) if e.label == "Not confirmed this year"
        )

    before = figure()
    assert rows_behind(client, before.href) == before.count

    page = client.post(
        "/teacher/action_post",
        data={
            "csrf_token": token_of(client.get("/").text),
            "action": "confirm",
            "rowid": [str(each.id) for each in (free, busy, draft)],
        },
    )

    assert page.status_code == 200
    assert "is not yet decided" in page.text
    assert "Only an effective file is confirmed" in page.text
    assert [day_of(session, each) for each in (free, busy)] == [today(), LAST_YEAR]
    after = figure()
    assert rows_behind(client, after.href) == after.count == before.count - 1


@pytest.mark.parametrize("key", ["school_head_A1", "district_info_A", "city_info"])
def test_others_are_not_offered_it(app: Any, session: Any, world: Any, key: str) -> None:
    file = world.teacher("A1", "effective")
    client = sign_in(app, world, key)

    assert not re.search(rf"/teacher/{file.id}/confirm", client.get(f"/teacher/{file.id}").text)
    assert post(client, file).status_code == 403


@pytest.mark.usefixtures("unconfirmed")
def test_many_files_take_no_more_statements_than_one(session: Any, world: Any) -> None:
    actor = world.actors[CLERK]
    ids = [each.id for each in world.of("A1") if each.state in ("effective", "city_accepted")]

    def used(keys: list[int]) -> int:
        with acting_as(actor), statements(writing=True) as seen:
            confirmation.confirm(session, actor, keys, world.catalog)
            session.flush()
        return sum(not each.startswith("SAVEPOINT") for each in seen)

    used(ids[:1])  # The first one of a transaction takes the lock of the audit log.
    assert used(ids[2:]) == used(ids[1:2]) <= 10


@pytest.mark.usefixtures("unconfirmed")
def test_the_interface_confirms_under_the_same_rules(app: Any, session: Any, world: Any) -> None:
    file = world.teacher("A1", "effective")
    caller = Caller(app.test_client(), world.usernames[CLERK])

    answer = caller.post(f"/confirmation/{file.id}")

    assert (answer.status_code, answer.json["confirmed_on"]) == (200, today().isoformat())
    draft, foreign = world.teacher("A1", "draft"), world.teacher("B1", "effective")
    assert caller.post(f"/confirmation/{draft.id}").status_code == 409
    assert caller.post(f"/confirmation/{foreign.id}").status_code == 404
    head = Caller(app.test_client(), world.usernames["school_head_A1"])
    assert head.post(f"/confirmation/{file.id}").status_code == 403
