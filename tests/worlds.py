"""The test world: two districts, three schools and a university with files in every state.

Every personal value holds a marker that belongs to one teacher and one indicator, so that a
page, a workbook or a header that shows what it must not is caught by its marker.
"""

import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.access.actor import Actor, system
from app.access.fields import View, view_in_list, view_on_file
from app.access.roles import CITY, DISTRICT, SCHOOL, SYSTEM, Role
from app.core.clock import today
from app.demo import ids
from app.indicators.catalog import Catalog, catalog
from app.models.history import Transition
from app.models.round import Round
from app.models.teacher import Contributor, ReviewState, Teacher
from app.models.unit import Unit
from tests.factories import PASSWORD, Wanted, make_account, make_city, make_school, make_unit
from tests.factories import make_teachers as make_files

# Texts by a common beginning.
Tree = dict[str, "Tree | set[str]"]
HEAD = 4

PER_STATE = 2
FIRST_BIRTH = date(1975, 1, 3)

# The steps that lead to a state, each with the party that took it and where it led.
PATHS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    ReviewState.DRAFT: (),
    ReviewState.SUBMITTED: (("submit", "info", "submitted"),),
    ReviewState.RETURNED: (
        ("submit", "info", "submitted"),
        ("return_to_teacher", "head", "returned"),
    ),
    ReviewState.SCHOOL_CONFIRMED: (
        ("submit", "info", "submitted"),
        ("confirm", "head", "school_confirmed"),
    ),
    ReviewState.EFFECTIVE: (
        ("submit", "info", "submitted"),
        ("confirm", "head", "school_confirmed"),
        ("approve", "authority", "effective"),
    ),
}
PATHS = {
    **PATHS,
    ReviewState.CITY_ACCEPTED: (
        *PATHS[ReviewState.EFFECTIVE],
        ("accept", "city", "city_accepted"),
    ),
    ReviewState.REPORTED: (
        *PATHS[ReviewState.EFFECTIVE],
        ("accept", "city", "city_accepted"),
        ("report", "city", "reported"),
    ),
}


@dataclass(frozen=True)
class UnitRef:
    """A unit of the world; plain values, good in any session."""

    key: str
    id: int
    code: str
    name: str
    kind: str
    category: str | None
    authority_id: int | None


@dataclass(frozen=True)
class TeacherRef:
    """A file of the world; `values` are its plain values by set (the first row of each)."""

    key: str
    id: int
    uuid: str
    school: str
    school_id: int
    authority_id: int
    state: str
    name: str
    id_no: str
    teacher_no: str | None
    values: Mapping[str, Mapping[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class Marker:
    """A text that stands for one value of one teacher, in one of its spellings."""

    text: str
    teacher: TeacherRef
    set: str
    field: str


@dataclass
class World:
    """Units by key (city, A, B, A1, A2, B1, U), actors by role and unit, files by key.

    Actors: city_info, city_system, city_audit, city_assistant; district_info_A,
    district_system_A, … B; school_info_A1, school_head_A1, school_system_A1, … A2, B1, U;
    teacher_A1, … U, the teachers of the files A1_draft_1, … Files: <school>_<state>_<1 or 2>.
    """

    units: dict[str, UnitRef]
    actors: dict[str, Actor]
    usernames: dict[str, str]
    teachers: dict[str, TeacherRef]
    markers: list[Marker] = field(repr=False)
    catalog: Catalog = field(repr=False)
    password: str = PASSWORD

    @cached_property
    def tree(self) -> Tree:
        """The texts of the markers, to look for many at once."""
        return _tree(marker.text for marker in self.markers)

    def actor(self, role: str, unit: str = "") -> Actor:
        """The actor of a role in a unit: actor("school_info", "A1"), actor("city_info")."""
        return self.actors[f"{role}_{unit}" if unit else role]

    def teacher(self, school: str, state: str, number: int = 1) -> TeacherRef:
        """A file of a school in a state."""
        return self.teachers[f"{school}_{state}_{number}"]

    def of(self, school: str) -> list[TeacherRef]:
        """All files of a school."""
        return [each for each in self.teachers.values() if each.school == school]

    def foreign_to(self, actor: Actor) -> list[TeacherRef]:
        """The files outside an actor's scope."""
        return [each for each in self.teachers.values() if not sees(actor, each)]

    def assert_no_leak(
        self,
        response: Any,
        actor: Actor | None,
        *,
        place: str = "file",
        whole: Iterable[str] = (),
    ) -> None:
        """Fail when a response shows a marker that the actor has no right to see.

        `response` is an HTTP answer, bytes or text; `actor` None is nobody. `place` "list" asks
        for the masks of lists and exports, "file" for those of the file page; `whole` names
        indicators that this answer may show whole ("basic.id_no" after a reveal).
        """
        found = leaks(self, response, actor, place=place, whole=whole)
        assert not found, "\n".join(found[:20])


def assert_no_leak(world: World, response: Any, actor: Actor | None, **options: Any) -> None:
    """See World.assert_no_leak."""
    world.assert_no_leak(response, actor, **options)


def sees(actor: Actor | None, teacher: TeacherRef) -> bool:
    """Whether a file lies inside the scope of an actor; written anew, not taken from the scope."""
    if actor is None or actor.role in SYSTEM or actor.role == Role.CITY_AUDIT:
        return False
    if actor.role in CITY:
        return True
    if actor.role in DISTRICT:
        return actor.unit_id == teacher.authority_id
    if actor.role in SCHOOL:
        return actor.unit_id == teacher.school_id
    return actor.teacher_id == teacher.id


def _administers(actor: Actor, teacher: TeacherRef) -> bool:
    """Whether the actor manages the person's account, and so knows the name and nothing else."""
    if actor.role in (Role.CITY_SYSTEM, Role.CITY_AUDIT):
        return True
    if actor.role == Role.DISTRICT_SYSTEM:
        return actor.unit_id == teacher.authority_id
    return actor.role == Role.SCHOOL_SYSTEM and actor.unit_id == teacher.school_id


def _may_show(
    world: World, marker: Marker, actor: Actor | None, place: str, whole: frozenset[str]
) -> bool:
    if actor is None:
        return False
    if not sees(actor, marker.teacher):
        return marker.field == "name" and _administers(actor, marker.teacher)
    item = world.catalog.indicator(marker.set, marker.field)
    if item.key in whole:
        return True
    view = view_in_list(actor, item) if place == "list" else view_on_file(actor, item)
    return view is View.WHOLE


def leaks(
    world: World,
    response: Any,
    actor: Actor | None,
    *,
    place: str = "file",
    whole: Iterable[str] = (),
) -> list[str]:
    """Say in sentences which markers an answer shows without right."""
    text = "\n".join(dict.fromkeys(texts_of(response)))
    allowed = frozenset(whole)
    shown = set(_shown(world.tree, text))
    return [
        f"{marker.set}.{marker.field} of {marker.teacher.key} is shown: {marker.text}"
        for marker in world.markers
        if marker.text in shown and not _may_show(world, marker, actor, place, allowed)
    ]


def _tree(texts: Iterable[str], length: int = HEAD) -> Tree:
    """Texts by what they begin with, and those again by what they go on with."""
    groups: dict[str, set[str]] = {}
    for each in texts:
        groups.setdefault(each[:length], set()).add(each)
    return {
        head: found if len(found) == 1 or head in found else _tree(found, 2 * length)
        for head, found in groups.items()
    }


def _shown(tree: Tree, text: str) -> Iterator[str]:
    """The texts of a tree that stand in another; where no beginning stands, none is looked for."""
    for head, below in tree.items():
        if head not in text:
            continue
        if isinstance(below, dict):
            yield from _shown(below, text)
        else:
            yield from (each for each in below if each in text)


def texts_of(response: Any) -> Iterator[str]:
    """Everything that can be read in an answer: body, headers, targets, members of archives."""
    if isinstance(response, str):
        yield from _spellings(response)
        return
    if isinstance(response, bytes):
        yield from _texts_of_bytes(response)
        return
    for name, value in response.headers.items():
        yield from _spellings(f"{name}: {value}")
    yield from _texts_of_bytes(bytes(response.data))


def _texts_of_bytes(data: bytes) -> Iterator[str]:
    if data[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name
                yield from _texts_of_bytes(archive.read(name))
        return
    if data[:4] == b"%PDF":
        for stream in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
            yield _inflated(stream).decode("utf-8", "replace")
    yield from _spellings(data.decode("utf-8", "replace"))


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream.strip(b"\r\n"))
    except zlib.error:
        return stream


def _spellings(text: str) -> Iterator[str]:
    """The text, and what it says once its escapes are undone."""
    yield text
    plain = html.unescape(text)
    yield plain
    # A marker may be split by tags: <t>CANARY</t><t>-…</t>, or by a highlighted match.
    yield re.sub(r"<[^<>]*>", "", plain)
    yield unquote(plain)
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    if text[:1] in "{[":
        try:
            yield json.dumps(json.loads(text), ensure_ascii=False)
        except ValueError:
            return


def build_world(session: Session, *, per_state: int = PER_STATE) -> World:
    """Make the world in a database that has its tables; the caller commits."""
    with system():
        known = catalog(session)
        units = _make_units(session)
        names: dict[str, str] = {}
        actors = _make_staff(session, units, names)
        teachers, contents = _make_teachers(session, units, actors, known, per_state)
        for school in ("A1", "A2", "B1", "U"):
            own = teachers[f"{school}_draft_1"]
            key = f"teacher_{school}"
            actors[key] = _add_account(
                session, names, key, Role.TEACHER, units[school], teacher=own
            )
        _write_history(session, teachers, actors, units)
        _open_round(session)
        session.flush()
        refs = {key: _teacher_ref(key, teacher, contents[key]) for key, teacher in teachers.items()}
        return World(
            units={key: _unit_ref(key, unit) for key, unit in units.items()},
            actors=actors,
            usernames=names,
            teachers=refs,
            markers=[m for key, ref in refs.items() for m in _markers(ref, contents[key])],
            catalog=known,
        )


def _make_units(session: Session) -> dict[str, Unit]:
    city = make_city(session)
    units = {"city": city}
    for key, code in (("A", "110101"), ("B", "110105")):
        units[key] = make_unit(session, code=code, name=f"测试区{key}教委", authority=city)
    for key, authority in (("A1", "A"), ("A2", "A"), ("B1", "B")):
        units[key] = make_school(
            session,
            authority=units[authority],
            name=f"测试小学{key}",
            code=f"31110000{key}",
            first_effective=True,
        )
    units["U"] = make_school(
        session,
        authority=city,
        category="higher",
        name="测试大学U",
        code="41110000U1",
        sponsor_type="811",
        first_effective=True,
    )
    return units


def _make_staff(
    session: Session, units: dict[str, Unit], names: dict[str, str]
) -> dict[str, Actor]:
    places = [(role, "city", "") for role in Role if role in CITY]
    places += [(role, key, f"_{key}") for role in Role if role in DISTRICT for key in ("A", "B")]
    places += [
        (role, key, f"_{key}") for role in Role if role in SCHOOL for key in ("A1", "A2", "B1", "U")
    ]
    return {
        f"{role}{end}": _add_account(session, names, f"{role}{end}", role, units[key])
        for role, key, end in places
    }


def _add_account(
    session: Session,
    names: dict[str, str],
    key: str,
    role: Role,
    unit: Unit,
    *,
    teacher: Teacher | None = None,
) -> Actor:
    names[key] = key.lower()
    return make_account(session, role=role, unit=unit, teacher=teacher, username=names[key])


def _make_teachers(
    session: Session,
    units: dict[str, Unit],
    actors: dict[str, Actor],
    known: Catalog,
    per_state: int,
) -> tuple[dict[str, Teacher], dict[str, Any]]:
    wanted: dict[str, Wanted] = {}
    for school in ("A1", "A2", "B1", "U"):
        for state in ReviewState:
            for number in range(1, per_state + 1):
                wanted[f"{school}_{state}_{number}"] = Wanted(
                    units[school],
                    state,
                    entered_by=actors[f"school_info_{school}"].account_id,
                )
    for index, (key, each) in enumerate(wanted.items()):
        each.basic = _marked_basic(key, index)
        plain = each.content(known)
        each.rows = _marked(plain, key, index, each.school.category)
    made = make_files(session, list(wanted.values()))
    contents = {key: each.content(known) | dict(each.rows) for key, each in wanted.items()}
    return dict(zip(wanted, made, strict=True)), contents


def letters(index: int) -> str:
    """A three-letter name of a number; letters alone, for values that admit no digits."""
    return "".join(chr(65 + index // 26**power % 26) for power in (2, 1, 0))


def _marked_basic(key: str, index: int) -> dict[str, Any]:
    birth = FIRST_BIRTH + timedelta(days=37 * index)
    sex = "12"[index % 2]
    return {
        "name": f"CANARY-NAME-{letters(index)}",
        "former_name": f"CANARY-FORMER-{letters(index)}",
        "staff_no": f"CANARY-S-{index:04d}",
        "birth_date": birth,
        "sex": sex,
        "id_no": ids.id_number(birth, sex, 100 + index),
    }


def _marked(
    content: Mapping[str, list[dict[str, Any]]], key: str, index: int, category: str | None
) -> dict[str, list[dict[str, Any]]]:
    """The content with a marker in every personal value."""

    def mark(name: str) -> str:
        return f"CANARY-{key}-{name}"

    rows = {code: [dict(row) for row in found] for code, found in content.items()}
    rows["learning"][0]["cert_no"] = mark("learningcert")
    for number, row in enumerate(rows["work"]):
        row["reference"] = mark(f"reference{number}")
    rows["title"][0]["cert_no"] = mark("titlecert")
    rows["qualification"][0]["cert_no"] = ids.certificate_number(1999, 7_000_000 + index)
    rows["skill"][0]["cert_no"] = mark("skillcert")
    pay = rows["treatment"][0]
    pay["base_salary"] = Decimal(f"{5000 + index}.13")
    pay["performance_pay"] = Decimal(f"{4000 + index}.29")
    pay["other_allowance"] = Decimal(f"{500 + index}.31")
    pay["annual_income"] = Decimal(f"{114000 + index}.37")
    rows["contact"] = [
        {
            "address": mark("address"),
            "phone": f"010-09{index:06d}",
            "mobile": f"1697700{index:04d}",
            "email": f"canary-{key.lower().replace('_', '-')}@example.invalid",
            "other_contact": mark("other"),
            "emergency_name": f"CANARY-EMERGENCY-{letters(index)}",
            "emergency_phone": f"1687700{index:04d}",
        }
    ]
    if "ce_no" in rows["bj_ext"][0]:
        rows["bj_ext"][0]["ce_no"] = f"CANARY-CE-{index:04d}"
    if key.endswith("_2"):
        rows["ethics"][0] |= _sanction(mark)
    return rows


def _sanction(mark: Any) -> dict[str, Any]:
    year = today().year - 1
    return {
        "punish_type": "11",
        "punish_reason": "10",
        "punish_happen_date": date(year, 3, 1),
        "punish_date": date(year, 4, 1),
        "punish_desc": mark("punishdesc"),
        "punish_org": mark("punishorg"),
    }


def _markers(ref: TeacherRef, content: Mapping[str, list[dict[str, Any]]]) -> Iterator[Marker]:
    texts = ("CANARY-", "canary-", "1697700", "1687700", "010-09", "199911019970", ids.DIVISION)
    for set_code, rows in content.items():
        for row in rows:
            for code, value in row.items():
                if isinstance(value, str) and value.startswith(texts):
                    yield Marker(value, ref, set_code, code)
                elif isinstance(value, Decimal) and value % 1:
                    for text in {f"{value}", f"{value:,}"}:
                        yield Marker(text, ref, set_code, code)
    birth = content["basic"][0]["birth_date"]
    yield Marker(birth.isoformat(), ref, "basic", "birth_date")
    yield Marker(f"{birth.year}年{birth.month}月{birth.day}日", ref, "basic", "birth_date")


def _write_history(
    session: Session,
    teachers: dict[str, Teacher],
    actors: dict[str, Actor],
    units: dict[str, Unit],
) -> None:
    authority = {"A1": "district_info_A", "A2": "district_info_A", "B1": "district_info_B"}
    rows: list[dict[str, Any]] = []
    contributors = []
    for key, teacher in teachers.items():
        school = key.partition("_")[0]
        parties = {
            "info": actors[f"school_info_{school}"],
            "head": actors[f"school_head_{school}"],
            "authority": actors[authority.get(school, "city_info")],
            "city": actors["city_info"],
        }
        rows += _steps(teacher, parties)
        if not teacher.is_in_force:
            contributors.append(
                {"teacher_id": teacher.id, "account_id": parties["info"].account_id}
            )
    session.execute(insert(Transition), rows)
    session.execute(insert(Contributor), contributors)


def _steps(teacher: Teacher, parties: Mapping[str, Actor]) -> Iterator[dict[str, Any]]:
    before = str(ReviewState.DRAFT)
    for number, (step, party, after) in enumerate(PATHS[teacher.state], start=1):
        actor = parties[party]
        notes = teacher.return_notes if after == ReviewState.RETURNED else None
        yield {
            "flow": "review",
            "object_id": teacher.id,
            "teacher_id": teacher.id,
            "step": step,
            "from_state": before,
            "to_state": after,
            "account_id": actor.account_id,
            "assignment_id": actor.assignment_id,
            "role": str(actor.role),
            "unit_id": actor.unit_id,
            "school_id": teacher.school_id,
            "authority_id": teacher.authority_id,
            "at": teacher.state_since + timedelta(minutes=number),
            "reason": notes["reason"] if notes else None,
            "field_reasons": notes["fields"] if notes else None,
            "object_version": number + 1,
            "data": None,
        }
        before = after
    teacher.version = len(PATHS[teacher.state]) + 1


def _open_round(session: Session) -> None:
    day = today()
    session.add(
        Round(
            name=f"{day.year}年测试采集",
            opens_on=day - timedelta(days=10),
            school_deadline=day + timedelta(days=20),
            authority_deadline=day + timedelta(days=30),
            city_deadline=day + timedelta(days=40),
        )
    )


def _unit_ref(key: str, unit: Unit) -> UnitRef:
    return UnitRef(
        key, unit.id, unit.code, unit.name, str(unit.kind), unit.category, unit.authority_id
    )


def _teacher_ref(key: str, teacher: Teacher, content: Mapping[str, Any]) -> TeacherRef:
    return TeacherRef(
        key=key,
        id=teacher.id,
        uuid=teacher.uuid,
        school=key.partition("_")[0],
        school_id=teacher.school_id,
        authority_id=teacher.authority_id,
        state=str(teacher.state),
        name=teacher.name,
        id_no=content["basic"][0]["id_no"],
        teacher_no=teacher.teacher_no,
        values={code: rows[0] for code, rows in content.items() if rows},
    )
