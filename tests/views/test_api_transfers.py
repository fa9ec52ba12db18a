"""Transfers over REST: looking for a person, the chain in all its variants, and what is left to the
school that a person has left (SEC-06, SEC-13, s4.3)."""

from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import pytest
from sqlalchemy import func, select, update

from app.access.actor import system
from app.indicators import catalog as catalogue
from app.models.change import RecordChange
from app.models.history import Audit, Transition
from app.models.parameter import Parameter
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.models.unit import Unit
from tests.factories import Wanted, make_account, make_school, make_teachers, make_unit
from tests.invariants.addresses import UNSAFE, Browser, filled, kind_of, methods_of
from tests.processes import make_process, prove
from tests.transfers import PLACED, make_transfer
from tests.views.api_caller import Caller
from tests.views.test_api_changes import attach

INFO, DISTRICT = "school_info_A1", "district_info_A"
FROM_INFO, FROM_HEAD, FROM_DISTRICT = "school_info_B1", "school_head_B1", "district_info_B"
APPLICATION = {"planned_on": "2026-09-01", "position": "数学教师", "reason": "学科缺人"}


@pytest.fixture
def call(client: Any, world: Any) -> Any:
    """Sign in as an actor of the world: call("school_info_A1")."""
    return lambda key: Caller(client, world.usernames[key])


def person_of(file: Any) -> dict[str, str]:
    return {"id_no": file.id_no, "name": file.name}


def take(caller: Caller, key: int, step: str, **inputs: Any) -> Any:
    version = caller.get(f"/transfer/{key}").json["version"]
    return caller.post(f"/transfer/{key}/{step}", {"version": version, **inputs})


def problems(answer: Any) -> list[str]:
    assert answer.status_code == 422, (answer.status_code, answer.json)
    return [each["code"] for each in answer.json["errors"]]


def test_the_chain_from_the_look_up_to_the_file_that_is_taken(call: Any, world: Any) -> None:
    file = world.teacher("B1", "reported")
    info, district = call(INFO), call(DISTRICT)
    head, other = call(FROM_HEAD), call(FROM_DISTRICT)

    found = info.post("/transfer/lookup", person_of(file))
    assert (found.status_code, found.json) == (200, {
        "name": file.name, "school": world.units["B1"].name, "id_no": "*" * 14 + file.id_no[-4:],
    })  # fmt: skip
    made = info.post("/transfer/", person_of(file) | {"position": "教师"})
    assert made.status_code == 201, made.json
    key = made.json["id"]
    assert [each["step"] for each in made.json["available"]] == ["submit", "withdraw"]
    assert problems(take(info, key, "submit")) == ["required", "required"]
    rotation = {"rotation_type": "1", "planned_end": "2027-07"}
    edited = info.put(f"/transfer/{key}", {"version": 1, **APPLICATION, **rotation})
    assert {name: edited.json[name] for name in rotation} == rotation
    assert (edited.status_code, edited.json["position"]) == (200, "数学教师")
    assert info.put(f"/transfer/{key}", {"version": 1, **APPLICATION}).status_code == 409
    assert take(info, key, "submit").json["state"] == "pending_in_authority"
    for caller in (head, other, call(FROM_INFO)):
        assert caller.get(f"/transfer/{key}").status_code == 404
        assert caller.get("/transfer/").json["count"] == 0
        assert caller.post(f"/transfer/{key}/release", {"version": 2}).status_code == 404
    assert take(district, key, "issue").json["state"] == "pending_out_school"
    assert take(head, key, "release").json["state"] == "pending_out_authority"
    assert take(other, key, "confirm").json["state"] == "ready_to_take"
    assert problems(take(info, key, "take")) == ["required"] * len(PLACED)
    done = take(info, key, "take", **PLACED)
    assert (done.status_code, done.json["state"]) == (200, "completed")

    told = info.get(f"/transfer/{key}").json
    assert [each["step"] for each in told["history"]] == [
        "take", "confirm", "release", "issue", "submit", "amend", "apply",
    ]  # fmt: skip
    assert told["from"]["school"]["name"] == world.units["B1"].name
    assert (told["join_month"], told["issued_at"] is None) == (PLACED["join_month"], False)
    mine = info.get(f"/teacher/{file.id}").json["result"]
    assert (mine["teacher_no"], mine["state"]) == (file.teacher_no, "city_accepted")
    assert mine["file_version"] == 2
    for caller in (head, other, call(FROM_INFO)):
        assert caller.get(f"/teacher/{file.id}").status_code == 404
        assert caller.get(f"/transfer/{key}").status_code == 200


def test_the_document_is_attached_in_turn_and_read_by_both_sides(
    call: Any, session: Any, world: Any
) -> None:
    """Who sees the transfer reads what proves it, whichever side has attached it."""
    file, key = world.teacher("B1", "effective"), None
    info, district = call(INFO), call(DISTRICT)
    head, other, sender = call(FROM_HEAD), call(FROM_DISTRICT), call(FROM_INFO)

    def proofs(caller: Caller) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = caller.get(f"/transfer/{key}").json["evidence"]
        return shown

    given = person_of(file) | APPLICATION
    late = info.post("/transfer/", given | {"document_on": "2999-01-01"})
    assert (problems(late), late.json["errors"][0]["field"]) == (["document_on"], "document_on")
    made = info.post("/transfer/", given | {"document_no": "京教1号", "document_on": "2026-01-05"})
    key = made.json["id"]
    assert (made.json["document_on"], made.json["evidence"]) == ("2026-01-05", [])
    draft = attach(info, "transfer", key)
    assert draft.status_code == 201, draft.json
    assert attach(district, "transfer", key).status_code == 409
    take(info, key, "submit")
    assert attach(info, "transfer", key).status_code == 409
    assert attach(district, "transfer", key).status_code == 201
    one = f"/transfer/{key}/evidence/{draft.json['id']}"
    assert [caller.get(one).status_code for caller in (info, sender, other)] == [200, 404, 404]
    take(district, key, "issue")
    assert attach(head, "transfer", key).status_code == 403
    take(head, key, "release")
    assert attach(other, "transfer", key, "批复.pdf").status_code == 201

    for caller in (info, district, head, other, sender):
        assert [each["name"] for each in proofs(caller)] == ["证明.pdf", "证明.pdf", "批复.pdf"]
        assert all(
            caller.get(f"/transfer/{key}/evidence/{each['id']}").status_code == 200
            for each in proofs(caller)
        )
    stranger = call("school_info_A2")
    assert stranger.get(one).status_code == 404
    assert attach(stranger, "transfer", key).status_code == 404
    assert proofs(call("city_assistant")) == []


class TestFinding:
    """SEC-13: exact number and name, alike for every miss, counted and on record."""

    def test_a_miss_says_the_same_whatever_was_wrong(self, call: Any, world: Any) -> None:
        file, other = world.teacher("B1", "effective"), world.teacher("B1", "effective", 2)
        busy = world.teacher("B1", "draft")
        info = call(INFO)
        wrong = (
            person_of(file) | {"name": other.name},
            person_of(file) | {"id_no": "110199198711040017"},
            person_of(busy) | {"name": other.name},
            {"id_no": "", "name": ""},
        )

        answers = [info.post("/transfer/lookup", each) for each in wrong]
        answers += [info.post("/transfer/", each | APPLICATION) for each in wrong]

        assert {(each.status_code, each.get_data()) for each in answers} == {
            (422, answers[0].get_data())
        }
        assert problems(answers[0]) == ["no_match"]

    def test_the_reason_of_a_refusal_comes_after_a_full_match_only(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("B1", "effective")
        make_transfer(session, world, file, "A2", "draft")

        (told,) = call(INFO).post("/transfer/lookup", person_of(file)).json["errors"]

        assert told["code"] == "open_process"
        assert world.units["A2"].name in told["message"]
        assert file.name not in told["message"]

    def test_a_miss_takes_as_long_as_a_wrong_name(
        self, call: Any, session: Any, world: Any
    ) -> None:
        """The statements are the same ones; what is left is the noise of the machine."""
        file, info = world.teacher("B1", "effective"), call(INFO)
        with system():
            session.execute(
                update(Parameter).where(Parameter.key == "lookups_per_day").values(value="1000")
            )
            session.commit()
        catalogue.forget()
        nobody = {"id_no": "110199198711040017", "name": file.name}
        wrong = person_of(file) | {"name": "无此人"}
        times: dict[int, list[float]] = {0: [], 1: []}
        for number in range(40):
            start = perf_counter()
            info.post("/transfer/lookup", (nobody, wrong)[number % 2])
            times[number % 2].append(perf_counter() - start)

        one, other = median(times[0]), median(times[1])
        assert abs(one - other) < 0.25 * max(one, other)

    def test_the_thirty_first_of_a_day_is_refused_with_an_alert(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file, info = world.teacher("B1", "effective"), call(INFO)
        for number in range(30):
            path = ("/transfer/lookup", "/transfer/")[number % 2]
            info.post(path, person_of(file) | {"name": f"无此人{number}"})

        assert info.post("/transfer/lookup", person_of(file)).status_code == 429
        assert info.post("/transfer/", person_of(file)).status_code == 429

        with system():
            rows = session.execute(
                select(Audit.act, Audit.reason, func.count())
                .where(Audit.act.in_(("alert", "search_foreign")))
                .group_by(Audit.act, Audit.reason)
            ).all()
        assert sorted(map(tuple, rows), key=str) == [
            ("alert", "lookup_limit", 2), ("alert", "lookup_misses", 6),
            ("search_foreign", None, 30),
        ]  # fmt: skip

    def test_a_look_up_that_ends_in_a_refusal_stays_on_record(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("B1", "draft")
        assert problems(call(INFO).post("/transfer/", person_of(file))) == ["open_process"]
        with system():
            found = select(Audit.teacher_id).where(Audit.act == "search_foreign")
            assert session.scalars(found).all() == [file.id]

    @pytest.mark.parametrize("key", [FROM_HEAD, DISTRICT, "city_info", "teacher_A1"])
    def test_nobody_but_a_clerk_looks(self, call: Any, world: Any, key: str) -> None:
        asked = person_of(world.teacher("B1", "effective"))
        assert call(key).post("/transfer/lookup", asked).status_code == 403
        assert call(key).post("/transfer/", asked).status_code == 403

    def test_what_is_no_text_is_malformed(self, call: Any) -> None:
        info = call(INFO)
        for body in ({"id_no": 1, "name": "x"}, {"id_no": "x"}, {"id_no": "x", "name": ["x"]}):
            assert info.post("/transfer/lookup", body).status_code == 400


class TestAfterLeaving:
    """SEC-06: nothing that the old school could open is left but the frozen file."""

    def test_every_address_of_the_old_clerk_answers_like_one_of_nothing(
        self, app: Any, call: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("B1", "effective")
        things = belongings(session, world, file)
        clerk = Browser(app, world, FROM_INFO)
        addresses = [
            (address, method)
            for rule in app.url_map.iter_rules()
            for thing in things.get(kind_of(rule.rule) or "", ())
            for address in filled(app, rule, *thing)
            for method in methods_of(rule)
        ]
        opened = [a for a, method in addresses if method == "GET"]
        before = {a: clerk.send(a).status_code for a in opened}
        assert sum(status < 400 for status in before.values()) >= 15
        item = make_transfer(session, world, file, "A1", "ready_to_take")
        with system():  # What hinders the transfer is decided.
            session.execute(
                update(RecordChange)
                .where(RecordChange.teacher_id == file.id)
                .values(state="rejected")
            )
            session.commit()
        taken = take(call(INFO), item.id, "take", **PLACED)
        assert taken.status_code == 200, taken.json

        after = {each: clerk.send(*each).status_code for each in addresses}

        still = {each: status for each, status in after.items() if status not in (403, 404)}
        assert still == {}
        assert {a for a in opened if before[a] < 400 and after[a, "GET"] != 404} == set()
        assert sum(method in UNSAFE for _address, method in addresses) > 10

    def test_the_frozen_file_is_read_and_shows_nothing_of_later(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file, clerk = world.teacher("B1", "effective"), call(FROM_INFO)
        item = make_transfer(session, world, file, "A1", "ready_to_take")
        sets = [entry.code for entry in world.catalog.teacher_sets]
        was = {code: said(clerk.get(f"/teacher/{file.id}/{code}").json["result"]) for code in sets}
        assert take(call(INFO), item.id, "take", **PLACED).status_code == 200

        (kept,) = clerk.get("/snapshot/").json["result"]
        found = {
            code: said(clerk.get(f"/snapshot/{kept['id']}/{code}").json["result"]) for code in sets
        }

        assert (kept["name"], kept["teacher_no"]) == (file.name, file.teacher_no)
        assert found == was
        assert clerk.post(f"/snapshot/{kept['id']}/basic", {}).status_code == 405
        assert clerk.get(f"/snapshot/{kept['id']}/nothing").status_code == 404
        for key in (INFO, FROM_DISTRICT, "city_info"):
            status = call(key).get(f"/snapshot/{kept['id']}/basic").status_code
            assert status in (403, 404)
        with system():
            read = select(Audit.account_id).where(
                Audit.act == "open_file", Audit.teacher_id == file.id
            )
            assert session.scalars(read).all() == [world.actors[FROM_INFO].account_id]

    def test_the_receiving_school_reads_the_file_and_the_sending_one_does_not(
        self, call: Any, session: Any, world: Any
    ) -> None:
        file = world.teacher("B1", "effective")
        item = make_transfer(session, world, file, "A1", "ready_to_take")
        info, clerk = call(INFO), call(FROM_INFO)
        assert info.get(f"/teacher/{file.id}/learning").status_code == 404

        take(info, item.id, "take", **PLACED)

        rows = info.get(f"/teacher/{file.id}/learning").json["result"]
        assert [row["education_org"] for row in rows] != []
        assert clerk.get(f"/teacher/{file.id}/learning").status_code == 404
        assert call(DISTRICT).get(f"/teacher/{file.id}").status_code == 200
        assert call(FROM_DISTRICT).get(f"/teacher/{file.id}").status_code == 404


def said(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What rows say, without their place in the life of the record."""
    return [{k: v for k, v in row.items() if k not in ("version", "problems")} for row in rows]


def belongings(session: Any, world: Any, file: Any) -> dict[str, list[tuple[Any, ...]]]:
    """The keys of what belongs to a file, by kind of address."""
    cls = TEACHER_SETS["learning"]
    with system():
        uuid = session.scalar(select(cls.uuid).where(cls.teacher_id == file.id).limit(1))
    made = {
        flow: make_process(session, world, file, flow, "pending_authority")
        for flow in ("addition", "change")
    }
    proof = prove(session, made["change"])
    session.commit()
    return {
        "file": [(file.id,)],
        "row": [(file.id, uuid)],
        "attachment": [(proof,)],
        **{flow: [(ref.id,)] for flow, ref in made.items()},
    }


class Side(NamedTuple):
    """A school with those who act for it, by name of account."""

    school: Any
    info: str
    head: str
    authority: str


class Variants:
    """Schools under whatever authority, and a transfer between two of them over REST."""

    def __init__(self, client: Any, session: Any, world: Any) -> None:
        self.client, self.session, self.world = client, session, world

    def known(self, key: str) -> Side:
        with system():
            unit = self.session.get_one(Unit, self.world.units[key].id)
        authority = "city_info" if key == "U" else f"district_info_{key[0]}"
        return Side(unit, f"school_info_{key.lower()}", f"school_head_{key.lower()}",
                    authority.lower())  # fmt: skip

    def under(self, unit: Unit, authority: str, **columns: Any) -> Side:
        """A new school under a unit, with its people."""
        with system():
            school = make_school(self.session, authority=unit, first_effective=True, **columns)
            names = [f"{role}_{school.id}" for role in ("school_info", "school_head")]
            for name in names:
                role = name.rpartition("_")[0]
                make_account(self.session, role=role, unit=school, username=name)
        return Side(school, *names, authority)

    def city(self) -> Unit:
        with system():
            return self.session.get_one(Unit, self.world.units["city"].id)

    def separate(self) -> Side:
        """A school at an address in district A that a unit of its own is in charge of."""
        with system():
            unit = make_unit(self.session, code="110195", name="测试开发区", authority=self.city())
            make_account(
                self.session, role="district_info", unit=unit, username="district_info_separate"
            )
        return self.under(unit, "district_info_separate", district_code="110101")

    def file_at(self, side: Side) -> Any:
        with system():
            return make_teachers(self.session, [Wanted(side.school, "effective")])[0]

    def number_of(self, file: Any) -> str:
        cls = TEACHER_SETS["basic"]
        with system():
            row = self.session.scalars(select(cls).where(cls.teacher_id == file.id)).first()
            return str(row.value("id_no"))

    def go(self, start: Side, to: Side) -> list[str]:
        """Take a person through the whole chain; returns who decided, in order."""
        file = self.file_at(start)
        self.session.commit()
        asked = {"id_no": self.number_of(file), "name": file.name}
        key_of_file = file.id
        info = Caller(self.client, to.info)
        made = info.post("/transfer/", asked | APPLICATION)
        assert made.status_code == 201, made.json
        key = made.json["id"]
        for name, step, inputs in (
            (to.info, "submit", {}), (to.authority, "issue", {}), (start.head, "release", {}),
            (start.authority, "confirm", {}), (to.info, "take", PLACED),
        ):  # fmt: skip
            answer = take(Caller(self.client, name), key, step, **inputs)
            assert answer.status_code == 200, (step, answer.json)
        with system():
            moved = self.session.get_one(Teacher, key_of_file, populate_existing=True)
            assert moved.school_id == to.school.id
            assert moved.authority_id == to.school.authority_id
            rows = self.session.execute(
                select(Transition.step, Unit.name)
                .join(Unit, Unit.id == Transition.unit_id)
                .where(Transition.flow == "transfer", Transition.object_id == key)
                .order_by(Transition.id)
            )
            return [name for step, name in rows if step in ("issue", "confirm")]


@pytest.fixture
def variants(client: Any, session: Any, world: Any) -> Variants:
    return Variants(client, session, world)


@pytest.fixture
def higher_too(session: Any) -> Any:
    """The module is on for universities as well."""
    with system():
        session.execute(
            update(Parameter)
            .where(Parameter.key == "module_categories")
            .values(value="primary_secondary,higher")
        )
        catalogue.touch(session)
        session.commit()
    catalogue.forget()


class TestVariants:
    def test_within_one_district_the_same_authority_decides_twice(
        self, variants: Variants, world: Any
    ) -> None:
        unit = world.units["A"].name
        assert variants.go(variants.known("A2"), variants.known("A1")) == [unit, unit]

    @pytest.mark.usefixtures("higher_too")
    @pytest.mark.parametrize(("start", "to", "decide"), [
        ("U", "A1", ["A", "city"]), ("A1", "U", ["city", "A"]),
    ])  # fmt: skip
    def test_between_a_university_and_a_district_school_the_receiving_side_comes_first(
        self, variants: Variants, world: Any, start: str, to: str, decide: list[str]
    ) -> None:
        wanted = [world.units[key].name for key in decide]
        assert variants.go(variants.known(start), variants.known(to)) == wanted

    def test_while_its_module_is_off_a_university_takes_no_part(self, variants: Variants) -> None:
        university, school = variants.known("U"), variants.known("A1")
        file = variants.file_at(university)
        asked = {"id_no": variants.number_of(file), "name": file.name}
        variants.session.commit()
        assert problems(Caller(variants.client, school.info).post("/transfer/", asked)) == [
            "module_off"
        ]
        assert problems(Caller(variants.client, university.info).post("/transfer/", asked)) == [
            "module_off"
        ]

    @pytest.mark.usefixtures("higher_too")
    def test_between_two_universities_the_city_decides_twice(
        self, variants: Variants, world: Any
    ) -> None:
        other = variants.under(variants.city(), "city_info", category="higher")
        city = world.units["city"].name
        assert variants.go(variants.known("U"), other) == [city, city]

    def test_the_city_decides_for_a_unit_of_its_own(self, variants: Variants, world: Any) -> None:
        unit = variants.under(variants.city(), "city_info")
        wanted = [world.units["city"].name, world.units["B"].name]
        assert variants.go(variants.known("B1"), unit) == wanted

    def test_the_stored_authority_decides_and_not_the_address(
        self, variants: Variants, world: Any
    ) -> None:
        separate = variants.separate()
        assert variants.go(separate, variants.known("A1")) == [
            world.units["A"].name, "测试开发区",
        ]  # fmt: skip
