"""Rows come into force in effective files: what ends, what begins, and what follows from it."""

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from app.access.actor import system
from app.core.clock import now, today
from app.core.errors import Refused, Stale
from app.models.record import TEACHER_SETS
from app.models.teacher import FileVersion, NoneAnswer, Teacher
from app.models.unit import Unit
from app.services import contents, search
from app.services.effect import Coming, applied, bring_into_force, copied
from tests.factories import Wanted, make_teacher, make_teachers
from tests.processes import DOCTORATE
from tests.services.test_file import id_number
from tests.variety import kept_catalogue


class Desk:
    """Files, pending rows and their coming into force, as the system."""

    def __init__(self, session: Any, world: Any) -> None:
        self.session, self.known, self.world = session, world.catalog, world

    def file(self, number: int = 1) -> Teacher:
        """An effective file, held anew."""
        key = self.world.teacher("A1", "effective", number).id
        return self.session.get_one(Teacher, key, populate_existing=True)

    def row(self, file: Teacher, set_code: str) -> Any:
        """The first row in force of a set."""
        return contents.records(self.session, file, set_code)[0]

    def pending(self, file: Teacher, set_code: str, before: Any = None, **values: Any) -> Any:
        """A pending row, with what it is to say otherwise than the one before."""
        cls = TEACHER_SETS[set_code]
        made = cls(
            teacher_id=file.id, school_id=file.school_id, authority_id=file.authority_id,
            state="pending", **({"uuid": before.uuid} if before is not None else {}),
        )  # fmt: skip
        for code, value in {**(before.values() if before is not None else {}), **values}.items():
            made.put(code, value)
        self.session.add(made)
        self.session.flush()
        return made

    def add(self, file: Teacher, set_code: str, **values: Any) -> Coming:
        """A new record that comes into force."""
        return Coming(None, self.pending(file, set_code, **values))

    def change(self, file: Teacher, set_code: str, **values: Any) -> Coming:
        """Values of the first record of a set that come in the place of others."""
        before = self.row(file, set_code)
        return Coming(before, self.pending(file, set_code, before, **values), tuple(values))

    def come(self, coming: Sequence[Coming], *files: Teacher, cause: str = "change") -> Any:
        """Bring rows into force; returns the moment."""
        moment = now()
        with kept_catalogue():
            bring_into_force(
                self.session, files, coming, at=moment, cause=cause, catalog=self.known
            )
        self.session.flush()
        self.session.expire_all()
        return moment


@pytest.fixture
def desk(session: Any, world: Any) -> Any:
    with system():
        yield Desk(session, world)


def history(desk: Desk, file: Teacher, set_code: str) -> list[Any]:
    cls = TEACHER_SETS[set_code]
    mine = select(cls).where(cls.teacher_id == file.id).order_by(cls.id)
    return list(desk.session.scalars(mine))


def test_a_row_that_changes_ends_and_its_successor_begins_at_one_moment(desk: Desk) -> None:
    file = desk.file()
    before = desk.row(file, "contact")
    said = before.values()
    change = desk.change(file, "contact", address="新地址", mobile="13912345678")
    assert desk.row(file, "contact").id == before.id  # Pending rows are not read.

    at = desk.come([change], file)

    old, new = history(desk, file, "contact")
    assert (old.valid_to, new.valid_from, new.valid_to) == (at, at, None)
    assert (old.uuid, new.state) == (new.uuid, "effective")
    assert old.values() == said
    assert new.values() == {**said, "address": "新地址", "mobile": "13912345678"}
    then = contents.records(desk.session, file, "contact", at - timedelta(microseconds=1))
    assert [each.id for each in then] == [old.id]
    assert [each.id for each in contents.records(desk.session, file, "contact", at)] == [new.id]


def test_a_new_row_has_a_place_beside_the_rest_and_the_file_a_new_version(desk: Desk) -> None:
    file = desk.file()
    count, version = len(contents.records(desk.session, file, "learning")), file.version

    at = desk.come([desk.add(file, "learning", **DOCTORATE)], file, cause="addition")

    file = desk.file()
    last = desk.session.scalars(
        select(FileVersion).where(FileVersion.teacher_id == file.id).order_by(FileVersion.number)
    ).all()[-1]
    assert len(contents.records(desk.session, file, "learning")) == count + 1
    assert (last.number, last.at, last.cause) == (2, at, "addition")
    assert (file.file_version, file.version) == (2, version + 1)


def test_what_follows_from_a_record_has_a_version_of_its_own(desk: Desk) -> None:
    file = desk.file()
    basic = desk.row(file, "basic")
    number = basic.value("id_no")
    assert (file.education, basic.highest_education) == ("21", "21")

    at = desk.come([desk.add(file, "learning", **DOCTORATE)], file)

    old, new = history(desk, file, "basic")
    assert (old.valid_to, new.valid_from, old.uuid) == (at, at, new.uuid)
    assert (old.highest_education, new.highest_education) == ("21", "11")
    assert (new.highest_degree, new.highest_degree_org) == ("204", "测试大学")
    assert new.value("id_no") == number  # Sealed values are copied and still open.
    derived = {"highest_education", "highest_education_org", "highest_degree_level",
               "highest_degree", "highest_degree_org"}  # fmt: skip
    assert {k for k, v in new.values().items() if old.value(k) != v} <= derived
    file = desk.file()
    assert (file.education, file.degree_level) == ("11", "2")


def test_nothing_else_moves(desk: Desk) -> None:
    file, other = desk.file(), desk.file(2)
    rows = {code: len(history(desk, each, code)) for each in (file, other) for code in TEACHER_SETS}

    desk.come([desk.change(file, "contact", address="新地址")], file)

    after = {
        code: len(history(desk, each, code)) for each in (file, other) for code in TEACHER_SETS
    }
    assert after == rows
    assert (len(history(desk, file, "contact")), len(history(desk, file, "basic"))) == (2, 1)
    assert desk.file(2).file_version == 1


def test_a_row_that_comes_takes_the_derived_values_with_it(desk: Desk) -> None:
    """One version of the basic set, although it is altered and derived anew at once."""
    file = desk.file()
    coming = [
        desk.change(file, "basic", native_place="110105"),
        desk.add(file, "learning", **DOCTORATE),
    ]

    desk.come(coming, file)

    _old, new = history(desk, file, "basic")
    assert (new.native_place, new.highest_education) == ("110105", "11")


def test_a_removed_record_ends_and_what_followed_from_it_goes(desk: Desk) -> None:
    file = desk.file()
    desk.come([desk.add(file, "learning", **DOCTORATE)], file)
    file = desk.file()
    gone = contents.records(desk.session, file, "learning")[-1]

    at = desk.come([Coming(gone, None)], file)

    file = desk.file()
    assert gone.id not in {each.id for each in contents.records(desk.session, file, "learning")}
    assert (history(desk, file, "learning")[-1].valid_to, file.education) == (at, "21")
    assert len(history(desk, file, "basic")) == 3


def test_derived_values_get_a_row_where_the_set_has_none(desk: Desk) -> None:
    school = desk.session.get_one(Unit, desk.world.units["A1"].id)
    file = make_teacher(desk.session, school=school, state="effective", complete=False)
    assert contents.records(desk.session, file, "bj_ext") == []

    at = desk.come([desk.add(file, "learning", **DOCTORATE)], file)

    (row,) = contents.records(desk.session, file, "bj_ext")
    assert (row.valid_from, row.state, row.school_id) == (at, "effective", file.school_id)
    assert row.teach_years > 0


def test_an_answer_of_none_goes_with_the_first_record(desk: Desk) -> None:
    file = desk.file()
    answers = select(NoneAnswer.set).where(NoneAnswer.teacher_id == file.id)
    assert "overseas" in set(desk.session.scalars(answers))
    kept = set(desk.session.scalars(answers)) - {"overseas"}

    values = {"has_overseas": True, "start_date": today(), "country": "840"}
    desk.come([desk.add(file, "overseas", **values)], file)

    assert set(desk.session.scalars(answers)) == kept


def test_name_and_number_of_the_file_follow_its_basic_set(desk: Desk) -> None:
    file = desk.file()
    teacher_no = file.teacher_no

    desk.come([desk.change(file, "basic", name="新名字", id_no=id_number(211))], file)

    file = desk.file()
    assert (file.name, file.teacher_no) == ("新名字", teacher_no)
    for text in ("新名字", "名字", "xmz", id_number(211)):
        found = desk.session.scalars(select(Teacher.id).where(search.matches(text))).all()
        assert found == [file.id], text


def test_the_number_of_another_file_is_refused(desk: Desk) -> None:
    file, other = desk.file(), desk.world.teacher("B1", "draft")
    change = desk.change(file, "basic", id_no=other.id_no)
    desk.session.begin_nested()  # What is refused here rolls back to it.

    with pytest.raises(Refused) as caught:
        desk.come([change], file)

    assert [each.code for each in caught.value.problems] == ["DQ007"]


def test_a_row_that_somebody_else_has_ended_is_not_ended_again(desk: Desk) -> None:
    file = desk.file()
    change = desk.change(file, "contact", address="新地址")
    cls = TEACHER_SETS["contact"].__table__
    desk.session.execute(cls.update().where(cls.c.id == change.before.id).values(version=9))

    with pytest.raises(Stale):
        desk.come([change], file)


def test_what_does_not_change_is_taken_from_the_row_that_ends(desk: Desk) -> None:
    """Another version of the row has come between the proposal and its coming into force."""
    file = desk.file()
    stale = desk.change(file, "basic", native_place="110105")
    said = copied(stale.before) | {"birth_place": "110108", "version": 1}
    stale.before.valid_to = now()
    desk.session.flush()
    desk.session.add(
        TEACHER_SETS["basic"](**said, state="effective", valid_from=stale.before.valid_to)
    )
    desk.session.flush()
    now_in_force = desk.row(file, "basic")

    coming = Coming(now_in_force, stale.after, stale.fields)
    assert coming.values["birth_place"] == "110108"
    desk.come([coming], file)

    said = desk.row(desk.file(), "basic").values()
    assert said == {**now_in_force.values(), "native_place": "110105"}


@pytest.mark.parametrize("case", ["add", "modify", "remove"])
def test_what_is_foreseen_of_a_file_is_what_it_becomes(desk: Desk, case: str) -> None:
    file = desk.file()
    row = desk.row(file, "learning")
    coming = {
        "add": lambda: desk.add(file, "learning", **DOCTORATE),
        "modify": lambda: desk.change(file, "learning", **DOCTORATE),
        "remove": lambda: Coming(row, None),
    }[case]()
    present = contents.file_data(desk.session, [file], desk.known)[file.id]

    foreseen = applied(present, [coming], desk.known)
    desk.come([coming], file)

    became = contents.file_data(desk.session, [desk.file()], desk.known)[file.id]
    plain = [
        {(code, r.uuid): dict(r.values) for code, rows in each.rows.items() for r in rows}
        for each in (foreseen, became)
    ]
    assert plain[0] == plain[1]
    assert foreseen.none_sets == became.none_sets


@contextmanager
def counted() -> Any:
    """All statements of the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_the_number_of_statements_does_not_grow_with_the_files(desk: Desk) -> None:
    school = desk.session.get_one(Unit, desk.world.units["A1"].id)
    costs = []
    for number in (3, 12):
        files = make_teachers(desk.session, [Wanted(school, "effective") for _n in range(number)])
        coming = []
        for file in files:
            coming.append(desk.change(file, "contact", address="新"))
            coming.append(desk.add(file, "learning", **DOCTORATE))
        with counted() as seen:
            desk.come(coming, *files)
        costs.append(len(seen))

    assert costs[0] == costs[1]
