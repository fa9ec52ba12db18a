"""The particulars of a unit: who writes them, what is refused, what stays of the former ones."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.core.clock import now
from app.core.errors import Forbidden, NotFound, Refused, Stale
from app.indicators.catalog import catalog
from app.models.history import Audit
from app.models.record import SETS
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services.unit import PARTICULARS, is_run_by_others, particulars, save_particulars
from tests.factories import make_account, make_unit

ROWS = SETS[PARTICULARS]
SEVEN = (
    "name", "address", "district", "school_type", "urban_rural", "sponsor_name", "sponsor_type",
)  # fmt: skip


def save(session: Any, world: Any, raw: Any, key: str = "school_info_A1", **more: Any) -> Any:
    actor = world.actors[key]
    with acting_as(actor):
        unit = session.get(Unit, more.pop("unit", None) or actor.unit_id)
        return save_particulars(session, actor, unit, raw, catalog=catalog(session), **more)


def refusals(session: Any, world: Any, raw: Any, **more: Any) -> dict[str, str]:
    with pytest.raises(Refused) as caught:
        save(session, world, raw, **more)
    return {problem.field: problem.code for problem in caught.value.problems}


def rows_of(session: Any, world: Any, key: str = "A1") -> list[Any]:
    with system():
        statement = select(ROWS).where(ROWS.unit_id == world.units[key].id).order_by(ROWS.id)
        return list(session.scalars(statement))


def test_a_change_closes_the_row_in_force_and_adds_another(session: Any, world: Any) -> None:
    before = rows_of(session, world)[0]
    since = now()

    save(session, world, {"address": "新址路1号", "urban_rural": "112"})

    old, new = rows_of(session, world)
    assert (old.id, old.address) == (before.id, "测试路2号")
    assert old.valid_to == new.valid_from >= since
    assert (new.address, new.uuid, new.valid_to) == ("新址路1号", old.uuid, None)
    with system():
        unit = session.get(Unit, world.units["A1"].id)
        assert particulars(session, unit, since - timedelta(hours=1)).address == "测试路2号"
        assert particulars(session, unit).address == "新址路1号"


def test_what_lists_read_follows_the_particulars(session: Any, world: Any) -> None:
    raw = {"name": "测试新名小学", "school_type": "218", "urban_rural": "121",
           "sponsor_type": "999"}  # fmt: skip
    save(session, world, raw)

    with system():
        unit = session.get(Unit, world.units["A1"].id)
    assert (unit.name, unit.type_code, unit.urban_rural) == ("测试新名小学", "218", "121")
    assert (unit.sponsor_type, unit.category) == ("999", "primary_secondary")


def test_the_files_of_the_unit_are_checked_again_when_a_rule_may_read_something_else(
    session: Any, world: Any
) -> None:
    def unchecked(school: str) -> int:
        with system():
            statement = select(func.count()).where(
                Teacher.school_id == world.units[school].id, Teacher.checked_on.is_(None)
            )
            return int(session.scalar(statement))

    before = unchecked("A2")
    save(session, world, {"address": "新址路1号"})
    assert unchecked("A1") == before

    save(session, world, {"urban_rural": "121"})
    files = [each for each in world.teachers.values() if each.school == "A1"]
    assert (unchecked("A1"), unchecked("A2")) == (len(files), before)


def test_saving_the_same_again_writes_nothing(session: Any, world: Any) -> None:
    record = save(session, world, {"address": "新址路1号"})
    again = save(session, world, {"address": "新址路1号"}, based_on=record.id)

    assert again.id == record.id
    assert len(rows_of(session, world)) == 2


@pytest.mark.parametrize("code", SEVEN)
def test_each_of_the_seven_particulars_is_required(session: Any, world: Any, code: str) -> None:
    assert refusals(session, world, {code: " "}) == {code: "required"}
    assert len(rows_of(session, world)) == 1


def test_a_first_entry_needs_everything_and_takes_the_rest_from_the_register(
    session: Any, world: Any
) -> None:
    with system():
        above = session.get(Unit, world.units["A"].id)
        school = make_unit(
            session, kind="school", authority=above, category="primary_secondary", type_code="211"
        )
        actor = make_account(session, role="school_info", unit=school)
    whole = {"name": "测试第一小学", "address": "测试路3号", "district": above.code,
             "school_type": "211", "urban_rural": "111", "sponsor_name": "测试教委",
             "sponsor_type": "831", "head_name": "测试校长", "admin_name": "测试管理员",
             "admin_phone": "010-12345678"}  # fmt: skip
    known = catalog(session)

    with acting_as(actor):
        with pytest.raises(Refused) as caught:
            save_particulars(session, actor, school, {"name": "测试第一小学"}, catalog=known)
        assert {each.field for each in caught.value.problems} >= set(SEVEN) - {"name"}
        record = save_particulars(session, actor, school, whole, catalog=known, based_on=0)

    assert (record.school_code, record.authority) == (school.code, above.code)
    assert (record.status, school.urban_rural) == ("正常", "111")


def test_the_rules_about_units_are_asked(session: Any, world: Any) -> None:
    # A school of one district cannot lie in another (DQ070); the type must be of the list (DQ069).
    assert refusals(session, world, {"district": "110105"}) == {"authority": "DQ070"}
    assert refusals(session, world, {"school_type": "219"}) == {"school_type": "DQ069"}


def test_a_type_of_another_category_is_not_the_schools_to_choose(session: Any, world: Any) -> None:
    assert refusals(session, world, {"school_type": "111"}) == {"school_type": "category"}


def test_what_the_register_says_is_not_typed(session: Any, world: Any) -> None:
    for code in ("authority", "school_code"):
        with pytest.raises(Forbidden) as caught:
            save(session, world, {"address": "新址路1号", code: "110105"})
        assert [each.field for each in caught.value.problems] == [code]
    assert len(rows_of(session, world)) == 1


@pytest.mark.parametrize(
    "key", ["school_info_A2", "school_head_A1", "district_info_A", "city_info", "teacher_A1"]
)
def test_nobody_but_the_schools_own_administrator_writes_them(
    session: Any, world: Any, key: str
) -> None:
    with system():
        unit = session.get(Unit, world.units["A1"].id)
    actor = world.actors[key]

    with acting_as(actor), pytest.raises(Forbidden):
        save_particulars(session, actor, unit, {"address": "x"}, catalog=catalog(session))


def test_the_write_guard_refuses_the_row_of_another_unit(session: Any, world: Any) -> None:
    row = rows_of(session, world, "A2")[0]

    row.valid_to = now()

    with acting_as(world.actors["school_info_A1"]), pytest.raises(NotFound):
        session.flush()


def test_an_authority_has_no_particulars(session: Any, world: Any) -> None:
    with pytest.raises(NotFound):
        save(session, world, {"address": "x"}, unit=world.units["A"].id)


def test_who_saw_a_former_row_is_told(session: Any, world: Any) -> None:
    seen = rows_of(session, world)[0].id
    save(session, world, {"address": "新址路1号"}, based_on=seen)

    with pytest.raises(Stale):
        save(session, world, {"address": "新址路2号"}, based_on=seen)
    with pytest.raises(Stale):
        save(session, world, {"address": "新址路2号"}, based_on=0)


def test_the_audit_log_says_what_was_and_what_is_without_telephone_numbers(
    session: Any, world: Any
) -> None:
    save(session, world, {"address": "新址路1号", "admin_phone": "010-87654321"})

    with system():
        row = session.scalars(select(Audit).order_by(Audit.id.desc())).first()
    assert row.act == "change"
    assert row.detail["changes"]["address"] == ["测试路2号", "新址路1号"]
    assert "87654321" not in str(row.detail)
    assert "admin_phone" in row.detail["changes"]


def test_only_education_authorities_are_told_apart_from_other_sponsors(session: Any) -> None:
    known = catalog(session)
    flagged = {
        code
        for code in known.codes("sponsor_type")
        if is_run_by_others(Unit(sponsor_type=code), known)
    }

    assert flagged == known.codes("sponsor_type").keys() - {"811", "821", "831"}
    assert not is_run_by_others(Unit(sponsor_type=None), known)
