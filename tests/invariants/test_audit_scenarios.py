"""Every act of the registry is carried out and leaves exactly one whole audit row (SEC-43).

Whoever adds an act writes here how it comes about; an act without a scenario fails.
"""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple
from unittest import mock

import pytest
from PIL import Image
from sqlalchemy import func, select

from app.access.actor import system
from app.core.clock import now, today
from app.core.crypto import ring_in_use
from app.jobs import worker
from app.models.account import Assignment
from app.models.exchange import ExportFile
from app.models.history import Audit
from app.models.key import KeyFingerprint
from app.models.record import TEACHER_SETS
from app.models.unit import Unit
from app.services import audit
from app.services import job as queue
from tests.exchange.imports import filled, people
from tests.invariants.addresses import Browser, Things, furnish
from tests.views.pages import token_of
from tests.views.test_admin_lists import change as change_parameter
from tests.views.test_record_form import save
from tests.views.test_report import order

CLERK, HEAD, DISTRICT, CITY = "school_info_A1", "school_head_A1", "district_info_A", "city_info"
TYPED = {"mobile": "16912345678", "emergency_phone": "16812345678", "cert_no": "TYPED-8341"}
REQUEST, JOB = r"[0-9a-f]{16}", r"job-\d+-1"


class Stage:
    """Where a scenario plays: the application, its world, an object of each kind per unit."""

    def __init__(self, app: Any, session: Any, world: Any) -> None:
        self.app, self.session, self.world = app, session, world

    @cached_property
    def things(self) -> Things:
        return furnish(self.app, self.session, self.world)

    def own(self, kind: str, key: str, view: str = "") -> Any:
        """The key of an object that an actor may see."""
        found = self.things.own_of(self.world, self.world.actors[key], kind, view)
        assert found is not None
        return found.key

    def send(self, key: str, address: str, method: str = "POST", **form: Any) -> Any:
        """Send a request as an actor; it is taken."""
        answer = Browser(self.app, self.world, key).send(address, method, **form)
        assert answer.status_code < 400, (answer.status_code, answer.text[-2000:])
        return answer

    def record(self, key: int, set_code: str) -> Any:
        """Uuid and version of the first row of a set of a file."""
        cls = TEACHER_SETS[set_code]
        with system():
            asked = select(cls.uuid, cls.version).where(cls.teacher_id == key)
            return self.session.execute(asked.order_by(cls.id)).first()

    def work(self) -> None:
        """Carry out the jobs that wait, and nothing of the timetable."""
        with self.app.app_context(), mock.patch.object(worker, "tick"):
            worker.Worker(self.app.extensions[worker.EXTENSION]).run(once=True)

    def command(self, *args: str) -> None:
        """Run a command of operation; it succeeds."""
        ended = self.app.test_cli_runner().invoke(args=list(args))
        assert ended.exit_code == 0, ended.output

    def log_in(self, key: str, password: str) -> Any:
        client = self.app.test_client()
        token = token_of(client.get("/login/").text)
        form = {"username": self.world.usernames[key], "password": password, "csrf_token": token}
        return client.post("/login/", data=form)


class Scenario(NamedTuple):
    """How an act comes about, and what its row says: by whom, of what, with which outcome."""

    play: Callable[[Stage], Any]
    by: str | None
    of: str | None
    outcome: str
    via: str | None


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    act: str, by: str | None, of: str | None, outcome: str = "done", via: str | None = REQUEST
) -> Callable[[Any], Any]:
    """Enter a scenario into the table; `via` is the shape of the request id, None for commands."""

    def enter(play: Callable[[Stage], Any]) -> Any:
        SCENARIOS[act] = Scenario(play, by, of, outcome, via)
        return play

    return enter


@scenario("sign_in", CLERK, "ab_user")
def sign_in_by_form(stage: Stage) -> None:
    assert stage.log_in(CLERK, stage.world.password).status_code == 302


@scenario("sign_in_failed", None, "ab_user", outcome="failed")
def sign_in_with_a_wrong_password(stage: Stage) -> None:
    stage.log_in(CLERK, "wrong")


@scenario("sign_out", CLERK, "ab_user")
def sign_out_by_form(stage: Stage) -> None:
    stage.send(CLERK, "/logout/")


@scenario("locked", CLERK, "ab_user")
def fail_five_times(stage: Stage) -> None:
    for _attempt in range(5):
        stage.log_in(CLERK, "wrong")


@scenario("session_end", CLERK, None)
def go_on_under_another_assignment(stage: Stage) -> None:
    wanted = stage.world.actors[CLERK].assignment_id
    stage.send(CLERK, "/assignment/switch", assignment=wanted)


@scenario("role_grant", HEAD, "assignment")
def appoint_a_delegate(stage: Stage) -> None:
    account = stage.world.actors[CLERK].account_id
    days = {"since": today().isoformat(), "until": (today() + timedelta(days=9)).isoformat()}
    stage.send(HEAD, "/delegation/appoint", account=account, **days)


@scenario("role_revoke", HEAD, "assignment")
def end_a_delegation(stage: Stage) -> None:
    appoint_a_delegate(stage)
    with system():
        query = select(Assignment.id).where(Assignment.delegated_from.is_not(None))
        made = stage.session.scalar(query)
    stage.send(HEAD, f"/delegation/{made}/end")


@scenario("account", None, "ab_user", via=None)
def make_the_first_administrator(stage: Stage) -> None:
    args = ("--username", "first", "--name", "x", "--password", "Long-enough-8341")
    stage.command("create-admin", *args)


@scenario("open_file", DISTRICT, "teacher")
def open_a_file(stage: Stage) -> None:
    stage.send(DISTRICT, f"/teacher/{stage.world.teacher('A1', 'draft').id}", "GET")


def reveal_a_number(stage: Stage) -> Any:
    file = stage.world.teacher("A1", "draft")
    form = {"key": "basic.id_no", "record": stage.record(file.id, "basic").uuid}
    browser = Browser(stage.app, stage.world, DISTRICT)
    return browser.send(f"/teacher/{file.id}/reveal", "POST", purpose="verify", **form)


@scenario("reveal", DISTRICT, "rec_basic")
def reveal_a_number_once(stage: Stage) -> None:
    assert reveal_a_number(stage).status_code == 200


@scenario("alert", DISTRICT, None, outcome="refused")
def reveal_more_than_a_day_allows(stage: Stage) -> None:
    places = [("rec_basic", number) for number in range(200)]
    with system():
        actor = stage.world.actors[DISTRICT]
        audit.record_many(stage.session, "reveal", actor=actor, objects=places)
        stage.session.commit()
    assert reveal_a_number(stage).status_code == 429


def upload(stage: Stage, **basic: Any) -> None:
    with system():
        school = stage.session.get(Unit, stage.world.units["A1"].id)
        rows = people(stage.session, school, 1, sets=("basic",), **basic)
    book = io.BytesIO(filled(stage.world.catalog, school.category, rows))
    stage.send(CLERK, "/import/upload", workbook=(book, "教师.xlsx"))


@scenario("import", CLERK, "import_batch")
def upload_a_workbook(stage: Stage) -> None:
    upload(stage)


@scenario("search_foreign", CLERK, "teacher", via=JOB)
def import_the_number_of_another_school(stage: Stage) -> None:
    other = stage.world.teacher("B1", "effective")
    upload(stage, name=other.name, id_no=other.id_no)
    stage.work()


@scenario("create", CLERK, "rec_learning")
def add_a_row(stage: Stage) -> None:
    file = stage.world.teacher("A1", "draft")
    form = {"start": "1996-09-01", "cert_no": TYPED["cert_no"]}
    stage.send(CLERK, f"/api/v1/teacher/{file.id}/learning", **form)


@scenario("change", CLERK, "rec_contact")
def change_a_row(stage: Stage) -> None:
    file = stage.world.teacher("A1", "draft")
    row = stage.record(file.id, "contact")
    form = {each: TYPED[each] for each in ("mobile", "emergency_phone")}
    address = f"/api/v1/teacher/{file.id}/contact/{row.uuid}"
    stage.send(CLERK, address, "PUT", version=row.version, **form)


@scenario("delete", CLERK, "rec_learning")
def delete_a_row(stage: Stage) -> None:
    file = stage.world.teacher("A1", "draft")
    record = stage.record(file.id, "learning").uuid
    stage.send(CLERK, f"/teacher/{file.id}/set/learning/{record}/delete")


@scenario("transition", HEAD, "review")
def confirm_a_file(stage: Stage) -> None:
    file = stage.world.teacher("A1", "submitted")
    stage.send(HEAD, f"/api/v1/review/{file.id}/confirm", version=2)


@scenario("claim", DISTRICT, "teacher")
def claim_a_file(stage: Stage) -> None:
    stage.send(DISTRICT, f"/api/v1/claim/{stage.world.teacher('A1', 'school_confirmed').id}")


@scenario("opinion", "city_assistant", "review_opinion")
def give_an_opinion(stage: Stage) -> None:
    file = stage.world.teacher("U", "school_confirmed")
    form = {"verdict": "objection", "text": f"电话 {TYPED['mobile']}", "version": 3}
    stage.send("city_assistant", f"/api/v1/opinion/{file.id}", **form)


@scenario("export", CLERK, "export_file")
def export_a_list(stage: Stage) -> None:
    stage.send(CLERK, "/teacher/export", query="", column=["name"], format="csv")


@scenario("download", CLERK, "attachment")
def download_an_attachment(stage: Stage) -> None:
    stage.send(CLERK, f"/attachment/{stage.own('attachment', CLERK)}", "GET")


@scenario("print", CLERK, "teacher")
def print_a_sheet(stage: Stage) -> None:
    stage.send(CLERK, "/print/sheet", id=stage.world.teacher("A1", "effective").id, kind="form")


@scenario("attachment", CLERK, "attachment")
def upload_an_attachment(stage: Stage) -> None:
    file, picture = stage.world.teacher("A1", "draft"), io.BytesIO()
    Image.new("RGB", (40, 60), "navy").save(picture, "PNG")
    picture.seek(0)
    record = stage.record(file.id, "learning").uuid
    client = Browser(stage.app, stage.world, CLERK).client
    path = f"/teacher/{file.id}/set/learning/{record}/edit"
    assert save(client, path, attachment=(picture, f"{TYPED['mobile']}.png")).status_code == 302


@scenario("report", CITY, "job")
def order_a_report(stage: Stage) -> None:
    assert order(Browser(stage.app, stage.world, CITY).client).status_code == 302


@scenario("refused", CLERK, "ParameterView.list", outcome="refused")
def ask_for_a_page_of_others(stage: Stage) -> None:
    answer = Browser(stage.app, stage.world, CLERK).send("/parameters/list/")
    assert answer.status_code == 403


@scenario("setting", "city_system", "parameter")
def change_a_parameter(stage: Stage) -> None:
    client = Browser(stage.app, stage.world, "city_system").client
    assert change_parameter(client, "age_min", "17", reason="按新规定").status_code == 302


@scenario("urge", DISTRICT, "unit")
def urge_a_school(stage: Stage) -> None:
    stage.send(DISTRICT, "/monitor/urge", rowid=stage.world.units["A1"].id)


@scenario("job", CLERK, "job")
def stop_a_job(stage: Stage) -> None:
    with system():
        made = queue.enqueue(stage.session, "export", owner=stage.world.actors[CLERK]).id
        stage.session.commit()
    stage.send(CLERK, f"/api/v1/job/{made}/cancel")


@scenario("keys", None, None, via=None)
def forget_a_key_that_writes_nothing(stage: Stage) -> None:
    fingerprint = next(iter(ring_in_use().fingerprints().values()))
    stage.session.add(KeyFingerprint(name="field:99", fingerprint=fingerprint, since=now()))
    stage.session.commit()
    stage.command("rotate-keys")


@scenario("purge", None, None, via=JOB)
def remove_an_old_export(stage: Stage) -> None:
    key = stage.own("export", CLERK)
    with system():
        made = stage.session.scalars(select(ExportFile).where(ExportFile.uuid == key)).one()
        made.expires_at, made.stored_name = now() - timedelta(days=2), "0" * 32
        queue.enqueue(stage.session, "remove_exchanged", owner=None)
        stage.session.commit()
    stage.work()


def test_every_act_has_a_scenario_and_no_scenario_is_left_over() -> None:
    assert [act for act in audit.ACTS if act not in SCENARIOS] == []
    assert [act for act in SCENARIOS if act not in audit.ACTS] == []


@pytest.mark.parametrize("act", audit.ACTS)
def test_an_act_leaves_exactly_one_whole_row(app: Any, session: Any, world: Any, act: str) -> None:
    found, stage = SCENARIOS[act], Stage(app, session, world)
    with system():
        last = session.scalar(select(func.max(Audit.id))) or 0

    found.play(stage)

    session.expire_all()
    with system():
        query = select(Audit).where(Audit.id > last, Audit.act == act)
        (row,) = session.scalars(query).all()
    assert_says(row, found, world)


def assert_says(row: Audit, found: Scenario, world: Any) -> None:
    """Who, as whom, for whom, from where, when, what, and how it ended; nobody's values."""
    actor = world.actors[found.by] if found.by else None
    who = (actor.account_id, actor.assignment_id, str(actor.role), actor.unit_id) if actor else None
    assert (row.account_id, row.assignment_id, row.role, row.unit_id) == (who or (None,) * 4)
    assert row.at.tzinfo is not None
    assert abs(now() - row.at) < timedelta(minutes=1)
    assert row.address == ("127.0.0.1" if found.via == REQUEST else None)
    assert re.fullmatch(found.via or "", row.request_id or "")
    assert (row.object_type, row.outcome) == (found.of, found.outcome)
    assert (row.object_id is None) is (found.of in (None, "ParameterView.list"))
    said = f"{row.reason} {row.detail}"
    masked = [m for m in world.markers if world.catalog.indicator(m.set, m.field).masked]
    assert [m.text for m in masked if m.text in said] == []
    assert [value for value in TYPED.values() if value in said] == []


def test_values_before_and_after_are_masked(app: Any, session: Any, world: Any) -> None:
    change_a_row(Stage(app, session, world))

    with system():
        row = session.scalars(select(Audit).where(Audit.act == "change")).one()
    for field in ("mobile", "emergency_phone"):
        before, after = row.detail["values"][field]
        assert "****" in before
        assert "****" in after
