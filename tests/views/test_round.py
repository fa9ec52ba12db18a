"""The pages of rounds and of correction tasks: who sees and sets what."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, system
from app.core.clock import today
from app.models.correction import Correction
from app.models.round import Extension, Round
from app.services import round as rounds
from app.workflows.review import REVIEW
from tests.services.test_round import make_round
from tests.views.pages import sign_in, token_of

SETS = ("city_info", "district_info_A")
READS = ("school_info_A1", "school_head_A1", "city_assistant")


def send(client: Any, path: str, page: str, **form: Any) -> Any:
    return client.post(path, data={"csrf_token": token_of(client.get(page).text), **form})


def days(number: int) -> str:
    return (today() + timedelta(days=number)).isoformat()


def stages(**changed: str) -> dict[str, str]:
    return {
        "opens_on": days(0),
        "school_deadline": days(10),
        "authority_deadline": days(20),
        "city_deadline": days(30),
    } | changed


def round_named(session: Any, name: str) -> Round | None:
    with system():
        session.expire_all()
        return session.scalars(select(Round).where(Round.name == name)).first()


def version_in(page):
    return re.search(r'name="_version"[^>]*value="(\d+)"', page)[1]


class TestRounds:
    @pytest.mark.parametrize("key", SETS)
    def test_authorities_open_a_round(self, app, session, world, key):
        client, actor = sign_in(app, world, key), world.actors[key]

        answer = send(
            client,
            "/rounds/add",
            "/rounds/add",
            name="新任务",
            categories=["higher", "vocational"],
            **stages(),
        )

        made = round_named(session, "新任务")
        assert answer.status_code == 302, answer.text
        assert made.categories == "higher,vocational"
        assert made.authority_id == (None if key == "city_info" else actor.unit_id)

    @pytest.mark.parametrize("key", READS)
    def test_others_read_only(self, app, session, world, key):
        client = sign_in(app, world, key)

        page = client.get("/rounds/list/")

        assert page.status_code == 200
        assert "/rounds/add" not in page.text
        answer = send(client, "/rounds/add", "/rounds/list/?q=", name="不行", **stages())
        assert answer.status_code in (302, 400, 403)
        assert round_named(session, "不行") is None

    def test_wrong_dates_are_told_at_their_fields(self, app, session, world):
        client = sign_in(app, world, "city_info")

        answer = send(
            client,
            "/rounds/add",
            "/rounds/add",
            name="倒置",
            **stages(authority_deadline=days(5)),
        )

        assert answer.status_code == 422
        assert 'id="authority_deadline-error"' in answer.text
        assert 'value="倒置"' in answer.text

    def test_a_district_neither_edits_nor_takes_the_round_of_the_city(self, app, session, world):
        made = make_round(session, name="全市任务")
        client = sign_in(app, world, "district_info_A")

        send(
            client,
            f"/rounds/edit/{made.id}",
            "/rounds/add",
            name="全市任务",
            authority_id=str(world.units["A"].id),
            **stages(),
        )

        kept = round_named(session, "全市任务")
        assert kept.authority_id is None
        assert kept.opens_on == today() - timedelta(days=30)

    def test_a_round_of_another_district_does_not_exist(self, app, session, world):
        foreign = make_round(session, name="乙区任务", authority_id=world.units["B"].id)
        client = sign_in(app, world, "district_info_A")

        assert client.get(f"/rounds/show/{foreign.id}").status_code == 404
        assert "乙区任务" not in client.get("/rounds/list/").text

    def test_two_people_change_one_round_and_the_second_sees_both_values(self, app, session, world):
        made = make_round(session, name="双人", categories="higher")
        path, names = f"/rounds/edit/{made.id}", "/rounds/list/?_flt_0_closed=0"
        one, two = (sign_in(app, world, key) for key in ("city_info", "city_info"))
        page = two.get(path).text
        send(one, path, path, name="双人（一）", categories=["special"], **stages(), _version="1")
        mine = {"name": "双人（二）", "categories": ["higher"], **stages(city_deadline=days(95))}

        answer = send(two, path, path, **mine, _version=version_in(page))

        assert answer.status_code == 409
        assert round_named(session, "双人（一）").version == 2
        # What was typed stands in the form, what is stored beside it, and nothing beside the rest.
        assert 'value="双人（二）"' in answer.text
        told = re.findall(r'id="(\w+)-error">.*?期间已存为：(.*?)</span>', answer.text, re.DOTALL)
        assert {name: words.strip() for name, words in told} == {
            "name": "双人（一）",
            "categories": "特殊教育学校",
            "city_deadline": stages()["city_deadline"],
        }
        # The summary above the form names those fields and no other, not the token either.
        assert answer.text.count("期间已存为：") == 2 * len(told)
        again = send(two, path, names, **mine, _version=version_in(answer.text))
        assert again.status_code == 302
        assert round_named(session, "双人（二）").categories == "higher"

    def test_a_change_in_the_moment_of_saving_is_told_too(self, app, session, world, monkeypatch):
        made, save = make_round(session, name="同时", categories="higher"), rounds.save

        def overtaken(*given: Any) -> None:
            session.execute(update(Round).values(version=Round.version + 1))
            save(*given)

        monkeypatch.setattr(rounds, "save", overtaken)
        client, path = sign_in(app, world, "city_info"), f"/rounds/edit/{made.id}"

        answer = send(client, path, path, name="同时（二）", categories=["higher"], **stages())

        assert answer.status_code == 409
        assert 'value="同时（二）"' in answer.text
        assert round_named(session, "同时（二）") is None

    def test_closing_and_opening_again(self, app, session, world):
        made = make_round(session, name="关闭")
        client, page = sign_in(app, world, "city_info"), f"/rounds/show/{made.id}"

        send(client, f"/rounds/action/close/{made.id}", page)
        closed = round_named(session, "关闭").closed
        send(client, f"/rounds/action/reopen/{made.id}", page)

        assert closed is True
        assert round_named(session, "关闭").closed is False

    def test_a_district_cannot_close_the_round_of_the_city(self, app, session, world):
        made = make_round(session, name="全市")
        client = sign_in(app, world, "district_info_A")

        answer = send(client, f"/rounds/action/close/{made.id}", "/rounds/add")

        assert answer.status_code == 403
        assert round_named(session, "全市").closed is False

    def test_a_unit_gets_more_time_with_a_reason(self, app, session, world):
        made = make_round(session, name="延期")
        client, page = sign_in(app, world, "district_info_A"), f"/rounds/show/{made.id}"
        form = {"unit": world.units["A1"].id, "until": days(15), "reason": "停电"}

        wrong = send(client, f"/rounds/{made.id}/extend", page, **(form | {"until": days(3)}))
        answer = send(client, f"/rounds/{made.id}/extend", page, **form)

        assert wrong.status_code == 422
        assert "停电" in wrong.text
        assert answer.status_code == 302
        with system():
            granted = session.scalars(select(Extension)).one()
        assert (granted.unit_id, granted.until.isoformat()) == (world.units["A1"].id, days(15))
        assert world.units["A1"].name in client.get(page).text

    def test_a_unit_of_another_district_cannot_be_chosen(self, app, session, world):
        made = make_round(session, name="外区")
        client, page = sign_in(app, world, "district_info_A"), f"/rounds/show/{made.id}"

        answer = send(
            client,
            f"/rounds/{made.id}/extend",
            page,
            unit=world.units["B1"].id,
            until=days(15),
            reason="x",
        )

        assert answer.status_code == 422
        with system():
            assert session.scalars(select(Extension)).all() == []

    def test_a_school_sees_neither_the_extensions_of_others(self, app, session, world):
        made = make_round(session, name="保密")
        with system():
            session.add(
                Extension(
                    round_id=made.id,
                    unit_id=world.units["A2"].id,
                    until=today() + timedelta(days=12),
                    reason="校舍修缮",
                )
            )
            session.flush()

        page = sign_in(app, world, "school_head_A1").get(f"/rounds/show/{made.id}").text

        assert "校舍修缮" not in page


class TestCorrections:
    @pytest.fixture
    def task(self, session: Any, world: Any) -> Correction:
        city, file = world.actor("city_info"), world.teacher("A1", "effective")
        with acting_as(city):
            REVIEW.perform(
                session, file.id, "require_correction", city, version=None, reason="职称有误"
            )
        with system():
            return session.scalars(select(Correction)).one()

    @pytest.mark.usefixtures("task")
    @pytest.mark.parametrize(
        ("key", "sees"),
        [("city_info", True), ("district_info_A", True), ("school_info_A1", True),
         ("district_info_B", False), ("school_info_A2", False)],
    )  # fmt: skip
    def test_are_read_by_the_units_they_concern(self, app, session, world, key, sees):
        page = sign_in(app, world, key).get("/corrections/list/?_flt_0_open=y")

        assert ("职称有误" in page.text) is sees
        world.assert_no_leak(page, world.actors[key], place="list")

    def test_the_city_closes_them_with_a_reason(self, app, session, world, task):
        client = sign_in(app, world, "city_info")
        form = {"action": "close", "rowid": [task.id], "filter": "_flt_0_open=y"}
        page = "/corrections/list/?_flt_0_open=y"

        without = send(client, "/corrections/action_post", page, **form)
        answer = send(
            client, "/corrections/action_post", page, **form, **{"reason-close": "核对无误"}
        )

        assert without.status_code == 422
        assert answer.status_code == 200
        with system():
            session.expire_all()
            assert session.scalars(select(Correction.close_reason)).all() == ["核对无误"]
        tabs = re.findall(r'class="tm-figure">(\d+)<', client.get(page).text)
        assert tabs[:3] == ["1", "0", "1"]

    def test_a_district_cannot_close_them(self, app, session, world, task):
        client = sign_in(app, world, "district_info_A")
        form = {"action": "close", "rowid": [task.id], "reason-close": "x"}

        answer = send(client, "/corrections/action_post", "/rounds/add", **form)

        assert answer.status_code == 403
        with system():
            assert session.scalars(select(Correction.closed_at)).all() == [None]
