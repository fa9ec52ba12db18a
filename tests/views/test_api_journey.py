"""The main job by REST alone: filled in, confirmed, approved, accepted, reported (1.1 to 1.12)."""

from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import system
from app.extensions import db
from app.jobs.worker import EXTENSION, Worker
from app.models.account import Account
from app.models.history import Transition
from app.models.record import TEACHER_SETS
from app.models.report import ReportBatch, ReportItem
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from tests.factories import (
    TYPES,
    Wanted,
    complete_file,
    make_account,
    make_school,
    make_teachers,
)
from tests.views.api_caller import (
    Caller,
    answer_none,
    fill_sets,
    open_file,
    spelled,
    step,
)

pytestmark = pytest.mark.wide

MANY = 30
SCOPE = {"scope_checked": True}


class City:
    """The callers of a city with a district and a school of some category."""

    def __init__(self, app: Any, session: Any, world: Any, category: str) -> None:
        self.app, self.session, self.world = app, session, world
        place = "city" if category == "higher" else "A"
        with system():
            authority = session.get(Unit, world.units[place].id)
            self.school = make_school(session, authority=authority, category=category)
            session.commit()
            session.refresh(self.school)
            session.expunge(self.school)
            session.commit()  # Holds no lock while the callers write.
        self.clerk = self.caller("school_info", self.school)
        self.head = self.caller("school_head", self.school)
        self.city = Caller(app.test_client(), world.usernames["city_info"])
        district = Caller(app.test_client(), world.usernames["district_info_A"])
        self.authority = self.city if category == "higher" else district

    def caller(self, role: str, unit: Unit, **more: Any) -> Caller:
        """Somebody new who signs in."""
        actor = make_account(self.session, role=role, unit=unit, **more)
        with system():
            name = self.session.get(Account, actor.account_id).username
        self.session.commit()
        return Caller(self.app.test_client(), name)


def done(answer: Any, state: str) -> None:
    assert answer.status_code == 200, answer.json
    assert answer.json["state"] == state


@pytest.mark.parametrize("category", TYPES)
def test_a_file_of_every_category_goes_from_draft_to_acceptance(
    app: Any, session: Any, world: Any, category: str
) -> None:
    place = City(app, session, world, category)
    key, _content = open_file(place.clerk, place.school, world)
    place.clerk.post(f"/teacher/{key}/problem")

    done(step(place.clerk, key, "submit", declared=True), "submitted")
    done(step(place.head, key, "confirm"), "school_confirmed")
    if category == "higher":
        # 1.9 and 1.10 are one act where the city itself is the authority.
        done(step(place.city, key, "approve", **SCOPE), "city_accepted")
    else:
        done(step(place.authority, key, "approve", **SCOPE), "effective")
        done(step(place.city, key, "accept"), "city_accepted")

    shown = place.city.get(f"/teacher/{key}").json["result"]
    assert len(shown["teacher_no"]) == 10
    assert shown["teacher_no"].isdigit()
    assert shown["file_version"] == 1


def mine_of(world: Any, school: Unit) -> Any:
    """Whether the teacher fills in the whole of a set in a school."""

    def mine(entry: Any) -> bool:
        rules = [world.catalog.rule(i.set, i.code, school.category) for i in entry.indicators]
        return not entry.core and any(r.filled_by in ("teacher", "both") for r in rules)

    return mine


def by_whom(world: Any, school: Unit, content: Any, teacher: bool) -> dict[str, Any]:
    """The sets of a file that the teacher fills in (basic aside), or those of the school."""
    mine = mine_of(world, school)
    sets = {entry.code: entry for entry in world.catalog.category_sets(school.category)}
    chosen = {code for code, entry in sets.items() if mine(entry) == teacher}
    return {code: rows for code, rows in content.items() if code in chosen - {"basic"}}


def own_part(world: Any, school: Unit, row: dict[str, Any], set_code: str) -> dict[str, Any]:
    """The values of a row that the teacher may type in."""
    rule = world.catalog.rule
    return {
        code: value
        for code, value in row.items()
        if rule(set_code, code, school.category).filled_by in ("teacher", "both")
    }


def test_the_main_job_by_rest_alone(live_app: Any, world: Any) -> None:
    with live_app.app_context():
        place = City(live_app, db.session(), world, "primary_secondary")
        key, content = begun(place)
        teacher = own_teacher(place, key)
        filled_by_both(place, key, content, teacher)
        done(step(teacher, key, "submit", declared=True), "submitted")

        taken = place.clerk.post(f"/teacher/{key}/problem", {})
        assert taken.status_code == 200, taken.json
        others = waiting_files(place)
        sent = place.head.post("/review/bulk/confirm", {"ids": [key, *others]})
        assert [each["status"] for each in sent.json["results"]] == [200] * (MANY + 1)

        wrong = with_error(place, others[0])
        q = f"(filters:!((col:school_id,opr:eq,value:{place.school.id})))"
        chosen = {"filter": q, "count": MANY + 1, **SCOPE}
        results = place.authority.post("/review/bulk/approve", chosen).json["results"]
        refused = [each for each in results if each["status"] != 200]
        assert [(each["id"], each["status"]) for each in refused] == [(wrong, 422)]
        assert refused[0]["errors"][0]["code"] == "DQ013"
        assert refused[0]["errors"][0]["message"]

        accepted = [each["id"] for each in results if each["status"] == 200]
        sent = place.city.post("/review/bulk/accept", {"ids": accepted})
        assert {each["status"] for each in sent.json["results"]} == {200}

        ordered = place.city.post("/review/bulk/report", {"ids": accepted})
        assert ordered.status_code == 202, ordered.json
        assert ordered.json["state"] == "queued"
        work(live_app)
        job = place.city.get(f"/job/{ordered.json['id']}").json
        assert (job["state"], job["done"], job["total"]) == ("done", MANY, MANY)
        assert job["result"]["done"] == MANY
        with system():
            batch = db.session.get(ReportBatch, job["result"]["batch"])
            assert (batch.state, batch.count) == ("ready", MANY)
            assert batch.digest
            items = select(func.count()).where(ReportItem.batch_id == batch.id)
            assert db.session.scalar(items) == MANY
        db.session.commit()

        story = teacher.get(f"/review/{key}").json
        assert story["state"] == "reported"
        assert [each["step"] for each in reversed(story["history"])] == [
            "submit", "acknowledge", "confirm", "approve", "accept", "report",
        ]  # fmt: skip
        db.session.remove()


def begun(place: City) -> tuple[int, Any]:
    """A file that the clerk opens with what the school fills in."""
    content = complete_file(place.school, place.world.catalog, name="李四光")
    basic = spelled("basic", content["basic"][0], typed=True)
    answer = place.clerk.post("/teacher/", {"basic": basic})
    assert answer.status_code == 201, answer.json
    return answer.json["id"], content


def own_teacher(place: City, key: int) -> Caller:
    """The person whose file it is."""
    with system():
        person = place.session.get(Teacher, key)
    return place.caller("teacher", place.school, teacher=person)


def filled_by_both(place: City, key: int, content: Any, teacher: Caller) -> None:
    """Teacher and clerk fill in what is theirs; the teacher acknowledges what is left."""
    world, school = place.world, place.school
    mine = by_whom(world, school, content, teacher=True)
    assert mine
    for set_code, rows in mine.items():
        fill_sets(teacher, key, {set_code: [own_part(world, school, r, set_code) for r in rows]})
    fill_sets(place.clerk, key, by_whom(world, school, content, teacher=False))
    own = mine_of(world, school)
    answer_none(teacher, key, content, school, world, mine=own)
    answer_none(place.clerk, key, content, school, world, mine=lambda entry: not own(entry))
    teacher.post(f"/teacher/{key}/problem")


def waiting_files(place: City) -> list[int]:
    """Thirty more files that wait for the head."""
    with system():
        wanted = [Wanted(place.school, ReviewState.SUBMITTED) for _ in range(MANY)]
        made = [each.id for each in make_teachers(place.session, wanted)]
        place.session.commit()
    return made


def with_error(place: City, key: int) -> int:
    """Let a file have joined the school before starting work at all (DQ013); returns it."""
    with system():
        cls = TEACHER_SETS["basic"]
        row = place.session.scalars(select(cls).where(cls.teacher_id == key)).one()
        row.put("join_school", "1990-01")
        file = place.session.get(Teacher, key)
        file.content_version += 1
        place.session.commit()
    return key


def work(app: Any) -> None:
    """Carry out what waits."""
    db.session.remove()
    with app.app_context():
        Worker(app.extensions[EXTENSION]).run(once=True)


def test_a_job_is_followed_and_stopped_by_its_owner(live_app: Any, world: Any) -> None:
    with live_app.app_context():
        city = Caller(live_app.test_client(), world.usernames["city_info"])
        files = [world.teacher("A1", "city_accepted", n).id for n in (1, 2)]

        ordered = city.post("/review/bulk/report", {"ids": files})
        stopped = city.post(f"/job/{ordered.json['id']}/cancel")
        again = city.post(f"/job/{ordered.json['id']}/cancel")
        work(live_app)

        assert ordered.status_code == 202
        assert (stopped.status_code, stopped.json["state"]) == (200, "cancelled")
        assert again.status_code == 409
        with system():
            assert states(files) == {"city_accepted"}
        db.session.commit()
        other = Caller(live_app.test_client(), world.usernames["district_info_A"])
        assert other.get(f"/job/{ordered.json['id']}").status_code == 404
        assert other.post(f"/job/{ordered.json['id']}/cancel").status_code == 404
        db.session.remove()


def states(files: list[int]) -> set[str]:
    return set(db.session.scalars(select(Teacher.state).where(Teacher.id.in_(files))))


def test_more_than_a_thousand_by_a_filter_go_on_as_a_job(
    app: Any, session: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("app.views.api.flow", "app.jobs.review"):
        monkeypatch.setattr(f"{module}.LIMIT", 1)
    head = Caller(app.test_client(), world.usernames["school_head_A1"])
    q = "(filters:!((col:state,opr:eq,value:submitted)))"

    wrong = head.post("/review/bulk/confirm", {"filter": q, "count": 3})
    sent = head.post("/review/bulk/confirm", {"filter": q, "count": 2})

    assert wrong.status_code == 409
    assert sent.status_code == 202
    assert (sent.json["total"], sent.json["done"]) == (2, 0)
    with system():
        taken = select(func.count()).select_from(Transition).where(Transition.step == "confirm")
        before = session.scalar(taken.where(Transition.teacher_id.in_(ids_of(world))))
    assert before == 0


def ids_of(world: Any) -> list[int]:
    return [world.teacher("A1", "submitted", n).id for n in (1, 2)]
