"""Field rights hold on every path: what may not be seen is nowhere, what may not be edited stays
as it is, whatever is sent (SEC-04, S51).

The rights are written down here anew, from the description of the roles; nothing is asked of the
function under test but whether it says the same.
"""

import io
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select, update

from app.access import fields
from app.access.actor import acting_as, system
from app.access.fields import View
from app.access.roles import FILES, STAFF, Role
from app.core.clock import today
from app.core.errors import Refused, Stale
from app.core.reference import Indicator
from app.indicators.catalog import catalog
from app.indicators.values import as_text, codes_for
from app.models.record import TEACHER_SETS
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.services import compare
from tests.exchange.imports import cell_of, edited, exported, find_sheet, make_importing
from tests.factories import make_account, make_school, make_teacher
from tests.views.pages import sign_in, token_for
from tests.views.test_api import Caller
from tests.worlds import TeacherRef, sees

pytestmark = pytest.mark.wide

ROLES = {
    Role.CITY_INFO: "city_info",
    Role.CITY_ASSISTANT: "city_assistant",
    Role.CITY_SYSTEM: "city_system",
    Role.CITY_AUDIT: "city_audit",
    Role.DISTRICT_INFO: "district_info_A",
    Role.DISTRICT_SYSTEM: "district_system_A",
    Role.SCHOOL_INFO: "school_info_A1",
    Role.SCHOOL_HEAD: "school_head_A1",
    Role.SCHOOL_SYSTEM: "school_system_A1",
    Role.TEACHER: "teacher_A1",
}
# Pay and sanctions are for those who decide and for the person.
CLOSED = {Role.CITY_ASSISTANT: {"treatment", "ethics"}}
FORGED, ABSENT = "FORGED", "0" * 32
OPEN = (ReviewState.DRAFT, ReviewState.RETURNED)


def expected_view(role: Role, item: Indicator) -> View:
    """How a value shows on the file page, by the description of the roles and SEC-10."""
    if role not in FILES or item.set in CLOSED.get(role, ()):
        return View.HIDDEN
    if role == Role.TEACHER or item.pii_level == "none":
        return View.WHOLE
    if role == Role.CITY_ASSISTANT:
        return View.MASKED
    return View.SEALED if item.pii_level == "encrypt" else View.WHOLE


def expected_edit(role: Role, state: str, item: Indicator, rule: Any) -> bool:
    """Whether a value may be typed in, by workflows 1.2, 1.3 and the columns of the rules."""
    if item.read_only or not rule.collected or item.key == "basic.staff_status":
        return False
    core = item.set in ("appraisal", "treatment", "ethics", "title")
    if role == Role.TEACHER:
        return state in OPEN and not core and rule.filled_by in ("teacher", "both")
    if role == Role.SCHOOL_INFO:
        own = core or rule.filled_by == "school"
        return state in OPEN or (state == ReviewState.SUBMITTED and own)
    return False


def expected_add(role: Role, state: str, item: Indicator, rule: Any) -> bool:
    """Whether a value may be said where an effective file says nothing, by workflows 2.1, 2.2."""
    in_force = state in (ReviewState.EFFECTIVE, ReviewState.CITY_ACCEPTED, ReviewState.REPORTED)
    return in_force and expected_edit(role, ReviewState.DRAFT, item, rule)


def expected_change(role: Role, state: str, item: Indicator, rule: Any) -> bool:
    """Whether a change of a value in force may be asked for, by workflows 3.1."""
    return role == Role.SCHOOL_INFO and expected_add(role, state, item, rule)


def items(world: Any) -> Iterator[Indicator]:
    """All indicators of teachers."""
    for entry in world.catalog.teacher_sets:
        yield from entry.indicators


def test_the_one_function_says_what_the_roles_say(world: Any) -> None:
    wrong = []
    for role, key in ROLES.items():
        actor = world.actors[key]
        file = SimpleNamespace(
            id=actor.teacher_id or 1,
            school_id=world.units["A1"].id,
            category="primary_secondary",
            state="",
            active=True,
        )
        for item in items(world):
            if fields.view_on_file(actor, item) is not expected_view(role, item):
                wrong.append((role, item.key, "view"))
            rule = world.catalog.rule(item.set, item.code, file.category)
            for file.state in ReviewState:
                may = fields.may_edit(actor, file, item, world.catalog)
                if may != expected_edit(role, file.state, item, rule):
                    wrong.append((role, item.key, file.state))
                if fields.may_add(actor, file, item, world.catalog) != expected_add(
                    role, file.state, item, rule
                ):
                    wrong.append((role, item.key, file.state, "add"))
                if fields.may_change(actor, file, item, world.catalog) != expected_change(
                    role, file.state, item, rule
                ):
                    wrong.append((role, item.key, file.state, "change"))

    assert wrong == []


def test_nobody_adds_to_or_changes_the_file_of_who_has_left(world: Any) -> None:
    actor = world.actors[ROLES[Role.SCHOOL_INFO]]
    file = SimpleNamespace(
        id=1, school_id=world.units["A1"].id, category="primary_secondary",
        state=ReviewState.EFFECTIVE, active=False,
    )  # fmt: skip

    for item in items(world):
        assert not fields.may_add(actor, file, item, world.catalog), item.key
        assert not fields.may_change(actor, file, item, world.catalog), item.key


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_what_a_role_may_not_see_is_nowhere(
    app: Any, session: Any, client: Any, world: Any, role: Role
) -> None:
    actor = world.actors[ROLES[role]]
    browser, caller = sign_in(app, world, ROLES[role]), Caller(client, world.usernames[ROLES[role]])
    marked = sorted({marker.set for marker in world.markers})
    refs = [world.teacher("A1", state) for state in ReviewState]
    if role != Role.TEACHER:
        _let_the_comparison_speak(session, refs)
    token = token_for(browser)

    # Whom files do not concern at all are told nothing, in whatever state a file is.
    for ref in refs if role in STAFF else refs[:1]:
        base = f"/teacher/{ref.id}"
        yesterday = today() - timedelta(days=1)
        paths = [base, f"{base}/history", f"{base}/places", f"/review/show/{ref.id}"]
        paths += [f"{base}?on={yesterday}", f"{base}/set/treatment?on={yesterday}"]
        paths += [f"{base}/set/{code}" for code in marked]
        paths += [f"{base}/set/{code}/edit" for code in ("basic", "treatment")]
        paths += [f"/my-file/set/{code}" for code in marked] if role == Role.TEACHER else []
        for path in paths:
            answer = browser.get(path)
            assert answer.status_code < 500, path
            world.assert_no_leak(answer, actor)
        for code in ("", "/problem", *(f"/{code}" for code in marked)):
            world.assert_no_leak(caller.get(f"{base}{code}"), actor)
        form = {"csrf_token": token, "id": ref.id, "kind": "file", "purpose": "核对"}
        printed = browser.post("/print/sheet", data=form)
        world.assert_no_leak(printed, actor, whole=_on_purpose(role, world))
        if role in FILES:
            assert ref.name in printed.text


def _on_purpose(role: Role, world: Any) -> list[str]:
    """What is whole for those who decide where a purpose is stated and on record."""
    entitled = role in FILES - {Role.CITY_ASSISTANT}
    return [item.key for item in items(world) if item.pii_level == "encrypt" and entitled]


def _let_the_comparison_speak(session: Any, refs: list[TeacherRef]) -> None:
    """Let each file have said otherwise at its last submission, in pay and address."""
    with system():
        known = catalog(session)
        ids = [ref.id for ref in refs if ref.state in ("submitted", "school_confirmed")]
        found = session.scalars(select(Teacher).where(Teacher.id.in_(ids))).all()
        compare.keep(session, found, "return", known)
        for code, column in (("treatment", "base_salary"), ("contact", "address")):
            cls = TEACHER_SETS[code]
            value = "无" if column == "address" else 1
            session.execute(
                update(cls).where(cls.teacher_id.in_(ids)).values({getattr(cls, column): value})
            )
        session.commit()


@pytest.mark.parametrize("role", sorted(STAFF), ids=str)
def test_workbooks_hold_no_set_and_no_value_beyond_the_right(
    session: Any, world: Any, tmp_path: Any, role: Role
) -> None:
    actor = world.actors[ROLES[role]]
    with acting_as(actor):
        importing = make_importing(session, actor, tmp_path)
        refs = [each for each in world.of("A1") if sees(actor, each)]
        teachers = list(
            session.scalars(select(Teacher).where(Teacher.id.in_([each.id for each in refs])))
        )
        content = exported(importing, *teachers)

    world.assert_no_leak(content, actor, whole=_on_purpose(role, world))
    names = openpyxl.load_workbook(io.BytesIO(content)).sheetnames
    for code in CLOSED.get(role, ()):
        assert world.catalog.set(code).name_zh not in names


class Forgery:
    """One file, what its rows hold, and values that differ in every indicator."""

    def __init__(self, session: Any, world: Any, key: int, role: Role) -> None:
        self.session, self.world, self.key, self.role = session, world, key, role
        self.catalog = world.catalog
        with system():
            self.teacher = session.get_one(Teacher, key)
            self.category = self.teacher.school.category
            self.first = self.rows()

    def rows(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Set -> uuid -> values, as they are stored."""
        self.session.expire_all()
        with system():
            return {
                code: {
                    row.uuid: row.values()
                    for row in self.session.scalars(select(cls).where(cls.teacher_id == self.key))
                }
                for code, cls in TEACHER_SETS.items()
            }

    def may(self, item: Indicator) -> bool:
        rule = self.catalog.rule(item.set, item.code, self.category)
        return expected_edit(self.role, str(self.teacher.state), item, rule)

    def sent(self, set_code: str, stored: Mapping[str, Any]) -> dict[str, str]:
        """What is posted: the indicators of all sets by code; of this set the editable ones as they
        are stored, all others forged."""
        union = {item.code: self.forged(item) for item in items(self.world)}
        own = self.catalog.indicators(set_code)
        union |= {item.code: self.forged(item) for item in own}
        union |= {i.code: as_text(i, stored.get(i.code)) for i in own if self.may(i)}
        return union

    def forged(self, item: Indicator) -> str:
        """A good value that nobody entered."""
        if item.data_type == "code":
            codes = codes_for(item, self.category, self.catalog)
            return codes[-1].code if codes else FORGED
        return {
            "int": "7", "decimal": "7.77", "date": "1999-09-09", "year_month": "1999-09",
            "bool": "1", "phone": "13900000001", "email": "forged@example.invalid",
            "idcard": "110199197001010015",
        }.get(item.data_type, FORGED)  # fmt: skip

    def done(self) -> list[str]:
        """The indicators that changed without right."""
        after, found = self.rows(), []
        for set_code, rows in after.items():
            for item in self.catalog.indicators(set_code):
                if self.may(item):
                    continue
                for uuid, values in rows.items():
                    before = self.first[set_code].get(uuid)
                    value = values.get(item.code)
                    if before is None:
                        changed = value is not None and as_text(item, value) == self.forged(item)
                        changed = changed and item.data_type not in ("code", "bool")
                    else:
                        changed = value != before.get(item.code)
                    if changed:
                        found.append(f"{item.key}: {self.teacher.state}")
        return found


def _in_state(session: Any, key: int, state: str) -> None:
    with system():
        session.execute(update(Teacher).where(Teacher.id == key).values(state=state))
        session.commit()


# Whoever opens forms at all, with the file and its state.
WRITERS = {
    "school_info_A1": ("draft", "returned", "submitted", "school_confirmed", "effective"),
    "teacher_A1": ("draft", "returned", "submitted"),
}


@pytest.mark.parametrize("key", WRITERS)
def test_forms_and_api_leave_what_a_role_may_not_edit(
    app: Any, session: Any, client: Any, world: Any, key: str
) -> None:
    role = next(role for role, name in ROLES.items() if name == key)
    browser, caller = sign_in(app, world, key), Caller(client, world.usernames[key])
    token = token_for(browser)
    saved: dict[str, int] = {}

    for state in WRITERS[key]:
        ref = world.teacher("A1", "draft" if role == Role.TEACHER else state)
        _in_state(session, ref.id, state)
        forgery = Forgery(session, world, ref.id, role)
        for entry in world.catalog.teacher_sets:
            rows = list(forgery.first[entry.code].items())
            uuid, stored = rows[0] if rows else ("", {})
            sent = forgery.sent(entry.code, stored)
            own = [item.code for item in entry.indicators]
            base = f"/teacher/{ref.id}/set/{entry.code}"
            path = f"{base}/{uuid}/edit" if entry.multi_row and uuid else f"{base}/edit"
            answer = browser.post(path, data={"csrf_token": token, **sent})
            assert answer.status_code < 500, path
            saved[state] = saved.get(state, 0) + (answer.status_code == 302)
            api = f"/teacher/{ref.id}/{entry.code}"
            for answer in (
                caller.post(api, sent),
                caller.put(f"{api}/{uuid or ABSENT}", {code: sent[code] for code in own}),
            ):
                assert answer.status_code in (200, 201, 400, 403, 404, 409, 422), api
            if entry.multi_row:
                browser.post(f"{base}/new", data={"csrf_token": token, **sent})
        assert forgery.done() == []
        _in_state(session, ref.id, ref.state)

    # The forms did take what they may take, so the rest was kept by the right and not by a fault.
    assert all(saved[state] >= 5 for state in OPEN), saved
    assert all(n == 0 for state, n in saved.items() if state in ("school_confirmed", "effective"))


@pytest.mark.parametrize("stray", [False, True], ids=["own columns", "stray columns"])
@pytest.mark.parametrize("state", ["draft", "submitted", "effective"])
def test_an_import_leaves_what_the_school_may_not_edit(
    session: Any, world: Any, tmp_path: Any, state: str, stray: bool
) -> None:
    actor, ref = world.actors["school_info_A1"], world.teacher("A1", state)
    forgery = Forgery(session, world, ref.id, Role.SCHOOL_INFO)
    with acting_as(actor):
        importing = make_importing(session, actor, tmp_path)
        teacher = session.get_one(Teacher, ref.id)
        content = edited(exported(importing, teacher), lambda book: _forge(book, forgery, stray))
        try:
            importing.run(content, take="good")
            is_refused = False
        except (Refused, Stale):  # Nothing to take, or the workbook as a whole is not taken.
            session.rollback()
            is_refused = True
    (contact,) = forgery.rows()["contact"].values()

    assert forgery.done() == []
    assert is_refused == (state != "draft" or stray)
    assert (contact["address"] == FORGED) == (not is_refused)


def _forge(book: Any, forgery: Forgery, stray: bool) -> None:
    """Overwrite in the first row of each sheet what the school may not edit, and the address; with
    `stray` add columns for what the form does not have at all."""
    cell_of(book, "contact", "contact.address").value = FORGED
    for code, rows in forgery.first.items():
        sheet = find_sheet(book, code)
        if sheet is None or not rows:
            continue
        keys = [cell.value for cell in sheet[2]]
        for item in forgery.catalog.indicators(code):
            if forgery.may(item) or item.code in ("id_no", "name"):
                continue
            if item.key not in keys and stray:
                keys.append(item.key)
                sheet.cell(1, len(keys), item.name_zh)
                sheet.cell(2, len(keys), item.key)
            if item.key in keys:
                cell_of(book, code, item.key).value = forgery.forged(item)


def _teacher_of(session: Any, world: Any, category: str, sponsor: str) -> tuple[Any, Teacher]:
    """A teacher with an open file in a school of a category."""
    with system():
        district = session.get_one(Unit, world.units["A"].id)
        school = make_school(session, authority=district, category=category, sponsor_type=sponsor)
        teacher = make_teacher(session, school=school)
        username = f"teacher_of_{category}"
        actor = make_account(
            session, role=Role.TEACHER, unit=school, teacher=teacher, username=username
        )
        world.usernames[username] = username
        session.commit()
    return actor, teacher


def test_teachers_of_two_categories_fill_in_different_items_and_cannot_forge_others(
    app: Any, session: Any, world: Any
) -> None:
    offered: dict[str, set[str]] = {}
    writable: dict[str, set[str]] = {}
    clients = {}
    for category in ("kindergarten", "vocational"):
        _actor, teacher = _teacher_of(session, world, category, "811")
        client = clients[category] = sign_in(app, world, f"teacher_of_{category}")
        forgery = Forgery(session, world, teacher.id, Role.TEACHER)
        writable[category] = {item.key for item in items(world) if forgery.may(item)}
        offered[category] = set()
        for entry in world.catalog.teacher_sets:
            new = "new" if entry.multi_row else "edit"
            page = client.get(f"/teacher/{teacher.id}/set/{entry.code}/{new}").text
            names = set(re.findall(r'name="([a-z_0-9]+)"', page))
            offered[category] |= {item.key for item in entry.indicators if item.code in names}
        token = token_for(client)
        for entry in world.catalog.teacher_sets:
            rows = forgery.first[entry.code]
            uuid, stored = next(iter(rows.items()), ("", {}))
            base = f"/teacher/{teacher.id}/set/{entry.code}"
            for path in (
                f"{base}/{uuid}/edit" if entry.multi_row else f"{base}/edit",
                f"{base}/new",
            ):
                form = {"csrf_token": token, **forgery.sent(entry.code, stored)}
                assert client.post(path, data=form).status_code < 500
        assert forgery.done() == []

    assert offered["kindergarten"] - offered["vocational"]
    assert offered["vocational"] - offered["kindergarten"]
    for category, names in offered.items():
        assert names <= writable[category]
