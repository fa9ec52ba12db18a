"""Row scope holds for every shape of statement, and without an actor nothing is visible."""

from typing import Any

import pytest
from sqlalchemy import exists, func, literal, select, union, update
from sqlalchemy.orm import aliased, joinedload

from app.access.actor import acting_as, system
from app.access.scope import may_write, scoped_get
from app.core.errors import NotFound
from app.models.record import SETS, TEACHER_SETS
from app.models.teacher import Affiliation, FileProblem, Teacher
from app.models.unit import Unit

BASIC = TEACHER_SETS["basic"]
ROLES = ("school_info_A1", "school_head_A2", "district_info_A", "district_info_B", "teacher_A1")


def count_in(world: Any, key: str) -> int:
    """How many files an actor may see, counted from the world and not by the scope."""
    everything = len(world.teachers)
    return everything - len(world.foreign_to(world.actors[key]))


def shapes() -> dict[str, Any]:
    """Statements that count files, each written in another way."""
    other = aliased(Teacher)
    inner = select(Teacher.id).subquery()
    named = select(Teacher.id).cte("named")
    return {
        "rows": select(func.count(Teacher.id)),
        "from": select(func.count()).select_from(Teacher),
        "subquery": select(func.count()).select_from(inner),
        "cte": select(func.count()).select_from(named),
        "alias": select(func.count(other.id)),
        "in": select(func.count(Unit.id.distinct())).where(Unit.id.in_(select(Teacher.school_id))),
        "exists": select(func.count(BASIC.id)).where(
            exists().where(Teacher.id == BASIC.teacher_id)
        ),
        "scalar": select(select(func.count(Teacher.id)).scalar_subquery()),
        "join": select(func.count(Teacher.id)).join(BASIC, BASIC.teacher_id == Teacher.id),
        "union": select(func.count()).select_from(
            union(select(Teacher.id), select(Teacher.id)).subquery()
        ),
    }


@pytest.mark.parametrize("key", ROLES)
@pytest.mark.parametrize("shape", [name for name in shapes() if name != "in"])
def test_every_shape_of_a_count_is_scoped(session: Any, world: Any, key: str, shape: str) -> None:
    with acting_as(world.actors[key]):
        found = session.scalar(shapes()[shape])

    assert found == count_in(world, key)


@pytest.mark.parametrize("key", ROLES)
def test_a_subquery_in_a_condition_is_scoped(session: Any, world: Any, key: str) -> None:
    with acting_as(world.actors[key]):
        found = session.scalar(shapes()["in"])

    actor = world.actors[key]
    mine = [t for t in world.teachers.values() if t not in world.foreign_to(actor)]
    assert found == len({t.school_id for t in mine})


@pytest.mark.parametrize("cls", [*TEACHER_SETS.values(), Affiliation, FileProblem])
@pytest.mark.parametrize("key", ROLES)
def test_rows_of_foreign_files_are_invisible(session: Any, world: Any, key: str, cls: Any) -> None:
    foreign = {each.id for each in world.foreign_to(world.actors[key])}
    with acting_as(world.actors[key]):
        seen = set(session.scalars(select(cls.teacher_id)))

    assert not seen & foreign


def test_lazy_and_joined_loads_are_scoped(session: Any, world: Any) -> None:
    with acting_as(world.actors["school_info_A1"]):
        rows = session.scalars(select(Teacher).options(joinedload(Teacher.school))).all()

    assert {row.school.id for row in rows} == {world.units["A1"].id}


def test_without_an_actor_nothing_is_visible(session: Any) -> None:
    for cls in (Teacher, BASIC, Unit, FileProblem):
        assert session.scalar(select(func.count()).select_from(cls)) == 0


def test_the_system_sees_everything(session: Any, world: Any) -> None:
    with system():
        assert session.scalar(select(func.count(Teacher.id))) == len(world.teachers)


def test_a_bulk_update_stays_inside_the_scope(session: Any, world: Any) -> None:
    with acting_as(world.actors["school_info_A1"]):
        result = session.execute(update(Teacher).values(late=True))

    assert result.rowcount == len(world.of("A1"))


def test_foreign_and_absent_are_not_found(session: Any, world: Any) -> None:
    foreign = world.teacher("B1", "draft").id
    with acting_as(world.actors["district_info_A"]):
        for key in (foreign, 99_999_999):
            with pytest.raises(NotFound):
                scoped_get(session, Teacher, key)


def test_a_flush_outside_the_scope_is_refused(session: Any, world: Any) -> None:
    mine = world.teacher("A1", "draft").id
    with acting_as(world.actors["school_info_A1"]):
        teacher = scoped_get(session, Teacher, mine)
        teacher.school_id = world.units["B1"].id

        with pytest.raises(NotFound):
            session.flush()


def test_a_new_row_of_a_foreign_file_is_refused(session: Any, world: Any) -> None:
    foreign = world.teacher("B1", "draft")
    row = BASIC(
        teacher_id=foreign.id, school_id=foreign.school_id, authority_id=foreign.authority_id
    )

    with acting_as(world.actors["school_info_A1"]):
        session.add(row)
        with pytest.raises(NotFound):
            session.flush()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("city_info", True),
        ("district_info_A", True),
        ("district_info_B", False),
        ("school_info_A1", True),
        ("school_info_A2", False),
        ("city_system", False),
        ("city_audit", False),
    ],
)
def test_who_may_write_a_row_of_a_school(world: Any, key: str, expected: bool) -> None:
    file = world.teacher("A1", "draft")
    row = Teacher(id=file.id, school_id=file.school_id, authority_id=file.authority_id)

    assert may_write(world.actors[key], row) is expected


def test_a_university_is_invisible_to_the_district_it_lies_in(session: Any, world: Any) -> None:
    for key in ("district_info_A", "district_info_B"):
        with acting_as(world.actors[key]):
            seen = set(session.scalars(select(Teacher.school_id)))
            units = set(session.scalars(select(Unit.id)))
        assert world.units["U"].id not in seen | units
    with acting_as(world.actors["city_info"]):
        assert world.units["U"].id in set(session.scalars(select(Teacher.school_id)))


def test_predicates_are_bound_anew_for_each_actor(session: Any, world: Any) -> None:
    statement = select(func.count(Teacher.id), literal(1))
    found = []
    for key in ("school_info_A1", "district_info_A", "school_info_A1", "city_info"):
        with acting_as(world.actors[key]):
            found.append(session.execute(statement).one()[0])

    assert found == [
        count_in(world, key)
        for key in ("school_info_A1", "district_info_A", "school_info_A1", "city_info")
    ]


def test_particulars_of_foreign_units_are_invisible(session: Any, world: Any) -> None:
    cls = SETS["school_basic"]
    with acting_as(world.actors["district_info_A"]):
        seen = set(session.scalars(select(cls.unit_id)))

    assert seen == {world.units["A1"].id, world.units["A2"].id}


@pytest.mark.parametrize(
    "statement",
    [
        select(func.count().filter(Teacher.staff_status == "100")),
        select(Teacher.__table__.c.id),
        select(func.count()).select_from(select(BASIC.__table__.c.id).subquery()),
        union(select(Teacher.__table__.c.id), select(literal(1))),
    ],
    ids=["function", "table", "subquery", "union"],
)
def test_a_statement_that_would_get_no_scope_is_refused(
    session: Any, world: Any, statement: Any
) -> None:
    with acting_as(world.actors["school_info_A1"]), pytest.raises(TypeError, match="scope"):
        session.execute(statement)
    with system():
        session.execute(statement)
