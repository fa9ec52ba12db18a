"""The factories make files that hold all rules; the world's leak check finds what it must."""

import io
import json
import zipfile
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.core.clock import today
from app.indicators import checks, completeness, derive
from app.indicators.catalog import catalog
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.services import check, integrity
from app.services.contents import file_data
from tests.factories import TYPES, Wanted, make_school, make_teachers
from tests.worlds import World, leaks


@pytest.mark.parametrize("category", TYPES)
def test_a_made_file_is_complete_and_clean(session: Any, world: World, category: str) -> None:
    with system():
        known = catalog(session)
        city = session.get_one(Unit, world.units["city"].id)
        school = make_school(session, authority=city, category=category)
        teachers = make_teachers(session, [Wanted(school, state) for state in ReviewState])
        files = file_data(session, teachers, known)
        for teacher in teachers:
            file = files[teacher.id]
            found = checks.run(file, checks.Context(known, today()), "all")
            assert [problem.code for problem in found] == ["DQ004"]
            assert completeness.percent(file, known) == 100 == teacher.complete_percent
            derived = derive.derive(file, known, today())
            assert all(file.value(*key.split(".")) == value for key, value in derived.items())
        blocked = check.blocking(session, teachers)
    assert blocked == {}


def test_the_kept_check_of_a_made_file_is_that_of_the_services(session: Any, world: World) -> None:
    with system():
        known = catalog(session)
        teacher = session.get_one(Teacher, world.teacher("A1", "submitted").id)
        assert check.outdated([teacher], known) == []
        kept = check.blocking(session, [teacher])
        check.keep(session, [teacher], file_data(session, [teacher], known), known)
        assert check.blocking(session, [teacher]) == kept == {}
        assert (teacher.error_count, teacher.warning_count) == (0, 1)


def test_the_world_has_no_fault_and_files_in_every_state(session: Any, world: World) -> None:
    with system():
        assert integrity.find_faults(session, catalog(session)) == []
        states = session.execute(select(Teacher.school_id, Teacher.state).distinct()).all()
    assert len(states) == 4 * len(ReviewState)


def test_a_marker_belongs_to_one_value(world: World) -> None:
    texts = [(marker.text, marker.set, marker.field) for marker in world.markers]
    assert len(set(texts)) == len(texts)
    assert len({marker.text for marker in world.markers}) == len(texts)


def test_every_personal_text_has_a_marker(world: World) -> None:
    """A text indicator that is masked and filled in somewhere in the world is marked there."""
    marked = {(m.teacher.key, m.set, m.field) for m in world.markers}
    for ref in world.teachers.values():
        for set_code, row in ref.values.items():
            for code, value in row.items():
                item = world.catalog.indicator(set_code, code)
                if item.masked and item.data_type not in ("code", "bool") and value:
                    plain = item.data_type == "decimal" and not value % 1
                    dated = item.data_type == "date" and code != "birth_date"
                    assert plain or dated or (ref.key, set_code, code) in marked


def _answer(body: bytes | str, **headers: str) -> Any:
    data = body.encode() if isinstance(body, str) else body
    return SimpleNamespace(data=data, headers=headers)


def _zipped(body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", body)
    return out.getvalue()


def test_a_leak_is_found_however_it_is_wrapped(world: World) -> None:
    victim = world.teacher("B1", "effective")
    spy = world.actor("school_info", "A1")
    name = victim.name
    wrapped = {
        "html": _answer("".join(f"&#{ord(sign)};" for sign in name)),
        "tags": _answer(name[:4] + "<mark>" + name[4:8] + "</mark>" + name[8:]),
        "json": _answer(json.dumps({"name": name})),
        "escaped": _answer("".join(f"\\u{ord(sign):04x}" for sign in name)),
        "header": _answer("", Location=f"/file?q={name}"),
        "quoted": _answer("", Location="/file?q=" + "".join(f"%{ord(sign):02X}" for sign in name)),
        "zip": _answer(_zipped(name.encode())),
        "nested zip": _answer(_zipped(_zipped(name.encode()))),
    }
    for how, answer in wrapped.items():
        assert leaks(world, answer, spy), how
        with pytest.raises(AssertionError):
            world.assert_no_leak(answer, spy)


def test_ones_own_rows_are_no_leak_but_a_sealed_value_is(world: World) -> None:
    own = world.teacher("A1", "draft")
    clerk = world.actor("school_info", "A1")
    assert leaks(world, own.name, clerk) == []
    assert leaks(world, own.id_no, clerk)
    assert leaks(world, own.id_no, clerk, whole=["basic.id_no"]) == []
    assert leaks(world, own.id_no, world.actor("teacher", "A1")) == []
    cert = own.values["learning"]["cert_no"]
    assert leaks(world, cert, clerk) == []
    assert leaks(world, cert, clerk, place="list")
    assert leaks(world, cert, world.actor("city_assistant"))


def test_administrators_of_accounts_know_names_and_nothing_else(world: World) -> None:
    own, foreign = world.teacher("A1", "draft"), world.teacher("B1", "draft")
    for actor in (world.actor("school_system", "A1"), world.actor("district_system", "A")):
        assert leaks(world, own.name, actor) == []
        assert leaks(world, foreign.name, actor)
        assert leaks(world, own.values["contact"]["address"], actor)
    assert leaks(world, own.name, None)


def test_foreign_files_are_those_outside_the_scope(world: World) -> None:
    assert world.foreign_to(world.actor("city_info")) == []
    district = {ref.school for ref in world.foreign_to(world.actor("district_info", "A"))}
    assert district == {"B1", "U"}
    school = {ref.school for ref in world.foreign_to(world.actor("school_head", "A1"))}
    assert school == {"A2", "B1", "U"}
    assert len(world.foreign_to(world.actor("teacher", "A1"))) == len(world.teachers) - 1
