"""Pages in the states in which people work at them: opened, marked, asked, refused, on a phone."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest
from babel.messages.pofile import read_po
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.access.roles import Role
from app.exchange.teacher_import import batch as imports
from app.extensions import db
from app.models.exchange import ImportBatch
from app.models.report import ReportBatch
from app.services.storage import Storage
from app.workflows.review import REVIEW
from config import ROOT
from tests.browser.conftest import DESK, PHONE, Person
from tests.exchange.imports import Importing, book_of, edited, people, put
from tests.processes import make_process, prove

pytestmark = pytest.mark.browser


class Scene(NamedTuple):
    """Who opens which page, what is done on it before it is looked at, and what it answers."""

    who: str
    path: str
    act: Callable[[Person], None] | None = None
    status: int = 200


def open_filter(person: Person) -> None:
    """Open the filter panel and wait for its controls."""
    person.page.click("[data-toggle]")
    person.page.locator("[id^=filters-] [name^=_flt_]:visible").first.wait_for()
    person.settle()


def mark_row(person: Person) -> None:
    """Mark the first row: the bar of acts appears."""
    person.page.locator("input[name=rowid]").first.check()
    person.page.locator("[data-bulk]").wait_for()


def ask_reason(person: Person) -> None:
    """Choose to return the marked row, and send it without the reason."""
    mark_row(person)
    person.page.locator("[data-bulk] button[data-dialog$='-return']").click()
    dialog = person.page.locator("dialog[open]")
    dialog.locator("[data-send]").click()
    dialog.locator("[data-missing]").wait_for()


def ask_reason_of_one(person: Person) -> None:
    """Open the dialog of a return on the page of one file."""
    person.page.click("button[data-dialog='#step-return']")
    person.page.locator("dialog[open]").wait_for()


def ask_reason_of_a_rejection(person: Person) -> None:
    """Open the dialog of a rejection on the page of a change."""
    person.page.click("button[data-dialog='#step-reject']")
    person.page.locator("dialog[open]").wait_for()


def scenes(site: Any) -> dict[str, Scene]:
    """The scenes by name; what they show is made first."""
    world = site.world
    batch, report = an_import(site), a_report(site)
    waiting = world.teacher("A1", "school_confirmed").id
    queue = "/review/list/?_flt_0_state=school_confirmed"
    homes = {f"home of {role}": Scene(key, "/") for role, key in role_keys(world)}
    return homes | {
        "filter of files": Scene("school_info_A1", "/teacher/list/", open_filter),
        "filter of the queue": Scene("district_info_A", queue, open_filter),
        "queue with a row marked": Scene("district_info_A", queue, mark_row),
        "reason that is missing": Scene("district_info_A", queue, ask_reason),
        "file in review": Scene("district_info_A", f"/review/show/{waiting}"),
        "reason of one": Scene("district_info_A", f"/review/show/{waiting}", ask_reason_of_one),
        **change_scenes(site),
        "import preview": Scene("school_info_A1", f"/import/{batch}"),
        "refused rows": Scene("school_info_A1", f"/import/{batch}?kind=refused"),
        "nothing there": Scene("school_info_A1", "/teacher/99999999", status=404),
        "not allowed": Scene("school_info_A1", "/reports/new", status=403),
        "monitoring": Scene("city_info", "/monitor/list/"),
        "monitoring of a district": Scene("district_info_A", "/monitor/list/"),
        "order of a report": Scene("city_info", "/reports/new"),
        "report": Scene("city_info", f"/reports/show/{report}"),
        "reports": Scene("district_info_A", "/reports/list/"),
        "rounds": Scene("city_info", "/rounds/list/"),
        "round": Scene("city_info", "/rounds/show/1"),
        "new round": Scene("city_info", "/rounds/add"),
        "files": Scene("city_info", "/teacher/list/"),
        "jobs": Scene("city_system", "/jobs/list/"),
    }


def change_scenes(site: Any) -> dict[str, Scene]:
    """A change that is drafted, one that waits for its approval, and where they are listed."""
    file = site.world.teacher("A1", "effective")
    with site.app.app_context():
        session = db.session()
        sent = make_process(session, site.world, file, "change", "pending_authority",
                            set_code="contact", values={"mobile": "13912345678"})  # fmt: skip
        prove(session, sent)
        draft = make_process(session, site.world, file, "change", "draft")
        make_process(session, site.world, file, "addition", "pending_school")
        session.commit()
    review, clerk = f"/change/show/{sent.id}", "school_info_A1"
    return {
        "change in review": Scene("district_info_A", review),
        "reason of a rejection": Scene("district_info_A", review, ask_reason_of_a_rejection),
        "draft of a change": Scene(clerk, f"/change/show/{draft.id}"),
        "form of a change": Scene(clerk, f"/change/{draft.id}/edit"),
        "set with what is open of it": Scene(clerk, f"/teacher/{file.id}/set/learning"),
        "additions and changes": Scene("district_info_A", "/processes/list/", mark_row),
    }


def role_keys(world: Any) -> Iterator[tuple[str, str]]:
    """One account of each role."""
    for role in Role:
        yield role, next(key for key, actor in world.actors.items() if actor.role == role)


def an_import(site: Any) -> str:
    """A checked batch of A1 with good rows and a refused one; its uuid."""
    actor = site.world.actors["school_info_A1"]
    with site.app.app_context(), acting_as(actor):
        school = Importing(db.session(), actor, Storage.of(site.app.config))
        wanted = people(school.session, school.school, 3)
        content = edited(book_of(school, wanted), put("learning", "learning.education", "错"))
        batch = imports.stage(school.session, actor, school.storage, "教师.xlsx", content)
        uuid = batch.uuid
        db.session.commit()
    site.work()
    with site.app.app_context(), acting_as(actor):
        state = db.session.scalar(select(ImportBatch.state).where(ImportBatch.uuid == uuid))
        assert state == imports.CHECKED
    return uuid


def a_report(site: Any) -> int:
    """A report to the Ministry that is ready; its id."""
    city = site.world.actors["city_info"]
    with site.app.app_context(), acting_as(city):
        files = [site.world.teacher("A1", "city_accepted", n).id for n in (1, 2)]
        REVIEW.perform_many(db.session(), dict.fromkeys(files), "report", city)
        db.session.commit()
    site.work()
    with site.app.app_context(), system():
        return db.session.scalars(select(ReportBatch.id)).one()


@cache
def messages() -> dict[str, str]:
    """The Chinese words by message id, those that differ and hold no place for a value."""
    path = ROOT / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as stream:
        found = {m.id: m.string for m in read_po(stream, locale="zh") if isinstance(m.id, str)}
    return {id: words for id, words in found.items() if id and id != words and "%(" not in id}


def foreign(person: Person, language: str) -> list[str]:
    """The words of the page that stand in the other language."""
    strange = set(messages() if language == "zh" else messages().values())
    return [f"untranslated: {each}" for each in person.words() if each in strange]


# Each page is worked at in one size and looked at in both: a dialog that was opened on the phone
# stays open at the desk.
SIZES = {"zh": (DESK, PHONE), "en": (PHONE, DESK)}


@pytest.mark.parametrize("language", SIZES)
def test_pages_at_work_are_accessible_translated_and_fit(site: Any, language: str) -> None:
    faults, people_at_work = {}, {}
    first, other = SIZES[language]
    for name, scene in scenes(site).items():
        person = people_at_work.get(scene.who)
        if person is None:
            person = site.sign_in(scene.who, size=first, language=language)
            people_at_work[scene.who] = person
        person.resize(first)
        person.go(scene.path, scene.status)
        if scene.act:
            scene.act(person)
        found = looked_at(person, language)
        person.resize(other)
        found += looked_at(person, language)
        if found:
            faults[name] = found

    assert faults == {}


def looked_at(person: Person, language: str) -> list[str]:
    """What is wrong with the page as it stands, in this size."""
    width = person.page.viewport_size["width"]
    found = [*person.faults(), *foreign(person, language)]
    found += [] if person.fits() else ["stands out sideways"]
    return [f"{width} points: {each}" for each in found]
