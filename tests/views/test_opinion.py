"""The opinion of the city's assistants: beside the decision, in the history, over REST (S100)."""

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.models.history import Audit
from app.models.notice import Notice
from app.models.opinion import Opinion
from app.models.teacher import Teacher
from app.services import home, opinion
from app.workflows.review import REVIEW
from tests.views.pages import sign_in
from tests.views.test_api import Caller
from tests.views.test_review import hidden, shown


@pytest.fixture
def assistant(world: Any) -> Any:
    return world.actors["city_assistant"]


@pytest.fixture
def file(world: Any) -> Any:
    return world.teacher("U", "school_confirmed")


def give(session: Any, actor: Any, file: Any, **changes: Any) -> Any:
    given = {"verdict": "objection", "text": "缺少学历证书"}
    with acting_as(actor):
        return opinion.give(session, actor, file.id, **given | changes)


def count(session: Any) -> int:
    with system():
        return session.scalar(select(func.count()).select_from(Opinion))


def send(client: Any, file: Any, **changes: Any) -> Any:
    page = client.get(f"/review/show/{file.id}").text
    token = re.search(r'<meta name="csrf-token" content="([^"]+)"', page)[1]  # type: ignore[index]
    form = {"csrf_token": token, "_version": hidden(page, "_version"), "verdict": "agree"}
    return client.post(f"/opinion/{file.id}", data=form | changes)


def test_stands_beside_the_decision_with_name_and_time(
    app: Any, session: Any, world: Any, assistant: Any, file: Any
) -> None:
    client = sign_in(app, world, "city_assistant")
    assert f'action="/opinion/{file.id}"' in client.get(f"/review/show/{file.id}").text

    assert send(client, file, verdict="objection", text="缺少学历证书").status_code == 302

    city = sign_in(app, world, "city_info")
    page = city.get(f"/review/show/{file.id}").text
    assert "缺少学历证书" in page
    assert assistant.name in page
    assert f'action="/opinion/{file.id}"' not in page
    assert f"/flow/review/{file.id}/approve" in page, "it decides nothing"
    assert "缺少学历证书" in city.get(f"/teacher/{file.id}/history").text


def test_is_audited_and_told_to_the_city(
    session: Any, world: Any, assistant: Any, file: Any
) -> None:
    give(session, assistant, file)

    with system():
        row = session.scalars(select(Audit).where(Audit.act == "opinion")).one()
        told = session.scalars(select(Notice).where(Notice.event == "opinion_given")).all()
    assert (row.account_id, row.teacher_id) == (assistant.account_id, file.id)
    assert row.detail["verdict"] == "objection"
    assert [each.account_id for each in told] == [world.actors["city_info"].account_id]


def test_what_waits_for_an_opinion_is_counted_and_listed(
    app: Any, session: Any, world: Any, assistant: Any, file: Any
) -> None:
    def waiting() -> int:
        with acting_as(assistant):
            found = home.todo(session, assistant)
        return next((each.count for each in found if each.key == "opinion"), 0)

    before, client = waiting(), sign_in(app, world, "city_assistant")
    give(session, assistant, file)

    address = "/review/list/?_flt_0_state=school_confirmed&_flt_0_opinion="
    missing = shown(client.get(address + "missing").text)
    assert (before, waiting(), len(missing)) == (2, 1, 1)
    assert file.id not in missing
    assert shown(client.get(address + "given").text) == [file.id]


def test_a_new_submission_waits_for_a_new_opinion_and_the_old_one_stays(
    session: Any, world: Any, assistant: Any, file: Any
) -> None:
    give(session, assistant, file)
    city = world.actors["city_info"]
    with acting_as(city):
        REVIEW.perform(session, file.id, "return", city, version=None, reason="请补充")
    with system():
        teacher = session.get(Teacher, file.id)
        session.execute(
            Teacher.__table__.update().where(Teacher.id == file.id).values(state="school_confirmed")
        )
        session.expire_all()
        found = opinion.on_file(session, teacher)

    assert [(each.text, each.is_present) for each in found] == [("缺少学历证书", False)]
    with acting_as(assistant):
        assert opinion.latest(session, [file.id]) == {}


def test_an_opinion_about_another_version_is_refused(
    app: Any, session: Any, world: Any, file: Any
) -> None:
    client = sign_in(app, world, "city_assistant")

    assert send(client, file, _version="999").status_code == 409
    assert count(session) == 0


@pytest.mark.parametrize(
    "form",
    [
        {"verdict": "", "words": "agree or object"},
        {"verdict": "approve", "words": "agree or object"},
        {"verdict": "objection", "text": " ", "words": "object to"},
        {"verdict": "agree", "text": "长" * 501, "words": "500"},
    ],
)
def test_what_is_not_a_verdict_is_refused_in_words(
    app: Any, session: Any, world: Any, file: Any, form: Any
) -> None:
    client = sign_in(app, world, "city_assistant", language="en")

    answer = send(client, file, **form)

    assert answer.status_code == 302
    assert form["words"] in client.get(answer.location).text
    assert count(session) == 0


@pytest.mark.parametrize("place", [("A1", "school_confirmed"), ("U", "draft"), ("U", "reported")])
def test_only_what_waits_for_the_city_takes_an_opinion(
    call: Any, session: Any, world: Any, place: tuple[str, str]
) -> None:
    answer = call("city_assistant").post(
        f"/opinion/{world.teacher(*place).id}", {"verdict": "agree"}
    )

    assert answer.status_code == 409
    assert count(session) == 0


@pytest.mark.parametrize("key", ["city_info", "school_head_U", "school_info_U", "city_system"])
def test_nobody_else_gives_one(call: Any, session: Any, file: Any, key: str) -> None:
    assert call(key).post(f"/opinion/{file.id}", {"verdict": "agree"}).status_code == 403
    assert count(session) == 0


def test_rest_records_and_reads_them(call: Any, session: Any, world: Any, file: Any) -> None:
    assistant = call("city_assistant")

    made = assistant.post(f"/opinion/{file.id}", {"verdict": "objection", "text": "缺少证书"})
    read = call("city_info").get(f"/opinion/{file.id}")

    assert made.status_code == 201
    assert [(e["verdict"], e["text"]) for e in read.json["result"]] == [("objection", "缺少证书")]
    assert assistant.post(f"/opinion/{file.id}", {"verdict": "objection"}).status_code == 422
    assert assistant.post(f"/opinion/{file.id}", {"verdict": 1}).status_code == 400
    assert assistant.post("/opinion/999999", {"verdict": "agree"}).status_code == 404


def test_a_school_reads_none(app: Any, session: Any, world: Any, file: Any) -> None:
    give(session, world.actors["city_assistant"], file)
    head = sign_in(app, world, "school_head_U")
    caller = Caller(app.test_client(), world.usernames["school_head_U"])

    assert "缺少学历证书" not in head.get(f"/review/show/{file.id}").text
    assert "缺少学历证书" not in head.get(f"/teacher/{file.id}/history").text
    assert caller.get(f"/opinion/{file.id}").status_code == 403
    assert head.get("/review/list/?_flt_0_opinion=given").status_code == 400


@pytest.fixture
def call(client: Any, world: Any) -> Any:
    """Sign in as an actor of the world: call("school_info_A1")."""
    return lambda key: Caller(client, world.usernames[key])


def test_a_claim_over_rest(call: Any, world: Any) -> None:
    file, other = world.teacher("A1", "school_confirmed"), world.teacher("B1", "school_confirmed")
    district = call("district_info_A")

    assert district.get(f"/claim/{file.id}").json["claim"] is None
    assert district.post(f"/claim/{file.id}").status_code == 200
    assert district.get(f"/claim/{file.id}").json["claim"]["mine"] is True
    assert district.delete(f"/claim/{file.id}").status_code == 200
    assert district.delete(f"/claim/{file.id}").status_code == 422
    assert district.post(f"/claim/{other.id}").status_code == 404
    assert district.get(f"/claim/{other.id}").status_code == 404
    assert call("city_assistant").post(f"/claim/{file.id}").status_code == 403
