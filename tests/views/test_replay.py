"""What a clerk could reach of a file before it left stops to work in the open session (SEC-06).

Everything is recorded as the clerk of the sending school finds it: the pages that lead on from the
file, every address of the map that names something of it, and the forms that lie open. Then the
receiving school takes the file, and the same session sends all of it again.
"""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from app.access.actor import system
from app.core.clock import now
from app.core.crypto import seal
from app.models.attachment import Attachment
from app.models.correction import Correction
from app.models.exchange import ExportFile
from app.models.hint import CorrectionHint
from app.models.notice import Notice
from app.models.record import TEACHER_SETS
from app.models.transfer import FileGrant
from app.services.storage import Storage
from tests.invariants.addresses import (
    ABSENT,
    ABSENT_UUID,
    SET,
    UNSAFE,
    Browser,
    filled,
    kind_of,
    lines,
    methods_of,
)
from tests.invariants.test_foreign_ids import rows_of
from tests.processes import make_process, make_status_change, prove
from tests.rotations import make_rotation
from tests.transfers import PLACED, make_transfer
from tests.views.test_record_form import shown_values

pytestmark = pytest.mark.wide

CLERK, TAKER = "school_info_B1", "school_info_A1"
LIVE = 200
# What the former school keeps: the process that it took part in, which it may read and not act
# on, and its own letters, which lead to no file any more. The frozen copy of the file is a thing
# of its own, which is there only afterwards.
KEPT = re.compile(r"^/((api/v1/|flow/|print/)?transfer|transfers(/show)?|transfers/action/\w+)/\d+")
LETTER = re.compile(r"^/notices/")
FEWEST = 40
# Pages of a set are alike; one of each sort: one row, many, of the core, with a proof, of pay.
SETS = ("basic", "contact", "work", "treatment", SET)
FILLED = {"purpose": "核对", "reason": "核对"}
LINKS = re.compile(r'(?:href|data-src|data-url|data-href|src)="(/[^"#]+)')
FORMS = re.compile(r"<form\b(?P<head>[^>]*)>(?P<body>.*?)</form>", re.DOTALL)


class Request(NamedTuple):
    """Something that was sent, or lay ready to be sent."""

    method: str
    address: str
    form: tuple[tuple[str, Any], ...] = ()


class Found(NamedTuple):
    """What stands on the pages about a file: those that answered, and the forms on them."""

    pages: list[Request]
    forms: list[Request]


@pytest.fixture
def belongings(app: Any, session: Any, world: Any) -> dict[str, Any]:
    """By kind the key of something of a file in force.

    "proof" is what proves its addition; "export" and "notice" are the clerk's own.
    """
    file, clerk = world.teacher("B1", "effective"), world.actors[CLERK]
    place = {"school_id": file.school_id, "authority_id": file.authority_id}
    of_file = place | {"teacher_id": file.id}
    kept = Storage.of(app.config).write([b"%PDF-1.4"])
    record = TEACHER_SETS[SET]
    made = {"file": file.id, "guest": ABSENT, "snapshot": ABSENT, "transfer": ABSENT}
    with system():
        made["row"] = session.scalar(select(record.uuid).where(record.teacher_id == file.id))
        made["row of a list"] = session.scalar(
            select(record.id).where(record.teacher_id == file.id)
        )
        added = make_process(session, world, file, "addition", "rejected")
        made["addition"] = added.id
        made["proof"] = prove(session, added, stored_name=kept.name)
        made["change"] = make_process(session, world, file, "change", "pending_authority").id
        made["status_change"] = make_status_change(session, world, file, "withdrawn").id
        made["rotation"] = make_rotation(session, world, file, "ended", host="A2").id
        uuid = uuid4().hex
        for kind, row in {
            "correction": Correction(
                reason="x", opened_by=clerk.account_id, opened_at=now(), **of_file
            ),
            "hint": CorrectionHint(
                uuid=uuid, set="contact", field="address", record_uuid=uuid, given_at=now(),
                text=seal("x", table="correction_hint", column="text", uuid=uuid),
                given_by=clerk.account_id, **of_file,
            ),
            "attachment": Attachment(
                set=SET, field="attachment", name="a.pdf", mime="application/pdf", size=8,
                digest=kept.digest, stored_name=kept.name, uploaded_by=clerk.account_id, at=now(),
                record_uuid=made["row"], **of_file,
            ),
            "export": ExportFile(
                uuid=uuid4().hex, account_id=clerk.account_id, at=now(), file_name="x.xlsx",
                expires_at=now() + timedelta(hours=1), purpose="x", approval="none",
                request={"unit": clerk.unit_id, "authority": clerk.authority_id},
                stored_name=kept.name, rows=1,
            ),
            "notice": Notice(
                account_id=clerk.account_id, event="change_rejected", params={}, at=now(),
                teacher_id=file.id, unit_id=clerk.unit_id,
            ),
        }.items():  # fmt: skip
            session.add(row)
            session.flush()
            made[kind] = row.uuid if kind in ("attachment", "export") else row.id
        session.commit()
    return made


def asked(app: Any, made: dict[str, Any], unsafe: bool) -> Iterator[Request]:
    """Each address of the map that names something of the file, whatever it may be."""
    for rule in app.url_map.iter_rules():
        kind = kind_of(rule.rule)
        key = made.get("file" if kind == "row" else str(kind))
        if key is None or (kind == "row of a list" and f"/{SET}/" not in rule.rule):
            continue
        plain = SimpleNamespace(
            rule=rule.rule.replace("evidence/<uuid>", f"evidence/{made.get('proof')}"),
            endpoint=rule.endpoint,
        )
        methods = [each for each in methods_of(rule) if (each in UNSAFE) == unsafe]
        for address in filled(app, plain, key, made.get("row")):
            yield from (Request(method, address) for method in methods)


def is_about(app: Any, made: dict[str, Any], each: Request) -> bool:
    """Whether the address of a request, or what it carries, names something of the file."""
    if str(made.get("file")) in dict(each.form).values():
        return True
    try:
        path = urlsplit(each.address).path
        rule, values = app.url_map.bind("").match(path, each.method, return_rule=True)
    except HTTPException:
        return False
    if values.get("set_code", SET) not in SETS:
        return False
    kind = kind_of(rule.rule)
    key = made.get("file" if kind == "row" else str(kind))
    named = values.get("pk", values.get("teacher", values.get("uuid")))
    return key is not None and str(named) == str(key)


def crawl(browser: Browser, made: dict[str, Any]) -> Found:
    """Follow what leads on about the file, and note the pages and the forms on them."""
    todo = [each.address for each in asked(browser.app, made, unsafe=False)]
    seen: set[str] = set(todo)
    pages, forms = [], []
    while todo:
        address = todo.pop()
        answer = browser.send(address)
        if answer.status_code != LIVE:
            continue
        pages.append(Request("GET", address))
        if answer.mimetype != "text/html":
            continue
        forms += [
            each for each in _forms(answer.text, address) if is_about(browser.app, made, each)
        ]
        for link in map(html.unescape, LINKS.findall(answer.text)):
            if link not in seen and is_about(browser.app, made, Request("GET", link)):
                seen.add(link)
                todo.append(link)
    return Found(pages, [*{(each.address, _words(each)): each for each in forms}.values()])


def _words(each: Request) -> tuple[tuple[str, Any], ...]:
    """What a form says, without the key that is new on every page."""
    return tuple(pair for pair in each.form if not pair[0].startswith("_once"))


def _forms(page: str, here: str) -> Iterator[Request]:
    for form in FORMS.finditer(page):
        if 'method="post"' not in form["head"].lower():
            continue
        action = re.search(r'action="([^"]*)"', form["head"])
        values = {
            name: html.unescape(value) if isinstance(value, str) else tuple(value)
            for name, value in (shown_values(form["body"]) | FILLED).items()
        }
        address = html.unescape(action[1]) if action and action[1] else here
        yield Request("POST", address, tuple(values.items()))


def sent(browser: Browser, each: Request) -> Any:
    """The answer to a recorded request, sent as it stands."""
    if each.form:
        data = {name: list(v) if isinstance(v, tuple) else v for name, v in each.form}
        return browser.client.post(each.address, data=data, buffered=True)
    return browser.send(each.address, each.method)


def like_absent(browser: Browser, made: dict[str, Any], each: Request, answer: Any) -> bool:
    """Whether the answer is 404, or that of the same request about what never was."""
    if answer.status_code == 404:
        return True
    keys = sorted({str(key) for key in made.values()}, key=len, reverse=True)
    path = "/".join(
        (ABSENT_UUID if len(part) == len(ABSENT_UUID) else str(ABSENT)) if part in keys else part
        for part in each.address.split("/")
    )
    absent = sent(browser, each._replace(address=path))
    told = [(a.status_code, a.headers.get("Location")) for a in (answer, absent)]
    return path != each.address and told[0] == told[1]


def is_kept(made: dict[str, Any], each: Request, answer: Any) -> bool:
    """Whether the former school keeps what was asked for, and no more than to read it."""
    if LETTER.match(each.address):
        return not answer.headers.get("Location", "").endswith(f"/{made['file']}")
    if not KEPT.match(each.address):
        return False
    is_told = each.method == "GET" or "/action/" in each.address  # Rows are refused one by one.
    return answer.status_code in ((LIVE,) if is_told else (400, 403, 409, 422))


def test_nothing_of_a_file_that_left_answers_in_the_open_session(
    app: Any, session: Any, world: Any, belongings: dict[str, Any]
) -> None:
    made, clerk = belongings, Browser(app, world, CLERK)
    assert clerk.bearer
    before = crawl(clerk, made)
    file = world.teacher("B1", "effective")
    withdrawn = clerk.send(f"/flow/change/{made['change']}/withdraw", "POST", _version="2")
    assert withdrawn.status_code == 302
    made["transfer"] = make_transfer(session, world, file, "A1", "ready_to_take").id
    session.commit()
    for found, more in zip(before, crawl(clerk, {"transfer": made["transfer"]}), strict=True):
        found += [each for each in more if each not in found]
    acts = list(asked(app, made, unsafe=True))
    assert len(before.pages) >= FEWEST, lines(before.pages)
    assert len(before.forms) >= FEWEST, lines(before.forms)

    take = f"/transfers/{made['transfer']}/take"
    taken = Browser(app, world, TAKER).send(take, "POST", _version="5", **PLACED)
    assert taken.status_code == 302
    with system():
        grant = session.scalar(select(FileGrant.id).where(FileGrant.teacher_id == made["file"]))
    after_taking = rows_of(session, world, "B1")

    still = [
        (each.method, each.address, answer.status_code, answer.headers.get("Location"))
        for each in (*before.pages, *before.forms, *acts)
        for answer in [sent(clerk, each)]
        if not (is_kept(made, each, answer) or like_absent(clerk, made, each, answer))
    ]
    assert not still, f"{len(still)}\n{lines(still)}"
    rows = rows_of(session, world, "B1")
    changed = {name for name in rows if rows[name] != after_taking[name]}
    assert changed <= {"notice"}  # A letter was read.
    assert clerk.send(f"/former/show/{grant}").status_code == LIVE
