"""Claims: who looks at which file of the queue, and what became of it; and the archive (D7)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, system
from app.core.clock import now
from app.indicators.catalog import catalog
from app.models.claim import ReviewClaim
from app.models.history import Audit, Transition
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import claim
from app.services.workday import working_days_before
from app.workflows.review import REVIEW
from tests.factories import make_account
from tests.views.pages import sign_in, token_of
from tests.views.test_review import SEGMENT, act, shown


@pytest.fixture
def colleague(session: Any, world: Any, monkeypatch: Any) -> str:
    """A second reviewer of district A; returns the key to sign in with."""
    with system():
        district = session.get(Unit, world.units["A"].id)
    make_account(session, role="district_info", unit=district, username="second_reviewer")
    monkeypatch.setitem(world.usernames, "colleague", "second_reviewer")
    return "colleague"


def holders(session: Any, actor: Any, *files: Any) -> list[str]:
    with acting_as(actor):
        found = claim.holders(session, actor, [each.id for each in files], catalog(session))
    return [found[each.id].name if each.id in found else "" for each in files]


def rows(page: Any, kind: str = "") -> set[int]:
    return set(shown(page.text))


def test_a_taken_file_is_mine_and_no_longer_free_for_colleagues(
    app: Any, session: Any, world: Any, colleague: str
) -> None:
    mine, free = world.teacher("A1", "school_confirmed"), world.teacher("A2", "school_confirmed")
    client, other = sign_in(app, world, "district_info_A"), sign_in(app, world, colleague)
    address = "/review/list/?_flt_0_state=school_confirmed&_flt_0_claim="

    answer = act(client, "claim", [mine.id])

    assert answer.status_code == 302
    assert rows(client.get(address + "mine")) == {mine.id}
    assert mine.id not in rows(client.get(address + "free"))
    assert rows(other.get(address + "mine")) == set()
    assert mine.id not in rows(other.get(address + "free"))
    assert free.id in rows(other.get(address + "free"))
    assert world.actors["district_info_A"].name in other.get("/review/list/?q=").text


def test_the_tabs_of_claims_count_exactly_the_rows_behind_them(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "district_info_A")
    act(client, "claim", [world.teacher("A1", "school_confirmed").id])

    page = client.get("/review/list/?_flt_0_state=school_confirmed").text

    tabs = re.findall(r'href="([^"]*)"[^>]*>[^<]+<span class="tm-number">([\d,]+)</span>', page)
    assert len(tabs) == 3
    for href, number in tabs:
        found = client.get(href.replace("&amp;", "&") + "&psize_ReviewView=100")
        assert len(rows(found)) == int(number)
    narrowed = client.get("/review/list/?_flt_0_state=school_confirmed&_flt_0_claim=mine").text
    assert [number for _label, number in SEGMENT.findall(narrowed)][0] == "1"


def test_a_claim_warns_and_does_not_lock(
    app: Any, session: Any, world: Any, colleague: str
) -> None:
    file = world.teacher("A1", "school_confirmed")
    act(sign_in(app, world, "district_info_A"), "claim", [file.id])
    other = sign_in(app, world, colleague)

    page = other.get(f"/review/show/{file.id}").text

    assert world.actors["district_info_A"].name in page
    assert f"/review/action/claim/{file.id}" not in page
    url = re.search(rf'action="(/flow/review/{file.id}/return)"', page)[1]
    form = {"csrf_token": token_of(page), "reason": "请补充"}
    assert other.post(url, data=form).status_code == 302


def test_who_comes_second_is_told_and_takes_nothing(
    app: Any, session: Any, world: Any, colleague: str
) -> None:
    taken, free = (world.teacher("A1", "school_confirmed", n) for n in (1, 2))
    actor = world.actors["district_info_A"]
    act(sign_in(app, world, "district_info_A"), "claim", [taken.id])
    other = sign_in(app, world, colleague)

    answer = act(other, "claim", [taken.id, free.id])

    assert answer.status_code == 200
    assert actor.name in answer.text
    assert holders(session, actor, taken)[0] == actor.name
    assert holders(session, actor, free)[0] not in ("", actor.name)
    refused = act(other, "give_back", [taken.id])
    assert refused.status_code == 200
    assert holders(session, actor, taken)[0] == actor.name


def test_giving_back_makes_the_file_free(app: Any, session: Any, world: Any) -> None:
    file, actor = world.teacher("A1", "school_confirmed"), world.actors["district_info_A"]
    client = sign_in(app, world, "district_info_A")
    act(client, "claim", [file.id])

    assert act(client, "give_back", [file.id]).status_code == 302

    assert holders(session, actor, file) == [""]
    with system():
        found = session.scalars(select(Audit.detail).where(Audit.act == "claim").order_by(Audit.id))
        assert [each["act"] for each in found] == ["take", "give_back"]


def test_the_decision_ends_the_claim(session: Any, world: Any) -> None:
    file, actor = world.teacher("A1", "school_confirmed"), world.actors["district_info_A"]
    with acting_as(actor):
        assert claim.take(session, actor, [file.id], catalog(session)) == {}
        REVIEW.perform(session, file.id, "return", actor, version=None, reason="请补充")
        session.flush()
        with system():
            # However it comes back, it comes back free.
            session.execute(
                update(Teacher)
                .where(Teacher.id == file.id)
                .values(state="school_confirmed", state_since=now())
            )

    assert holders(session, actor, file) == [""]


def test_a_claim_ends_by_itself_after_the_days_of_the_parameter(session: Any, world: Any) -> None:
    file, actor = world.teacher("A1", "school_confirmed"), world.actors["district_info_A"]
    days = int(catalog(session).parameter("claim_working_days"))
    with acting_as(actor):
        claim.take(session, actor, [file.id], catalog(session))
    with system():
        session.execute(
            update(Teacher)
            .where(Teacher.id == file.id)
            .values(state_since=now() - timedelta(days=99))
        )

    def age(number: int) -> None:
        day = working_days_before(catalog(session).calendar, now().date(), number)
        with system():
            session.execute(
                update(ReviewClaim).values(at=now() - timedelta(days=(now().date() - day).days))
            )

    age(days - 1)
    assert holders(session, actor, file) == [actor.name]
    age(days + 2)
    assert holders(session, actor, file) == [""]


def test_a_claim_of_the_school_says_nothing_to_the_authority(session: Any, world: Any) -> None:
    file = world.teacher("A1", "school_confirmed")
    head, district = world.actors["school_head_A1"], world.actors["district_info_A"]
    with acting_as(head):
        assert claim.take(session, head, [file.id], catalog(session)) == {}

    assert holders(session, district, file) == [""]
    assert holders(session, head, file) == [head.name]


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("district_info_B", ("A1", "school_confirmed")),  # outside the scope
        ("school_head_A1", ("A2", "submitted")),
        ("district_info_A", ("A1", "draft")),  # waits for somebody else
        ("district_info_A", ("A1", "effective")),
    ],
)
def test_what_is_not_in_the_queue_cannot_be_taken(
    app: Any, session: Any, world: Any, key: str, place: tuple[str, str]
) -> None:
    file = world.teacher(*place)

    answer = act(sign_in(app, world, key), "claim", [file.id])

    assert answer.status_code == 404
    with system():
        assert session.scalars(select(ReviewClaim)).all() == []


def test_an_assistant_takes_nothing(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_assistant")

    answer = act(client, "claim", [world.teacher("U", "school_confirmed").id])

    assert answer.status_code == 403
    assert (
        "/review/action/claim/"
        not in client.get(f"/review/show/{world.teacher('U', 'school_confirmed').id}").text
    )


def test_an_unknown_value_of_the_claim_filter_is_refused(
    app: Any, session: Any, world: Any
) -> None:
    assert (
        sign_in(app, world, "district_info_A").get("/review/list/?_flt_0_claim=x").status_code
        == 400
    )


class TestArchive:
    def test_lists_what_the_account_did_with_time_and_reason(
        self, app: Any, session: Any, world: Any
    ) -> None:
        file, actor = world.teacher("A1", "school_confirmed"), world.actors["district_info_A"]
        with acting_as(actor):
            REVIEW.perform(session, file.id, "return", actor, version=None, reason="缺少证明")
            session.commit()
        client = sign_in(app, world, "district_info_A")

        page = client.get("/review/archive/list/?_flt_0_step=return")

        assert page.status_code == 200
        assert re.findall(r'tm-first[^"]*"[^>]*><a href="/teacher/(\d+)', page.text) == [
            str(file.id)
        ]
        assert "缺少证明" in page.text
        world.assert_no_leak(page, actor, place="list")
        nothing = client.get("/review/archive/list/?_flt_0_step=accept").text
        assert f"/teacher/{file.id}" not in nothing

    def test_shows_neither_steps_of_others_nor_files_outside_the_scope(
        self, app: Any, session: Any, world: Any
    ) -> None:
        actor = world.actors["district_info_A"]
        with system():
            foreign = world.teacher("B1", "effective")
            session.add(
                Transition(
                    flow="review", object_id=foreign.id, teacher_id=foreign.id, step="approve",
                    from_state="school_confirmed", to_state="effective",
                    account_id=actor.account_id, role="district_info", at=now(),
                )
            )  # fmt: skip
            session.commit()

        page = sign_in(app, world, "district_info_A").get(
            "/review/archive/list/?psize_ArchiveView=100"
        )

        mine = {each.id for each in world.teachers.values() if each.school in ("A1", "A2")}
        keys = {int(key) for key in re.findall(r'<a href="/teacher/(\d+)', page.text)}
        assert keys
        assert keys <= mine
        world.assert_no_leak(page, actor, place="list")
        head = sign_in(app, world, "school_head_A2").get(
            "/review/archive/list/?_flt_0_step=approve"
        )
        assert re.findall(r'<a href="/teacher/(\d+)', head.text) == []

    @pytest.mark.parametrize("key", ["teacher_A1", "city_system", "city_audit"])
    def test_is_closed_to_those_who_review_nothing(
        self, app: Any, session: Any, world: Any, key: str
    ) -> None:
        answer = sign_in(app, world, key).get("/review/archive/list/")

        assert answer.status_code in (302, 403)
