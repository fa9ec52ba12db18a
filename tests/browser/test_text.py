"""What people typed stays text on every page, in charts and in dialogs (SEC-30)."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.access.actor import system
from app.core.clock import now, today
from app.extensions import db
from app.models.account import Account
from app.models.correction import Correction
from app.models.exchange import ImportBatch
from app.models.history import Transition
from app.models.job import Job, JobState
from app.models.notice import Notice
from app.models.record import TEACHER_SETS
from app.models.round import Extension, Round
from app.models.saved_view import SavedView
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import audit, compare
from app.services.attachment import is_file

pytestmark = pytest.mark.browser

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "<svg onload=alert(3)>",
    "</script><script>alert(4)</script>",
    "</textarea><script>alert(5)</script>",
    "</title><img src=x onerror=alert(6)>",
    "javascript:alert(7)",
    "{{7*7}}",
    "${7*7}",
    "'onfocus='alert(10)' autofocus='",
    "&lt;script&gt;alert(11)&lt;/script&gt;",
    "王\u2028<!--",
)
# What only an injection would bring: our pages have no code of their own in them.
INJECTED = """() => {
  const query = "[onerror],[onload],[onfocus],img[src='x'],svg[onload],[href^='javascript:'],"
    + "script:not([src]):not([type='application/json'])";
  return [...document.querySelectorAll(query)].map(each => each.outerHTML.slice(0, 120));
}"""
SHOWN = """() => [
  document.title, document.body.textContent,
  ...[...document.querySelectorAll("input,textarea")].map(each => each.value + each.placeholder),
  ...[...document.querySelectorAll("[title],[aria-label],[data-confirm]")].map(each =>
    each.title + "\\n" + each.getAttribute("aria-label") + "\\n" + each.dataset.confirm),
].join("\\n")"""
OPEN_DIALOGS = "button[data-dialog]:visible"


class Watch:
    """Looks at pages: no dialog, no injected node; remembers what they show."""

    def __init__(self, site: Any, key: str) -> None:
        self.person = site.sign_in(key)
        self.page = self.person.page
        self.faults: list[str] = []
        self.text = ""
        self.page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"{self.page.url}: dialog {dialog.message}")
        dialog.dismiss()

    def look(self, path: str) -> None:
        """Open a page, its dialogs, and run over its drawings."""
        answer = self.page.goto(self.person.site.base + path, wait_until="load")
        if answer is None or answer.status >= 500:
            self.faults.append(f"{path}: {answer and answer.status}")
            return
        self.note()
        for drawing in self.page.locator("canvas").all()[:3]:
            self._hover(drawing)
        for button in self.page.locator(OPEN_DIALOGS).all()[:4]:
            button.click()
            self.note()
            self.page.keyboard.press("Escape")

    def _hover(self, drawing: Any) -> None:
        box = drawing.bounding_box()
        if box is None:
            return
        drawing.scroll_into_view_if_needed()
        for part in (0.2, 0.5, 0.8):
            drawing.hover(position={"x": box["width"] * 0.4, "y": box["height"] * part})
            self.page.wait_for_timeout(60)
            self.note()

    def note(self) -> None:
        """Take down what the page is like at this moment."""
        self.text += "\n" + self.page.evaluate(SHOWN)
        self.faults += [f"{self.page.url}: {each}" for each in self.page.evaluate(INJECTED)]


def plant(site: Any) -> dict[str, int]:
    """Put the texts wherever people may type some; returns what the addresses need."""
    with site.app.app_context(), system():
        session, world = db.session(), site.world
        turn = cycle(PAYLOADS)
        open_files = [t for t in world.of("A1") if t.state in ("draft", "submitted", "returned")]
        ids = [each.id for each in open_files]
        found = session.scalars(select(Teacher).where(Teacher.id.in_(ids))).all()
        compare.keep(session, found, "return", world.catalog)
        for file, text in zip(found, turn, strict=False):
            file.name = text
            if file.return_notes:
                file.return_notes = {
                    "reason": next(turn),
                    "fields": {"basic.name": next(turn), "contact.address": next(turn)},
                }
        for set_code, cls in TEACHER_SETS.items():
            for file in ids:
                values = dict(_texts(world, set_code, turn))
                if values:
                    session.execute(update(cls).where(cls.teacher_id == file).values(values))
        for key in ("A", "A1", "A2"):
            unit = session.get_one(Unit, world.units[key].id)
            unit.name, unit.name_en = next(turn), next(turn)
        batch = _surroundings(session, world, turn, ids)
        session.commit()
        return {"batch": batch}


def _texts(world: Any, set_code: str, turn: Iterator[str]) -> Iterator[tuple[str, str]]:
    stored = TEACHER_SETS[set_code].indicator_set.indicators
    for item in stored:
        free = item.data_type == "text" and not item.read_only and not is_file(item)
        if free and item.pii_level != "encrypt" and item.code != "name":
            text = next(turn)
            if len(text) <= (item.max_length or 0):
                yield item.code, text


def _surroundings(session: Any, world: Any, turn: Iterator[str], ids: list[int]) -> str:
    """Round, reasons, corrections, notices, jobs, imports, saved views, accounts, the audit log."""
    each = session.scalars(select(Round)).first()
    each.name = next(turn)
    school, district = world.units["A1"], world.units["A"]
    clerk, officer = world.actors["school_info_A1"], world.actors["district_info_A"]
    session.add(Extension(round_id=each.id, unit_id=school.id, until=today() + timedelta(days=25),
                          reason=next(turn), granted_by=officer.account_id))  # fmt: skip
    place = {"school_id": school.id, "authority_id": district.id}
    for file in ids:
        session.add(Correction(teacher_id=file, **place, reason=next(turn), opened_at=now(),
                               opened_by=officer.account_id))  # fmt: skip
        row = {"flow": "review", "object_id": file, "teacher_id": file, "step": "return",
               "from_state": "submitted", "to_state": "returned", "role": "school_head",
               "account_id": officer.account_id, "assignment_id": officer.assignment_id,
               "unit_id": district.id, **place, "at": now(), "reason": next(turn),
               "field_reasons": {"basic.name": next(turn)}, "object_version": 9}  # fmt: skip
        session.execute(insert(Transition), [row])
    for text in PAYLOADS:
        for actor in (clerk, officer, world.actors["teacher_A1"]):
            params = {"count": 1, "reason": text, "name": text, "unit": text}
            session.add(Notice(account_id=actor.account_id, event="file_returned", params=params,
                               at=now()))  # fmt: skip
        session.add(SavedView(account_id=clerk.account_id, view="TeacherView", name=text[:60]))
        audit.record(session, "print", actor=officer, object=("teacher", ids[0], ids[0]),
                     reason=text, detail={"note": text})  # fmt: skip
    for actor, text in zip((clerk, officer, world.actors["school_head_A1"]), turn, strict=False):
        account = session.get_one(Account, actor.account_id)
        account.first_name, account.last_name = text, ""
    session.add(Job(name="import_check", state=JobState.FAILED, error=next(turn),
                    finished_at=now(), account_id=clerk.account_id, school_id=school.id,
                    assignment_id=clerk.assignment_id))  # fmt: skip
    session.add(ImportBatch(uuid="a" * 32, **place, account_id=clerk.account_id, at=now(),
                            file_name=PAYLOADS[1], digest="0" * 64, state="failed"))  # fmt: skip
    session.flush()
    return "a" * 32


def pages_of(world: Any, batch: str) -> dict[str, list[str]]:
    """Who opens what."""
    file, sent = world.teacher("A1", "draft").id, world.teacher("A1", "submitted").id
    back = world.teacher("A1", "returned").id
    sets = [entry.code for entry in world.catalog.category_sets("primary_secondary")]
    return {
        "school_info_A1": [
            "/", "/teacher/list/", f"/teacher/{file}", f"/teacher/{back}",
            *(f"/teacher/{file}/set/{code}" for code in sets),
            f"/teacher/{file}/set/basic/edit", f"/teacher/{file}/set/contact/edit",
            "/notices/list/", "/import/list/", f"/import/{batch}", "/jobs/list/",
            "/record/basic/list/",
            "/record/work/list/", "/record/learning/list/", "/corrections/list/",
        ],
        "district_info_A": [
            "/", "/review/list/", f"/review/show/{sent}", "/charts/progress/chart/",
            "/charts/staff/chart/", "/charts/districts/chart/", "/monitor/list/", "/rounds/list/",
            "/units/list/", "/notices/list/",
        ],
        "teacher_A1": ["/my-file/", "/my-file/set/basic", "/my-file/history", "/my-file/readers"],
        "city_audit": ["/audit/list/"],
        "city_system": ["/accounts/list/"],
    }  # fmt: skip


def test_what_people_typed_is_never_carried_out(site: Any) -> None:
    batch = plant(site)["batch"]
    faults, text = [], ""

    for key, paths in pages_of(site.world, batch).items():
        watch = Watch(site, key)
        for path in paths:
            watch.look(path)
        if key == "school_info_A1":
            _history(watch, site.world.teacher("A1", "draft").id)
            _print(watch, site.world.teacher("A1", "draft").id)
        faults += watch.faults
        text += watch.text
        watch.page.context.close()

    assert faults == []
    assert [each for each in PAYLOADS if each not in text] == []


def _history(watch: Watch, file: int) -> None:
    """The timeline, a part of the file that is loaded when it is asked for."""
    watch.page.goto(watch.person.site.base + f"/teacher/{file}", wait_until="load")
    watch.page.click("#tab-history")
    watch.page.wait_for_selector("#history > *")
    watch.person.settle()
    watch.note()


def _print(watch: Watch, file: int) -> None:
    """The sheet for the printer, which is posted."""
    watch.page.goto(watch.person.site.base + f"/teacher/{file}", wait_until="load")
    watch.page.evaluate(
        """file => {
          const form = document.createElement("form");
          form.method = "post"; form.action = "/print/sheet";
          const token = document.querySelector("[name=csrf_token]").value;
          for (const [name, value] of Object.entries(
            {id: file, kind: "file", purpose: "<svg onload=alert(3)>", csrf_token: token})) {
            const input = document.createElement("input");
            input.name = name; input.value = value; form.append(input);
          }
          document.body.append(form); form.submit();
        }""",
        file,
    )
    watch.page.wait_for_selector(".p-sheet")
    watch.note()
