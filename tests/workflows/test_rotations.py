"""Rotations without change of personnel relation, beyond their table: opening, guards, effects, the
nights, and what the host reads."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.access.actor import SYSTEM_ACTOR, acting_as, system
from app.core import clock
from app.core.clock import today
from app.core.errors import Forbidden, Malformed, NotFound, Refused, Stale
from app.indicators import catalog
from app.indicators.periods import month_of
from app.jobs.rotation import end_rotations, remind_rotations, start_rotations
from app.models.history import Transition
from app.models.notice import Notice
from app.models.parameter import Parameter
from app.models.record import TEACHER_SETS
from app.models.rotation import Rotation
from app.models.teacher import Affiliation, FileVersion, OpenProcess, Teacher
from app.models.unit import Unit
from app.services import contents, guest
from app.services import rotation as rotations
from app.services.integrity import find_faults
from tests.processes import make_process
from tests.rotations import make_rotation, month, take_rotation
from tests.workflows.tables import checksum

INFO, HEAD, DISTRICT = "school_info_A1", "school_head_A1", "district_info_A"
HOST = "B1"


class Desk:
    """Rotations of the effective files of school A1."""

    def __init__(self, session: Any, world: Any) -> None:
        self.session, self.world = session, world

    def ref(self, state: str = "effective", number: int = 1) -> Any:
        return self.world.teacher("A1", state, number)

    def make(self, state: str = "active", **more: Any) -> Any:
        return make_rotation(self.session, self.world, more.pop("ref", self.ref()), state, **more)

    def create(self, who: str = INFO, ref: Any = None, **raw: Any) -> Rotation:
        actor = self.world.actors[who]
        given = {"to_school": self.world.units[HOST].id, "type": "1", "direction": "3",
                 "start": month(-1), "planned_end": month(6)} | raw  # fmt: skip
        with system():
            teacher = self.session.get_one(Teacher, (ref or self.ref()).id)
        with acting_as(actor):
            return rotations.create(self.session, actor, teacher, given, catalog=self.world.catalog)

    def take(self, item: Any, step: str, who: str, **inputs: Any) -> Any:
        return take_rotation(
            self.session, self.world, item.id, step, self.world.actors[who], **inputs
        )

    def refused(self, item: Any, step: str, who: str, **inputs: Any) -> list[str]:
        """The fields that stand in the way; nothing has changed."""
        self.session.flush()
        before = checksum(self.session)
        with pytest.raises(Refused) as caught:
            self.take(item, step, who, **inputs)
        self.session.expire_all()
        assert checksum(self.session) == before
        return [each.field or each.code for each in caught.value.problems]

    def look(self, ref: Any = None) -> tuple[str, list[tuple[Any, ...]], list[dict[str, Any]]]:
        """Status, open places (kind, school, status) and rotation records of a file."""
        with system():
            self.session.expire_all()
            teacher = self.session.get_one(Teacher, (ref or self.ref()).id)
            places = self.session.execute(
                select(Affiliation.kind, Affiliation.school_id, Affiliation.status)
                .where(
                    Affiliation.teacher_id == teacher.id,
                    Affiliation.valid_from.is_not(None),
                    Affiliation.valid_to.is_(None),
                )
                .order_by(Affiliation.kind.desc())
            )
            rows = contents.records(self.session, teacher, "rotation")
            return teacher.staff_status, [tuple(row) for row in places], [r.values() for r in rows]

    def at_home(self) -> list[tuple[Any, ...]]:
        return [("personnel", self.world.units["A1"].id, "100")]

    def away(self) -> list[tuple[Any, ...]]:
        home, host = self.world.units["A1"].id, self.world.units[HOST].id
        return [("personnel", home, "205"), ("guest", host, "101")]

    def row(self, item: Any) -> Rotation:
        with system():
            return self.session.get_one(Rotation, item.id, populate_existing=True)

    def told(self, event: str) -> set[int]:
        with system():
            found = select(Notice.account_id).where(Notice.event == event)
            return set(self.session.scalars(found))

    def accounts(self, *keys: str) -> set[int]:
        return {self.world.actors[key].account_id for key in keys}

    def night(self, job: Any) -> None:
        """Run a nightly job as the worker would."""
        with system():
            self.session.flush()
            own = SimpleNamespace(id=1, name="night")
            ctx = SimpleNamespace(session=self.session, done=0, job=own, actor=SYSTEM_ACTOR)
            ctx.step = lambda done: setattr(ctx, "done", done)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(self.session, "commit", self.session.flush)
                job(ctx)
            self.session.expire_all()

    def set(self, key: str, value: str) -> None:
        """Give a parameter another value."""
        with system():
            self.session.execute(update(Parameter).where(Parameter.key == key).values(value=value))
        catalog.forget()


@pytest.fixture
def desk(session: Any, world: Any) -> Desk:
    return Desk(session, world)


class TestOpening:
    def test_the_school_that_sends_drafts_it_and_takes_the_place(self, desk: Desk) -> None:
        item = desk.create()

        assert (item.state, item.to_school_id, item.to_text) == (
            "draft", desk.world.units[HOST].id, None,
        )  # fmt: skip
        assert item.to_authority_id == desk.world.units["B"].id
        with system():
            place = desk.session.get_one(OpenProcess, item.teacher_id)
        assert (place.kind, place.process_id) == ("rotation", item.id)
        with pytest.raises(Refused):
            desk.create()

    @pytest.mark.parametrize("who", [HEAD, DISTRICT, "city_info", "city_assistant"])
    def test_nobody_else_drafts_one(self, desk: Desk, who: str) -> None:
        with pytest.raises(Forbidden):
            desk.create(who)

    @pytest.mark.parametrize("status", ["204", "301"])
    def test_only_of_a_teacher_on_duty(self, desk: Desk, status: str) -> None:
        with system():
            desk.session.get_one(Teacher, desk.ref().id).staff_status = status
            desk.session.flush()

        with pytest.raises(Refused) as caught:
            desk.create()
        assert [each.field for each in caught.value.problems] == ["staff_status"]

    def test_not_while_the_file_is_under_review(self, desk: Desk) -> None:
        with pytest.raises(Refused):
            desk.create(ref=desk.ref("draft"))

    @pytest.mark.parametrize("category", [None, "vocational"])
    def test_only_where_the_module_is_on(self, desk: Desk, category: str | None) -> None:
        with system():
            school = desk.session.get_one(Unit, desk.world.units["A1"].id)
            if category:
                school.category = category
            else:
                school.first_effective = False
            desk.session.flush()

        with pytest.raises(Refused) as caught:
            desk.create()
        assert "module_off" in [each.code for each in caught.value.problems]

    @pytest.mark.parametrize(
        ("raw", "fields"),
        [
            ({"planned_end": month(-2)}, ["end"]),
            ({"start": "2026-13"}, ["start"]),
            ({"type": "77"}, ["type"]),
            ({"to_school": 0}, ["to_school"]),
        ],
    )
    def test_what_does_not_fit_is_refused_with_its_field(
        self, desk: Desk, raw: Any, fields: list[str]
    ) -> None:
        with pytest.raises(Refused) as caught:
            desk.create(**raw)
        assert [each.field for each in caught.value.problems] == fields

    def test_nobody_rotates_to_the_own_school(self, desk: Desk) -> None:
        own = desk.world.units["A1"]
        with pytest.raises(Refused):
            desk.create(to_school=own.id)
        with pytest.raises(Refused):
            desk.create(to_school=None, to_text=own.name)

    def test_periods_do_not_overlap(self, desk: Desk) -> None:
        """Whatever stands in the file: it is confirmed, and may lie in the future."""
        desk.make(start=2, end=5)
        with pytest.raises(Refused) as caught:
            desk.create(start=month(4), planned_end=month(9))
        assert [each.code for each in caught.value.problems] == ["DQ064"]

        assert desk.create(start=month(5), planned_end=month(9)).state == "draft"

    def test_what_is_not_said_of_a_rotation_is_refused(self, desk: Desk) -> None:
        with pytest.raises(Malformed):
            desk.create(transfer_personnel=True)

    def test_a_draft_is_edited_and_discarded(self, desk: Desk) -> None:
        item, actor = desk.create(), desk.world.actors[INFO]
        with acting_as(actor):
            rotations.edit(
                desk.session, actor, item, {"to_text": "天津一校"}, version=1,
                catalog=desk.world.catalog, document_no="京教〔2026〕1号",
            )  # fmt: skip
            assert (item.to_school_id, item.to_authority_id, item.to_text, item.version) == (
                None, None, "天津一校", 2,
            )  # fmt: skip
            with pytest.raises(Stale):
                rotations.discard(desk.session, actor, item, version=1)
            rotations.discard(desk.session, actor, item, version=2)

        with system():
            assert desk.session.get(OpenProcess, item.teacher_id) is None

    def test_what_is_submitted_is_no_draft_any_more(self, desk: Desk) -> None:
        ref, actor = desk.make("pending_out_authority"), desk.world.actors[INFO]
        item = desk.row(ref)
        with acting_as(actor), pytest.raises(Stale):
            rotations.discard(desk.session, actor, item, version=None)

    def test_only_a_complete_one_is_submitted(self, desk: Desk) -> None:
        item = desk.create(type="", direction=None, to_school=None, start="", planned_end="")

        assert desk.refused(item, "submit", INFO) == [
            "type", "direction", "start", "planned_end", "to_school",
        ]  # fmt: skip


class TestConfirming:
    def test_who_has_begun_is_away_and_a_guest_at_once(self, desk: Desk) -> None:
        item = desk.make("pending_out_authority", ref=desk.ref("reported"))
        assert desk.look(desk.ref("reported"))[0] == "100"

        desk.take(item, "confirm", DISTRICT)

        status, places, (record,) = desk.look(desk.ref("reported"))
        assert (status, places) == ("205", desk.away())
        world = desk.world
        assert record | {"is_full_rotation": None} == {
            "type": "1", "transfer_personnel": False, "start": month(-2), "end": month(6),
            "from_org": world.units["A1"].name, "to_org": world.units[HOST].name,
            "direction": "3", "is_full_rotation": None,
        }  # fmt: skip
        with system():
            teacher = desk.session.get_one(Teacher, item.teacher_id)
            assert teacher.state == "city_accepted"  # Opened again for the next batch (1.13).
            assert desk.session.get(OpenProcess, item.teacher_id) is None
            cause = select(FileVersion.cause).where(
                FileVersion.teacher_id == teacher.id, FileVersion.number == teacher.file_version
            )
            assert desk.session.scalar(cause) == "rotation"
            assert find_faults(desk.session, world.catalog) == []

    def test_the_receiving_side_is_told_and_asked_nothing(self, desk: Desk) -> None:
        item = desk.make("pending_out_authority")
        desk.take(item, "confirm", DISTRICT)

        assert desk.told("guest_coming") == desk.accounts(
            "school_info_B1", "school_head_B1", "district_info_B"
        )
        assert desk.told("rotation_confirmed") == desk.accounts(INFO)
        with system():
            named = select(Notice.teacher_id).where(Notice.event == "guest_coming")
            assert set(desk.session.scalars(named)) == {None}

    def test_a_host_outside_the_register_has_no_guests(self, desk: Desk) -> None:
        item = desk.create(to_school=None, to_text="天津一校")
        desk.take(item, "submit", INFO)
        desk.take(item, "confirm", DISTRICT)

        status, places, (record,) = desk.look()
        assert (status, len(places), record["to_org"]) == ("205", 1, "天津一校")

    def test_nobody_confirms_what_they_entered(self, desk: Desk) -> None:
        item = desk.make("pending_out_authority")
        with system():
            last = select(Transition).where(Transition.flow == "rotation")
            values = {c.name: getattr(desk.session.scalars(last).first(), c.name)
                      for c in Transition.__table__.columns}  # fmt: skip
            own = {"id": None, "step": "edit",
                   "account_id": desk.world.actors[DISTRICT].account_id}  # fmt: skip
            desk.session.add(Transition(**(values | own)))
            desk.session.flush()

        assert desk.refused(item, "confirm", DISTRICT) == ["own_work"]

    def test_the_teacher_still_serves(self, desk: Desk) -> None:
        item = desk.make("pending_out_authority")
        with system():
            desk.session.get_one(Teacher, item.teacher_id).staff_status = "204"
            desk.session.flush()

        assert desk.refused(item, "confirm", DISTRICT) == ["staff_status"]


class TestNights:
    def test_what_is_confirmed_for_later_begins_in_its_month_and_once(self, desk: Desk) -> None:
        item = desk.make(start=1)
        assert desk.look()[:2] == ("100", desk.at_home())
        desk.night(start_rotations)
        assert desk.look()[:2] == ("100", desk.at_home())

        with clock.frozen(date.fromisoformat(f"{month(1)}-01")):
            desk.night(start_rotations)
            begun = desk.row(item).started_at
            assert desk.look()[:2] == ("205", desk.away())
            before = checksum(desk.session, leave_out=("audit",))
            desk.night(start_rotations)
            assert checksum(desk.session, leave_out=("audit",)) == before
        assert begun is not None

    def test_it_does_not_begin_while_the_person_is_away_by_another(self, desk: Desk) -> None:
        desk.make(start=1, end=2)
        later = desk.make(start=2, end=8)
        with clock.frozen(date.fromisoformat(f"{month(1)}-01")):
            desk.night(start_rotations)
        with clock.frozen(date.fromisoformat(f"{month(2)}-01")):
            desk.night(start_rotations)
            assert desk.row(later).started_at is None

    def test_it_ends_by_itself_only_where_the_parameter_says_so(self, desk: Desk) -> None:
        item, end = desk.make(start=-2, end=1), month(1)
        with clock.frozen(date.fromisoformat(f"{month(2)}-01")):
            desk.night(end_rotations)
            assert desk.row(item).state == "active"
            desk.set("rotation_auto_end", "1")
            desk.night(end_rotations)
            row = desk.row(item)
            assert (row.state, month_of(row.ended_on)) == ("ended", end)
        assert desk.look()[:2] == ("100", desk.at_home())

    def test_the_school_is_reminded_before_the_end_and_once_after_it(self, desk: Desk) -> None:
        item = desk.make(start=-2, end=3)
        last = date.fromisoformat(f"{month(4)}-01") - timedelta(days=1)
        counts = []
        for ahead in (31, 30, 29, 0, -1, -2):
            with clock.frozen(last - timedelta(days=ahead)):
                desk.night(remind_rotations)
            with system():
                told = select(func.count()).where(Notice.event == "rotation_ending")
                counts.append(desk.session.scalar(told))

        assert counts == [0, 1, 1, 1, 2, 2]
        assert desk.told("rotation_ending") == desk.accounts(INFO)
        assert desk.row(item).state == "active"


class TestEnding:
    @pytest.mark.parametrize("step", ["end", "terminate"])
    def test_back_on_duty_no_guest_and_the_record_says_when(self, desk: Desk, step: str) -> None:
        item = desk.make()
        reason = {"reason": "工作需要"} if step == "terminate" else {}

        desk.take(item, step, INFO, **reason)

        status, places, (record,) = desk.look()
        assert (status, places, record["end"]) == ("100", desk.at_home(), month(0))
        with system():
            closed = desk.session.scalars(
                select(Affiliation).where(
                    Affiliation.teacher_id == item.teacher_id, Affiliation.kind == "guest",
                    Affiliation.to_month.is_not(None),
                )
            ).one()  # fmt: skip
            assert (closed.from_month, closed.to_month) == (month(-2), month(0))
            assert find_faults(desk.session, desk.world.catalog) == []

    def test_a_past_last_day_is_kept_and_impossible_ones_are_refused(self, desk: Desk) -> None:
        item = desk.make()
        early, late = f"{month(-3)}-28", (today() + timedelta(days=1)).isoformat()
        for day in (early, late, "20260101x", "2026-02-30"):
            assert desk.refused(item, "end", INFO, ended_on=day) == ["ended_on"]

        desk.take(item, "end", INFO, ended_on=f"{month(-1)}-15")

        assert desk.look()[2][0]["end"] == month(-1)
        assert desk.row(item).ended_on == date.fromisoformat(f"{month(-1)}-15")

    def test_what_never_began_is_terminated_and_leaves_no_record(self, desk: Desk) -> None:
        item = desk.make(start=1)
        assert desk.refused(item, "end", INFO)[:1] == ["start"]

        desk.take(item, "terminate", INFO, reason="不再需要")

        assert desk.look() == ("100", desk.at_home(), [])

    def test_not_while_a_change_of_its_record_is_open(self, desk: Desk) -> None:
        item = desk.make()
        make_process(
            desk.session, desk.world, desk.ref(), "change", "pending_authority",
            set_code="rotation", values={"direction": "1"},
        )  # fmt: skip

        assert desk.refused(item, "end", INFO) == ["open_process"]


class TestExtending:
    def test_the_authority_confirms_a_later_end(self, desk: Desk) -> None:
        item = desk.make()
        desk.take(item, "extend", INFO, until=month(9))
        assert (desk.row(item).planned_end, desk.look()[2][0]["end"]) == (month(6), month(6))

        desk.take(item, "confirm_extension", DISTRICT)

        row = desk.row(item)
        assert (row.state, row.planned_end, row.asked_end) == ("active", month(9), None)
        assert desk.look() == ("205", desk.away(), [desk.look()[2][0] | {"end": month(9)}])
        assert desk.told("rotation_extended") == desk.accounts(
            INFO, "school_info_B1", "school_head_B1"
        )

    def test_a_rejected_one_changes_nothing(self, desk: Desk) -> None:
        item = desk.make(asked=9)
        desk.take(item, "reject_extension", DISTRICT, reason="不符")

        row = desk.row(item)
        assert (row.state, row.planned_end, row.asked_end) == ("active", month(6), None)
        assert desk.refused(item, "confirm_extension", DISTRICT) == ["asked_end"]

    @pytest.mark.parametrize("until", [month(6), month(5), "2026", ""])
    def test_only_a_later_month_is_asked_for(self, desk: Desk, until: str) -> None:
        assert desk.refused(desk.make(), "extend", INFO, until=until) == ["until"]

    def test_it_does_not_reach_into_the_next_rotation(self, desk: Desk) -> None:
        first = desk.make(start=1, end=3)
        desk.make(start=5, end=8)

        assert desk.refused(first, "extend", INFO, until=month(6)) == ["start"]


class TestGuests:
    """Three sets for the host's information administrator and head, while it lasts."""

    HOSTS = ("school_info_B1", "school_head_B1")

    @pytest.mark.parametrize("who", HOSTS)
    def test_the_host_reads_three_sets_while_it_lasts(self, desk: Desk, who: str) -> None:
        item, actor = desk.make(), desk.world.actors[who]

        with acting_as(actor):
            (found,) = guest.guests(desk.session)
            assert (found.teacher.id, found.rotation.id) == (item.teacher_id, item.id)
            assert found.school == desk.world.units["A1"].name
            for code in ("basic", "teaching", "contact"):
                assert guest.rows(desk.session, actor, found, code), code
            for code in set(TEACHER_SETS) - {"basic", "teaching", "contact"}:
                with pytest.raises(NotFound):
                    guest.rows(desk.session, actor, found, code)

    def test_nobody_else_has_guests(self, desk: Desk) -> None:
        item = desk.make()
        for who, actor in desk.world.actors.items():
            if who in self.HOSTS:
                continue
            with acting_as(actor), pytest.raises(NotFound):
                guest.find(desk.session, item.teacher_id)

    def test_neither_before_the_start_nor_after_the_end(self, desk: Desk) -> None:
        actor = desk.world.actors["school_info_B1"]
        before = desk.make(start=1)
        after = desk.make("ended", ref=desk.ref(number=2))
        pending = desk.make("pending_out_authority", ref=desk.ref("city_accepted"))

        with acting_as(actor):
            assert guest.guests(desk.session) == []
            for each in (before, after, pending):
                with pytest.raises(NotFound):
                    guest.find(desk.session, each.teacher_id)

    def test_a_guest_is_in_no_other_statement_of_the_host(self, desk: Desk) -> None:
        """The host's staff, and whatever else it reads, stay what they were."""
        actor = desk.world.actors["school_info_B1"]
        counts = select(func.count()).select_from(Teacher)
        with acting_as(actor):
            before = desk.session.scalar(counts)
        item = desk.make()

        with acting_as(actor):
            assert desk.session.scalar(counts) == before
            for cls in (Teacher, Rotation, *TEACHER_SETS.values()):
                mine = cls.id if cls is Teacher else cls.teacher_id
                assert not desk.session.scalars(select(cls).where(mine == item.teacher_id)).all()

    def test_what_is_not_marked_for_guests_stays_hidden_with_the_mark(self, desk: Desk) -> None:
        item, actor = desk.make(), desk.world.actors["school_info_B1"]
        other = desk.make("draft", ref=desk.ref(number=2))
        options = {"guests": True}
        hidden = [
            TEACHER_SETS[c] for c in TEACHER_SETS if c not in ("basic", "teaching", "contact")
        ]
        with acting_as(actor):
            for cls in (*hidden, Affiliation, FileVersion):
                rows = desk.session.scalars(select(cls), execution_options=options).all()
                assert rows == [], cls
            seen = desk.session.scalars(select(Rotation), execution_options=options).all()
        assert [each.id for each in seen] == [item.id] != [other.id]
