"""The code tables kept online: names, mapping for the Ministry, own codes, retirement."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.errors import Forbidden, NotFound, Refused, Stale
from app.core.reference import structure
from app.exchange.seed_loader import load_reference
from app.indicators.catalog import Catalog, catalog
from app.indicators.values import codes_for
from app.models.history import Audit
from app.models.indicator import Code
from app.models.record import TEACHER_SETS
from app.models.unit import Unit
from app.services import code as codes
from app.services.report import counterpart
from tests.factories import make_teacher

OWN = {"code": "BJ-xx", "name_zh": "世界语", "name_en": "Esperanto", "report_as": "en"}


def add(session: Any, world: Any, table: str = "language", **values: str) -> Any:
    actor = world.actors["city_info"]
    with acting_as(actor):
        return codes.add_code(session, actor, table, OWN | values, catalog=catalog(session))


def change(session: Any, world: Any, table: str, code: str, **more: Any) -> Any:
    actor, seen = world.actors["city_info"], more.pop("seen", None)
    known = catalog(session)
    with acting_as(actor):
        return codes.change_code(session, actor, table, code, more, catalog=known, seen=seen)


def retire(session: Any, world: Any, table: str, code: str) -> None:
    actor = world.actors["city_info"]
    with acting_as(actor):
        codes.retire_code(session, actor, table, code, catalog=catalog(session))


def refusals(act: Any, *args: Any, **values: Any) -> set[str]:
    with pytest.raises(Refused) as caught:
        act(*args, **values)
    return {problem.field for problem in caught.value.problems}


def rows_of(session: Any, table: str, code: str) -> list[Any]:
    named = select(Code).filter_by(table_name=table, code=code).order_by(Code.id)
    return list(session.scalars(named))


@pytest.mark.parametrize(
    ("table", "code", "sent"),
    [
        ("teaching_stage", "BJ-H", "Z"),
        ("id_doc_type", "BJ-C", "Z"),
        ("id_doc_type", "BJ-D", "Z"),
        ("degree", "BJ-213", "205"),
        ("staff_source", "BJ-50", "99"),
    ],
)
def test_own_codes_with_a_fitting_national_code_are_mapped(
    session: Any, table: str, code: str, sent: str
) -> None:
    known = catalog(session)

    assert counterpart(known.code(table, code)) == sent
    assert sent in {each.code for each in codes.national_codes(known, table)}


def test_every_shipped_mapping_names_a_national_code_of_its_table() -> None:
    known = Catalog.from_reference(structure())

    wrong = [
        (table, each.code)
        for table, found in known.tables.items()
        for each in found.values()
        if each.attrs.get("report_as")
        and each.attrs["report_as"] not in {n.code for n in codes.national_codes(known, table)}
    ]
    assert wrong == []


def test_a_mapping_lets_the_files_be_reported(session: Any, world: Any) -> None:
    assert counterpart(catalog(session).code("language", "BJ-zz")) is None

    assert change(session, world, "language", "BJ-zz", report_as="en") == ["attrs"]
    assert counterpart(catalog(session).code("language", "BJ-zz")) == "en"

    change(session, world, "language", "BJ-zz", report_as="")
    assert counterpart(catalog(session).code("language", "BJ-zz")) is None
    assert len(rows_of(session, "language", "BJ-zz")) == 3


def test_other_attributes_survive_a_mapping(session: Any, world: Any) -> None:
    change(session, world, "prof_title", "BJ-91", report_as="011")

    attrs = catalog(session).code("prof_title", "BJ-91").attrs
    assert (attrs["report_as"], attrs["level"]) == ("011", "1")


def test_only_an_own_code_is_mapped_and_only_to_a_national_one(session: Any, world: Any) -> None:
    for table, code, sent in (
        ("language", "BJ-zz", "nothing"),
        ("language", "BJ-zz", "BJ-no"),
        ("language", "en", "ja"),
    ):
        assert refusals(change, session, world, table, code, report_as=sent) == {"report_as"}
    assert len(rows_of(session, "language", "BJ-zz")) == 1


def test_names_change_in_a_new_version_and_stay_after_loading(session: Any, world: Any) -> None:
    before = catalog(session).version
    change(session, world, "language", "en", name_zh="英语（改）")

    old, new = rows_of(session, "language", "en")
    assert (old.valid_to, new.name_zh, new.sort) == (new.valid_from, "英语（改）", old.sort)
    assert catalog(session).version == before + 1
    load_reference(session)
    assert catalog(session).label("language", "en") == "英语（改）"
    assert refusals(change, session, world, "language", "en", name_zh=" ") == {"name_zh"}
    assert refusals(change, session, world, "language", "en", note="长" * 301) == {"note"}
    assert change(session, world, "language", "en", name_zh="英语（改）") == []


def test_an_own_code_is_offered_and_reported_at_once(session: Any, world: Any) -> None:
    add(session, world)

    known = catalog(session)
    item = known.indicator("skill", "language")
    assert codes_for(item, None, known)[-1].code == "BJ-xx"
    assert counterpart(known.code("language", "BJ-xx")) == "en"


def test_an_own_code_needs_a_prefix_room_a_place_and_no_namesake(session: Any, world: Any) -> None:
    for code in ("xx", "BJ-", "BJ-a b", "BJ-<b>", "BJ-xxxxxxxxxxxx", "BJ-zz"):
        assert refusals(add, session, world, code=code) == {"code"}, code
    assert refusals(add, session, world, report_as="") == {"report_as"}
    assert refusals(add, session, world, report_as="", parent="BJ-zz") == {"parent"}
    assert refusals(add, session, world, report_as="nothing") == {"report_as"}
    assert add(session, world, report_as="", parent="en").parent == "en"


def test_a_code_of_the_program_itself_is_neither_added_nor_retired(
    session: Any, world: Any
) -> None:
    with pytest.raises(NotFound):
        add(session, world, "wf_review_state")
    with pytest.raises(NotFound):
        add(session, world, "no_table")
    with pytest.raises(Refused):
        retire(session, world, "wf_review_state", "draft")


def test_a_retired_code_is_offered_no_longer_and_keeps_its_name(session: Any, world: Any) -> None:
    retire(session, world, "language", "ja")

    known = catalog(session)
    assert "ja" not in known.codes("language")
    assert known.label("language", "ja") == "日语"
    load_reference(session)
    assert "ja" not in catalog(session).codes("language")

    with acting_as(world.actors["city_info"]):
        codes.put_back(session, world.actors["city_info"], "language", "ja")
    assert "ja" in catalog(session).codes("language")
    with acting_as(world.actors["city_info"]), pytest.raises(NotFound):
        codes.put_back(session, world.actors["city_info"], "language", "ja")


def test_what_others_hang_on_is_not_retired(session: Any, world: Any) -> None:
    with pytest.raises(Refused):
        retire(session, world, "subject", "40")
    with pytest.raises(Refused):
        retire(session, world, "degree", "205")
    with pytest.raises(NotFound):
        retire(session, world, "subject", "nothing")


def test_the_uses_of_a_code_are_counted_in_rows_present(session: Any, world: Any) -> None:
    known = catalog(session)
    with system():
        before = codes.uses_of(session, known, "subject", "BJ-72")
        school = session.get(Unit, world.units["A1"].id)
        teacher = make_teacher(session, school=school)
        cls = TEACHER_SETS["teaching"]
        row = session.scalars(select(cls).where(cls.teacher_id == teacher.id)).first()
        row.subject = "13,BJ-72"
        session.flush()

        assert codes.uses_of(session, known, "subject", "BJ-72") == before + 1
        assert codes.uses_of(session, known, "wf_review_state", "draft") == 0
        for table in known.tables:
            assert codes.uses_of(session, known, table, "1") >= 0


@pytest.mark.parametrize("key", ["city_system", "district_info_A", "school_info_A1", "teacher_A1"])
def test_only_the_citys_information_administrator_keeps_codes(
    session: Any, world: Any, key: str
) -> None:
    actor, known = world.actors[key], catalog(session)

    with pytest.raises(Forbidden):
        codes.add_code(session, actor, "language", OWN, catalog=known)
    with pytest.raises(Forbidden):
        codes.change_code(session, actor, "language", "en", {"name_zh": "x"}, catalog=known)
    with pytest.raises(Forbidden):
        codes.retire_code(session, actor, "language", "en", catalog=known)
    with pytest.raises(Forbidden):
        codes.put_back(session, actor, "language", "en")


def test_who_saw_a_former_row_is_told(session: Any, world: Any) -> None:
    seen = rows_of(session, "language", "en")[0].id
    change(session, world, "language", "en", name_zh="英文", seen=seen)

    with pytest.raises(Stale):
        change(session, world, "language", "en", name_zh="英国语", seen=seen)


def test_every_change_is_on_record(session: Any, world: Any) -> None:
    change(session, world, "language", "BJ-zz", report_as="en")
    retire(session, world, "language", "ja")

    with system():
        rows = session.scalars(select(Audit).order_by(Audit.id.desc()).limit(2)).all()
    assert [(r.act, r.object_type, r.object_id) for r in rows] == [
        ("setting", "code", "language ja"),
        ("setting", "code", "language BJ-zz"),
    ]
    assert rows[1].detail["attrs"] == {"from": {}, "to": {"report_as": "en"}}
