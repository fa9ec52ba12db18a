"""What the places of every address name, one object of each kind per unit, and who may see it.

The fences loop over the URL map with the help of these tables; an address that no table knows
fails them, so whoever adds one says here what it names.
"""

import re
from collections.abc import Container, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from flask import Flask
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from app.access.actor import Actor, system
from app.access.roles import AUTHORITIES, Role, tier
from app.core.clock import now, today
from app.core.crypto import seal
from app.models.attachment import Attachment
from app.models.calendar import SpecialDay
from app.models.correction import Correction
from app.models.duplicate import DuplicateCase
from app.models.exchange import ExportFile, ImportBatch
from app.models.hint import CorrectionHint
from app.models.history import Audit
from app.models.job import Job
from app.models.notice import Notice
from app.models.parameter import Parameter
from app.models.record import TEACHER_SETS
from app.models.report import ReportBatch, ReportItem
from app.models.round import Round
from app.models.saved_view import SavedView
from app.models.transfer import FileGrant
from app.services.storage import Storage
from tests.processes import make_process, make_status_change, prove
from tests.rotations import make_rotation
from tests.transfers import make_transfer
from tests.views.pages import sign_in
from tests.worlds import TeacherRef, sees

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ABSENT, ABSENT_UUID = 99_999_999, "f" * 32
UNITS = ("A1", "A2", "B1", "U")
SET, SINGLE = "learning", "contact"
HOSTS = {"A1": "A2", "A2": "B1", "B1": "U", "U": "A1"}  # Where the teachers of a unit are guests.

# Beginning (or end) of a rule -> the kind of object that its last key names.
KINDS = (
    (r"/views/<int:pk>/delete$", "saved view"),
    (r"^/(api/v1/)?(teacher|draft)/<int:pk>.*/<record(_id)?>", "row"),
    (r"^/rotation/new/", "file"),
    (r"^/(api/v1/rotation|rotations?|flow/rotation|print/rotation)/.*<(int:)?pk>", "rotation"),
    (r"^/(api/v1/guest|guests)/", "guest"),
    (
        r"^/(api/v1/transfer|transfers|transfers/show|flow/transfer|print/transfer)/<int:pk>",
        "transfer",
    ),
    (r"^/transfers/action/", "transfer"),
    (
        r"^/(teacher|draft|opinion|flow/review|status-change/new|review/show|api/v1/(teacher|review|claim|opinion|version|confirmation|hint))/<int:pk>",
        "file",
    ),
    (r"^/(hints/action|api/v1/hint/answer)/", "hint"),
    (r"^/(addition|change)/(new|remove)/<int:teacher>.*/<record>", "row"),
    (r"^/addition/new/<int:teacher>", "file"),
    (r"^/(api/v1/|flow/)?addition/(show/)?<int:pk>", "addition"),
    (r"^/(api/v1/|flow/)?change/(show/)?<int:pk>", "change"),
    (r"^/processes/action/", "change"),
    (r"^/(api/v1/status_change|flow/status_change|status-change)/<int:pk>", "status_change"),
    (r"^/(api/v1/snapshot|former|former/show)/<int:pk>", "snapshot"),
    (r"^/former/action/", "snapshot"),
    (r"^/(teacher|review)/action/", "file"),
    (r"^/record/\w+/action/", "row of a list"),
    (r"^/units/", "unit"),
    (r"^/rounds/", "round"),
    (r"^/corrections/", "correction"),
    (r"^/(duplicates|api/v1/duplicate)/", "duplicate"),
    (r"^/status-changes/", "status_change"),
    (r"^/(reports/progress|jobs|api/v1/job|(review|processes)/outcome)/", "job"),
    (r"^/reports/", "report"),
    (r"^/report-item/", "report item"),
    (r"^/notices/", "notice"),
    (r"^/import/", "import"),
    (r"^/export/", "export"),
    (r"^/attachment/", "attachment"),
    (r"^/(accounts|delegation)/", "assignment"),
    (r"^/audit/", "audit row"),
    (r"^/parameters/", "parameter"),
    (r"^/calendar/", "special day"),
)
# Addresses whose places name what everybody with the page may know: charts, sets, languages …
NAMES: tuple[tuple[str, Mapping[str, str]], ...] = (
    (r"^/charts/progress/", {"name": "units"}),
    (r"^/charts/", {"name": "x"}),
    (r"^/code-choice/", {"set_code": "basic", "field": "sex"}),
    (r"^/codes/", {"name": "sex"}),
    (r"^/indicators/set/", {"code": "basic"}),
    (r"^/indicators/edit/", {"set_code": "basic", "code": "sex", "row": "1"}),
    (r"^/my-file/set/", {"set_code": "basic"}),
    (r"^/guide/flows/", {"name": "review"}),
    (r"^/lang/", {"locale": "zh"}),
    (r"^/static/", {"filename": "x"}),
    (r"^/(swagger|api)/<version>", {"version": "v1"}),
    (r"^/api/v1/review/bulk/", {"step": "confirm"}),
    (r"^/api/v1/(addition|change|status_change)/bulk/", {"step": "approve"}),
    (r"^/api/v1/rotation/bulk/", {"step": "confirm"}),
    (r"^/api/v1/transfer/bulk/", {"step": "issue"}),
)
STEPS = ("confirm", "approve")
# What goes through a flow.
MOVED = ("file", "addition", "change", "status_change", "rotation", "transfer")
# Whence the person comes whom a school has applied for; nobody there knows of it yet.
COMES_FROM = {"A1": "B1", "A2": "A1", "B1": "U", "U": "A2"}


class Thing(NamedTuple):
    """One object: its key, the unit whose it is, the account and the file it belongs to."""

    kind: str
    key: Any
    unit: str
    owner: str = ""
    file: TeacherRef | None = None
    view: str = ""


class Things(dict[str, list[Thing]]):
    """The objects of the world by kind."""

    def foreign_to(self, world: Any, actor: Actor, kind: str, view: str = "") -> Thing | None:
        """One that the actor may not see, or None where the actor sees all of a kind."""
        hidden = [
            each for each in self[kind] if each.view == view and not may_see(world, actor, each)
        ]
        return hidden[actor.account_id % len(hidden)] if hidden else None

    def own_of(self, world: Any, actor: Actor, kind: str, view: str = "") -> Thing | None:
        """One that the actor may see."""
        seen = (e for e in self[kind] if e.view == view and may_see(world, actor, e))
        return next(seen, None)


def may_see(world: Any, actor: Actor, thing: Thing) -> bool:
    """Whether an object lies inside the scope of an actor; written anew, not taken from it."""
    mine = world.actors.get(thing.owner) == actor
    if thing.kind in ("notice", "saved view"):
        return mine
    if thing.kind in ("export", "job", "assignment"):
        return mine or _in_charge(actor, thing.kind, world.units[thing.unit])
    if thing.kind in ("unit", "round", "import"):
        return _unit_is_seen(actor, thing.kind, world.units[thing.unit])
    if thing.kind in ("parameter", "special day", "audit row"):
        return thing.kind != "audit row" or actor.role == Role.CITY_AUDIT
    if thing.kind == "guest":
        return actor.role in KEEPERS and actor.unit_id == world.units[thing.unit].id
    if thing.kind == "transfer":
        return _receives(actor, world.units[thing.unit])
    readers = READERS.get(thing.kind)
    return (readers is None or actor.role in readers) and sees(actor, thing.file)


KEEPERS = frozenset({Role.SCHOOL_INFO, Role.SCHOOL_HEAD})
# Who reads what is about a file in scope, where not all do.
READERS: Mapping[str, Container[Any]] = {
    "hint": (Role.SCHOOL_INFO, Role.TEACHER),
    "duplicate": (Role.CITY_INFO,),
    "snapshot": KEEPERS,
    "report": AUTHORITIES,
}
RECEIVERS = KEEPERS | {Role.DISTRICT_INFO, Role.CITY_INFO, Role.CITY_ASSISTANT}


def _receives(actor: Actor, unit: Any) -> bool:
    """Whether somebody sees an application of a school that is not yet issued."""
    return actor.role in RECEIVERS and _over(actor, unit)


def _in_charge(actor: Actor, kind: str, unit: Any) -> bool:
    if kind == "job":
        return actor.role == Role.CITY_SYSTEM
    if kind == "export":
        return actor.role in APPROVERS and actor.unit_id in (unit.id, unit.authority_id)
    return actor.role in ADMINISTRATORS and _over(actor, unit)


def _unit_is_seen(actor: Actor, kind: str, unit: Any) -> bool:
    if kind == "import":
        return actor.role == Role.SCHOOL_INFO and actor.unit_id == unit.id
    if kind == "round":
        own = actor.unit_id if tier(actor.role) == "district" else actor.authority_id
        return tier(actor.role) == "city" or own == unit.id
    is_public = unit.kind in ("city", "district")
    return _over(actor, unit) or actor.unit_id == unit.id or is_public


APPROVERS = frozenset({Role.SCHOOL_HEAD, Role.SCHOOL_INFO, Role.DISTRICT_INFO, Role.CITY_INFO})
ADMINISTRATORS = frozenset({Role.CITY_SYSTEM, Role.DISTRICT_SYSTEM, Role.SCHOOL_SYSTEM})


def _over(actor: Actor, unit: Any) -> bool:
    own = actor.unit_id
    return {
        "city": True,
        "district": own in (unit.authority_id, unit.id),
        "school": own == unit.id,
    }.get(tier(actor.role), False)


def furnish(app: Flask, session: Session, world: Any) -> Things:
    """Add an object of every kind for each unit, and return all of them by kind."""
    things = Things()
    with system():
        for thing in (
            *_of_files(app, session, world),
            *_of_accounts(session, world),
            *_of_units(app, session, world),
        ):
            things.setdefault(thing.kind, []).append(thing)
        session.commit()
    return things


def _kept(session: Session, row: Any, name: str = "id") -> Any:
    session.add(row)
    session.flush()
    return getattr(row, name)


def _of_files(app: Flask, session: Session, world: Any) -> Iterator[Thing]:
    record = TEACHER_SETS[SET]
    for unit in UNITS:
        for state in ("draft", "effective"):
            file = world.teacher(unit, state)
            uuid = session.scalar(select(record.uuid).where(record.teacher_id == file.id).limit(1))
            yield Thing("file", file.id, unit, file=file)
            yield Thing("row", uuid, unit, file=file)
        place = {"school_id": file.school_id, "authority_id": file.authority_id}
        of_file = place | {"teacher_id": file.id}
        clerk = world.actor("school_info", unit)
        correction = Correction(
            reason="x", opened_by=world.actor("city_info").account_id, opened_at=now(), **of_file
        )
        yield Thing("correction", _kept(session, correction), unit, file=file)
        first, second = sorted((file.id, world.teacher(unit, "submitted").id))
        pair = DuplicateCase(first_id=first, second_id=second, kind="likeness", found_at=now())
        yield Thing("duplicate", _kept(session, pair), unit, file=file)
        uuid = uuid4().hex
        message = CorrectionHint(
            uuid=uuid, set="contact", field="address", record_uuid=uuid, given_at=now(),
            text=seal("x", table="correction_hint", column="text", uuid=uuid),
            given_by=clerk.account_id, **of_file,
        )  # fmt: skip
        yield Thing("hint", _kept(session, message), unit, file=file)
        stored = Storage.of(app.config).write([b"%PDF-1.4"])
        kept = Attachment(
            set="learning", field="attachment", name="a.pdf", mime="application/pdf", size=8,
            digest=stored.digest, stored_name=stored.name, uploaded_by=clerk.account_id, at=now(),
            **of_file,
        )  # fmt: skip
        yield Thing("attachment", _kept(session, kept, "uuid"), unit, file=file)
        batch = ReportBatch(
            number=f"T-{unit}", at=now(), account_id=world.actor("city_info").account_id, count=1,
            state="ready",
        )  # fmt: skip
        yield Thing("report", _kept(session, batch), unit, file=file)
        item = ReportItem(batch_id=batch.id, file_version=1, **of_file)
        yield Thing("report item", _kept(session, item), unit, file=file)
        for flow in ("addition", "change"):
            item = make_process(session, world, file, flow, "pending_authority")
            prove(session, item)
            yield Thing(flow, item.id, unit, file=file)
        item = make_status_change(session, world, file, "pending_authority")
        prove(session, item)
        yield Thing("status_change", item.id, unit, file=file)
        rotation = make_rotation(session, world, file, "pending_out_authority", host=HOSTS[unit])
        yield Thing("rotation", rotation.id, unit, file=file)
        guest = world.teacher(unit, "city_accepted", 2)
        make_rotation(session, world, guest, "active", host=HOSTS[unit])
        yield Thing("guest", guest.id, HOSTS[unit], file=guest)
        person = world.teacher(COMES_FROM[unit], "city_accepted")
        asked = make_transfer(session, world, person, unit, "pending_in_authority")
        yield Thing("transfer", asked.id, unit, file=person)
        kept = FileGrant(teacher_id=file.id, unit_id=file.school_id, at=now(), name=file.name)
        yield Thing("snapshot", _kept(session, kept), unit, file=file)
        row = Audit(at=now(), act="open", outcome="done", teacher_id=file.id)
        yield Thing("audit row", _kept(session, row), unit, file=file)


def _of_accounts(session: Session, world: Any) -> Iterator[Thing]:
    staff = [f"{role}_{unit}" for unit in UNITS for role in ("school_info", "school_head")]
    for key in (*staff, "district_info_A", "district_info_B", "city_info", "teacher_B1"):
        actor, unit = world.actors[key], key.rpartition("_")[2]
        unit = unit if unit in world.units else "city"
        yield Thing("assignment", actor.assignment_id, unit, key)
        notice = Notice(account_id=actor.account_id, event="urge", params={}, at=now())
        yield Thing("notice", _kept(session, notice), unit, key)
        job = Job(
            name="export", state="failed", args={}, account_id=actor.account_id, finished_at=now()
        )
        yield Thing("job", _kept(session, job), unit, key)
        place = {"unit": actor.unit_id, "authority": actor.authority_id}
        export = ExportFile(
            uuid=uuid4().hex, account_id=actor.account_id, at=now(), file_name="x.xlsx",
            expires_at=now() + timedelta(hours=1), purpose="x", approval="waiting",
            request=place,
        )  # fmt: skip
        yield Thing("export", _kept(session, export, "uuid"), unit, key)


def _of_units(app: Flask, session: Session, world: Any) -> Iterator[Thing]:
    day = today()
    for unit in ("A", "B"):
        each = Round(
            name=f"R-{unit}", authority_id=world.units[unit].id, opens_on=day, school_deadline=day,
            authority_deadline=day, city_deadline=day,
        )  # fmt: skip
        yield Thing("round", _kept(session, each), unit)
    for unit, ref in world.units.items():
        yield Thing("unit", ref.id, unit)
    for unit in UNITS:
        clerk, ref = world.actor("school_info", unit), world.units[unit]
        batch = ImportBatch(
            uuid=uuid4().hex, school_id=ref.id, authority_id=ref.authority_id, at=now(),
            account_id=clerk.account_id, file_name="x.xlsx", digest="0", state="checked",
        )  # fmt: skip
        yield Thing("import", _kept(session, batch, "uuid"), unit, f"school_info_{unit}")
    for view in app.appbuilder.baseviews:  # type: ignore[attr-defined]
        yield from _of_view(session, world, view)
    ahead = today() + timedelta(days=40)
    special = SpecialDay(day=ahead, kind="holiday", name_zh="校庆", name_en="x")
    yield Thing("special day", _kept(session, special), "city")
    yield Thing("parameter", session.scalar(select(inspect(Parameter).primary_key[0])), "city")


def _of_view(session: Session, world: Any, view: Any) -> Iterator[Thing]:
    """A saved view of two accounts; of a list of rows also a row of each unit."""
    name = type(view).__name__
    if not hasattr(view, "drop_view"):
        return
    for key in ("school_info_A1", "school_info_B1"):
        saved = SavedView(account_id=world.actors[key].account_id, view=name, name="x")
        yield Thing("saved view", _kept(session, saved), key[-2:], key, view=name)
    if not view.route_base.startswith("/record/"):
        return
    model = view.datamodel.obj
    for unit in UNITS:
        file = world.teacher(unit, "draft")
        key = session.scalar(select(model.id).where(model.teacher_id == file.id).limit(1))
        yield Thing("row of a list", key or ABSENT, unit, file=file, view=name)


def kind_of(rule: str) -> str | None:
    """The kind of object that a rule names, None where it names none."""
    found = (kind for pattern, kind in KINDS if re.search(pattern, rule) and "<" in rule)
    return next(found, None)


def names_of(rule: str) -> Mapping[str, str] | None:
    """The public names of a rule, None where it has none."""
    return next((names for pattern, names in NAMES if re.search(pattern, rule)), None)


def view_of(app: Flask, rule: Any) -> Any:
    """The view object behind a rule."""
    return getattr(app.view_functions[rule.endpoint], "__self__", None)


def methods_of(rule: Any) -> list[str]:
    """The methods that a rule is written for."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def filled(app: Flask, rule: Any, key: Any = 1, record: Any = ABSENT_UUID) -> list[str]:
    """The addresses of a rule with a key in its places, one per name that it can take."""
    view, names = view_of(app, rule), names_of(rule.rule) or {}
    kind = kind_of(rule.rule)
    if "/action/" in rule.rule:
        choices: tuple[str, ...] = tuple(view.actions) or ("x",)
    elif "/tab/" in rule.rule:
        choices = tuple(type(each).__name__ for each in view._related_views) or ("x",)  # noqa: SLF001
    else:
        choices = STEPS if "<step>" in rule.rule and kind in MOVED else ("",)
    set_code = SINGLE if rule.rule.endswith("<set_code>/edit") else SET
    found = []
    for choice in choices:
        values = {
            "pk": key, "teacher": key, "uuid": key, "record": record, "record_id": record,
            "set_code": set_code, "step": choice, "name": choice,
        } | names  # fmt: skip
        place = lambda match, values=values: str(values.get(match[1], "x"))  # noqa: E731
        found.append(re.sub(r"<(?:\w+:)?(\w+)>", place, rule.rule))
    return found


class Browser:
    """A client with the session of an actor, and the token of its forms."""

    FORM: Mapping[str, str] = {
        "reason": "核对", "version": "1", "_version": "1", "purpose": "核对", "none": "1",
        "until": "2030-01-01",
    }  # fmt: skip

    def __init__(self, app: Flask, world: Any, key: str, language: str = "zh") -> None:
        self.app, self.world, self.key = app, world, key
        self.client = sign_in(app, world, key, language)
        self.token = token_for(self.client)
        self._bearer: dict[str, str] | None = None

    @property
    def bearer(self) -> dict[str, str]:
        """The header of a program that signed in as the same actor."""
        if self._bearer is None:
            body = {"username": self.world.usernames[self.key], "password": self.world.password}
            answer = self.app.test_client().post(
                "/api/v1/security/login", json=body | {"provider": "db"}
            )
            self._bearer = {"Authorization": f"Bearer {answer.json['access_token']}"}
        return self._bearer

    def send(self, address: str, method: str = "GET", **form: Any) -> Any:
        """Send a request as a page or a program does; an address of the API takes the token."""
        if address.startswith("/api/"):
            body = form or {"version": 1, "reason": "x"} if method in UNSAFE else None
            plain = self.app.test_client()
            return plain.open(address, method=method, json=body, headers=self.bearer)
        body = {"csrf_token": self.token, **self.FORM, **form} if method in UNSAFE else None
        return self.client.open(address, method=method, data=body, buffered=True)


def token_for(client: Any) -> str:
    """The token of the forms of a client's session."""
    page = client.get("/").text or client.get("/login/").text
    found = re.search(r'csrf-token" content="([^"]+)"', page)
    found = found or re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    return found[1] if found else ""


def roles_and_places() -> list[str]:
    """The keys of all actors of the world, known before it is built."""
    return [
        *(role for role in Role if tier(role) == "city"),
        *(f"{role}_{unit}" for role in Role if tier(role) == "district" for unit in ("A", "B")),
        *(f"{role}_{unit}" for role in Role if tier(role) == "school" for unit in UNITS),
        *(f"teacher_{unit}" for unit in UNITS),
    ]


def lines(found: list[Any]) -> str:
    """What a fence found, one line each."""
    return "\n".join(map(str, found))
