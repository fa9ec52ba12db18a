"""Every id that arrives in a body or query is looked up under the scope of who sent it (SEC-03).

Each valid write is sent twice: with the ids of another school, which must be refused and change
nothing there, and then with its own, which must be taken; so the refusal is not that of a request
that was wrong anyway. Ids in the path alone are the business of test_leaks.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from sqlalchemy import or_, select

from app import models
from app.access.actor import system
from app.extensions import db
from app.models.record import TEACHER_SETS
from tests.invariants.addresses import (
    UNSAFE,
    Browser,
    Thing,
    Things,
    furnish,
    kind_of,
    lines,
    methods_of,
)
from tests.views.test_record_form import shown_values

pytestmark = pytest.mark.wide

CLERK, HEAD, DISTRICT = "school_info_A1", "school_head_A1", "district_info_A"
# Endpoints whose bodies name no object at all.
WITHOUT_IDS = {
    "NoticeView.read_all", "ParameterView.edit", "ReportView.order", "ReportView.trial",
    "RoundView.add", "IndicatorEditView.edit", "IndicatorEditView.put_back", "CodeEditView.add",
    "CalendarView.add", "CalendarView.edit", "DigestView.cancel",
    "DigestView.subscribe",
    "CodeEditView.edit", "CodeEditView.retire", "CodeEditView.put_back",
    "NationalNumberView.enter",
    "RoundView.edit", "SignInApi.login", "SignInApi.refresh", "SignInView.login",
    "SignInView.logout",
}  # fmt: skip
# A saved view keeps the words of a query; who opens it asks for its rows anew.
WORDS = {"save_view"}
# Acts on rows share one method; each list is asked by its own tests and by test_leaks.
SHARED = {"action", "action_post", "choose_columns", "drop_view", "export"}
# Names an account; tests/services/test_delegation.py refuses those of other units.
SHARED_WITH_TESTS = {"DelegationView.appoint"}
# A workbook names persons; its findings are told by tests/exchange/test_import_findings.py.
WORKBOOKS = {"ImportView.upload"}


class Ids(NamedTuple):
    """The ids of one school, as a request names them."""

    school: int
    file: int
    submitted: int
    record: str
    basic: str
    attachment: str
    view: int
    assignment: int
    id_no: str


class Write(NamedTuple):
    """One valid write: who sends it, where, and what; `mine` are the sender's own ids."""

    actor: str
    endpoint: str
    make: Callable[[Ids, Ids], tuple[str, dict[str, Any]]]
    method: str = "POST"
    works: bool = True  # Whether it is taken with own ids.


def at(path: str, **form: Any) -> Callable[[Ids, Ids], tuple[str, dict[str, Any]]]:
    """A request whose path and form name fields of the ids in braces; {mine.…} stay own."""

    def make(ids: Ids, mine: Ids) -> tuple[str, dict[str, Any]]:
        values = {**ids._asdict(), "mine": mine}
        return path.format(**values), {
            k: v.format(**values) if isinstance(v, str) else v for k, v in form.items()
        }

    return make


WRITES = (
    Write(CLERK, "RowView.delete", at("/teacher/{mine.file}/set/learning/{record}/delete")),
    Write(CLERK, "RowView.delete", at("/teacher/{file}/set/learning/{record}/delete")),
    Write(CLERK, "RowView.answer_none", at("/teacher/{file}/set/overseas/none", none="1")),
    Write(CLERK, "FileView.acknowledge", at("/teacher/{file}/acknowledge")),
    Write(
        CLERK,
        "action_post",
        at("/teacher/action_post", action="confirm", rowid="{file}"),
        works=False,  # The own file is a draft.
    ),
    Write(
        DISTRICT,
        "FileView.reveal",
        at("/teacher/{mine.file}/reveal", key="basic.id_no", record="{basic}", purpose="verify"),
    ),
    Write(CLERK, "DraftView.save", at("/draft/{mine.file}/learning/{record}", cert_no="1")),
    Write(CLERK, "DraftView.discard", at("/draft/{mine.file}/learning/{record}/discard")),
    Write(
        HEAD,
        "ReviewFlowView.act",
        at("/flow/review/{submitted}/confirm", version="2"),
        works=False,  # The version of the own file is another one.
    ),
    Write(HEAD, "action_post", at("/review/action_post", action="confirm", rowid="{submitted}")),
    Write(CLERK, "PrintView.sheet", at("/print/sheet", id="{file}", purpose="核对")),
    Write(
        CLERK,
        "action_post",
        at("/teacher/action_post", action="print", rowid="{file}", **{"print-purpose": "核对"}),
        works=False,
    ),
    Write(
        CLERK,
        "export",
        at("/teacher/export", query="_flt_0_school={school}", purpose="核对", format="csv"),
    ),
    Write(CLERK, "choose_columns", at("/teacher/columns", view="{view}", column="name")),
    Write(CLERK, "drop_view", at("/teacher/views/{view}/delete")),
    Write(CLERK, "AssignmentView.switch", at("/assignment/switch", assignment="{assignment}")),
    Write(DISTRICT, "MonitorView.urge", at("/monitor/urge", rowid="{school}")),
    Write(CLERK, "TeacherApi.acknowledge", at("/api/v1/teacher/{file}/problem")),
    Write(
        CLERK,
        "TeacherApi.delete_row",
        at("/api/v1/teacher/{mine.file}/learning/{record}"),
        method="DELETE",
    ),
    Write(
        CLERK,
        "TeacherApi.change_row",
        at("/api/v1/teacher/{mine.file}/learning/{record}", cert_no="1", version=1),
        method="PUT",
    ),
    Write(
        CLERK,
        "TeacherApi.change_row",
        at(
            "/api/v1/teacher/{mine.file}/learning/{mine.record}",
            attachment="{attachment}",
            version=1,
        ),
        method="PUT",
        works=False,  # A file uploaded to the own school is taken by the form alone.
    ),
    Write(HEAD, "ReviewApi.act", at("/api/v1/review/{submitted}/confirm", version=2)),
)  # fmt: skip
# Writes that are tested below in words of their own, or whose ids stand in the path alone.
IN_WORDS = {"RowView.add", "RowView.edit", "RowView.edit_only", "NewFileView.create",
            "TeacherView.lookup", "ReviewApi.bulk", "TeacherApi.add_row", "TeacherApi.post",
            "RoundView.extend", "AdditionApi.post", "AdditionApi.bulk", "ChangeApi.post",
            "ChangeApi.bulk", "MyFileView.give_hint", "StatusChangeApi.post",
            "StatusChangeApi.bulk", "RotationApi.post", "RotationApi.bulk", "TransferApi.lookup",
            "TransferApi.post", "TransferApi.bulk", "TransferView.find",
            "TransferView.apply"}  # fmt: skip


def ids_of(session: Any, world: Any, things: Things, school: str) -> Ids:
    file, submitted = world.teacher(school, "draft"), world.teacher(school, "submitted")

    def first(kind: str, view: str = "") -> Thing:
        of_school = (e for e in things[kind] if e.unit == school and e.view == view)
        return next(of_school)

    with system():
        basic = TEACHER_SETS["basic"]
        uuid = session.scalar(select(basic.uuid).where(basic.teacher_id == file.id))
    return Ids(
        world.units[school].id,
        file.id,
        submitted.id,
        first("row").key,
        uuid,
        first("attachment").key,
        first("saved view", "TeacherView").key,
        first("assignment").key,
        file.id_no,
    )


def rows_of(session: Any, world: Any, school: str) -> dict[str, int]:
    """Count and digest of everything that belongs to a school, its files and its accounts."""
    session.expire_all()
    models.load_all()
    unit = world.units[school].id
    files = [each.id for each in world.of(school)]
    accounts = [a.account_id for k, a in world.actors.items() if k.endswith(f"_{school}")]
    owners = {"school_id": [unit], "unit_id": [unit], "teacher_id": files, "account_id": accounts}
    found = {}
    with system():
        for name, table in db.metadata.tables.items():
            tests = [table.c[k].in_(v) for k, v in owners.items() if k in table.c]
            if tests and name not in ("audit", "audit_seal"):
                rows = session.execute(select(table).where(or_(*tests))).all()
                found[name] = hash(tuple(sorted(map(repr, rows))))
    return found


@pytest.fixture
def things(app: Any, session: Any, world: Any) -> Things:
    return furnish(app, session, world)


def test_every_write_is_in_the_table(app: Any) -> None:
    named = (
        {each.endpoint for each in WRITES} | IN_WORDS | WITHOUT_IDS | WORKBOOKS | SHARED_WITH_TESTS
    )
    unknown = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if UNSAFE & set(methods_of(rule))
        and rule.endpoint not in named
        and rule.endpoint.partition(".")[2] not in SHARED | WORDS
        and kind_of(rule.rule) is None
    ]

    assert not unknown, lines(unknown)


@pytest.mark.parametrize("write", WRITES, ids=lambda w: f"{w.endpoint}-{WRITES.index(w)}")
def test_a_foreign_id_is_refused_and_changes_nothing_there(
    app: Any, session: Any, world: Any, things: Things, write: Write
) -> None:
    mine, foreign = (ids_of(session, world, things, school) for school in ("A1", "B1"))
    browser = Browser(app, world, write.actor)
    before = rows_of(session, world, "B1")

    address, form = write.make(foreign, mine)
    refused = browser.send(address, write.method, **form)
    assert 400 <= refused.status_code < 500, refused.status_code
    world.assert_no_leak(refused, world.actors[write.actor])
    after = rows_of(session, world, "B1")
    assert {name for name in before if before[name] != after[name]} == set()

    if write.works:
        address, form = write.make(mine, mine)
        taken = browser.send(address, write.method, **form)
        assert taken.status_code < 400, (taken.status_code, taken.text[-2000:])


def things_of(things: Things, unit: str) -> dict[str, Any]:
    """The last object of each kind of a unit: those of its effective file."""
    return {kind: e.key for kind, found in things.items() for e in found if e.unit == unit}


def record_of(session: Any, file: Any) -> str:
    cls = TEACHER_SETS["learning"]
    with system():
        mine = select(cls.uuid).where(cls.teacher_id == file.id, cls.as_of())
        return str(session.scalars(mine).first())


class TestInWords:
    """Writes that do not fit the table."""

    @pytest.fixture(autouse=True)
    def nothing_of_the_other_school_changes(self, session: Any, world: Any, things: Things) -> Any:
        before = rows_of(session, world, "B1")
        yield
        after = rows_of(session, world, "B1")
        assert {name for name in before if before[name] != after[name]} == set()

    def test_a_form_is_not_saved_into_a_foreign_row_or_file(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        mine, foreign = (ids_of(session, world, things, school) for school in ("A1", "B1"))
        client = Browser(app, world, CLERK).client
        own = f"/teacher/{mine.file}/set/learning/{mine.record}/edit"
        form = shown_values(client.get(own).text.partition('class="tm-form"')[2])

        for address in (
            f"/teacher/{mine.file}/set/learning/{foreign.record}/edit",
            f"/teacher/{foreign.file}/set/learning/{foreign.record}/edit",
            f"/teacher/{foreign.file}/set/learning/new",
            f"/teacher/{foreign.file}/set/contact/edit",
        ):
            assert client.post(address, data=form).status_code == 404, address
        elsewhere = client.post(own, data=form | {"next": "//example.invalid/"})

        assert elsewhere.status_code == 302
        assert elsewhere.headers["Location"].startswith("/teacher/")

    def test_a_person_of_another_school_is_not_opened_again(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        browser, other = Browser(app, world, CLERK), world.teacher("B1", "effective")
        basic = {"name": other.name, "id_no": other.id_no, "id_doc_type": "1"}

        by_form = browser.send("/teacher/new", "POST", **basic)
        by_api = browser.send("/api/v1/teacher/", "POST", basic=basic)

        assert (by_form.status_code, by_api.status_code) == (422, 422)

    def test_a_foreign_number_is_found_no_more_than_a_missing_one(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        browser, other = Browser(app, world, CLERK), world.teacher("B1", "effective")

        answers = [
            browser.send("/teacher/lookup", "POST", q=number)
            for number in (other.id_no, other.teacher_no, "110199190001010000")
        ]

        assert [each.status_code for each in answers] == [302, 302, 302]
        assert len({each.headers["Location"] for each in answers}) == 1

    def test_acts_on_many_answer_each_foreign_id_like_a_missing_one(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        browser, foreign = Browser(app, world, HEAD), ids_of(session, world, things, "B1")

        answer = browser.send("/api/v1/review/bulk/confirm", "POST", ids=[foreign.submitted, 10**7])
        by_filter = browser.send(
            "/api/v1/review/bulk/confirm",
            "POST",
            filter=f"(filters:!((col:school_id,opr:eq,value:{foreign.school})))",
            count=2,
        )
        told = [{**each, "id": 0} for each in answer.json["results"]]

        assert told[0] == told[1]
        assert told[0]["status"] == 404
        assert by_filter.status_code == 404

    @pytest.mark.parametrize("flow", ["addition", "change"])
    def test_nothing_is_asked_of_a_foreign_file_record_or_task(
        self, app: Any, session: Any, world: Any, things: Things, flow: str
    ) -> None:
        browser, mine = Browser(app, world, CLERK), world.teacher("A1", "effective", 2)
        foreign = things_of(things, "B1")
        own = record_of(session, mine)
        body = {"set": "learning", "kind": "modify", "values": {"cert_no": "1"}}

        refused = [
            browser.send(f"/api/v1/{flow}/", "POST", **body, teacher=foreign["file"], record=own),
            browser.send(
                f"/api/v1/{flow}/", "POST", **body, teacher=mine.id, record=foreign["row"]
            ),
        ]
        if flow == "change":
            task = {"record": own, "correction": foreign["correction"]}
            refused.append(browser.send("/api/v1/change/", "POST", **body, **task, teacher=mine.id))

        assert [each.status_code for each in refused] == [404] * len(refused)

    def test_no_status_is_registered_of_a_foreign_file(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        browser = Browser(app, world, CLERK)
        body = {"to_status": "203", "effective_date": "2026-01-01"}

        answers = [
            browser.send("/api/v1/status_change/", "POST", **body, teacher=teacher)
            for teacher in (things_of(things, "B1")["file"], 10**7)
        ]

        assert [each.status_code for each in answers] == [404, 404]

    @pytest.mark.parametrize(
        "act", ["addition/approve", "change/approve", "status_change/approve", "transfer/issue"]
    )
    def test_bulk_acts_answer_each_foreign_process_like_a_missing_one(
        self, app: Any, session: Any, world: Any, things: Things, act: str
    ) -> None:
        flow, _slash, step = act.partition("/")
        browser, foreign = Browser(app, world, DISTRICT), things_of(things, "B1")

        answer = browser.send(f"/api/v1/{flow}/bulk/{step}", "POST", ids=[foreign[flow], 10**7])
        told = [{**each, "id": 0} for each in answer.json["results"]]

        assert told[0] == told[1]
        assert told[0]["status"] == 404

    def test_nobody_is_sent_out_from_a_foreign_school(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        browser, foreign = Browser(app, world, CLERK), things_of(things, "B1")
        sent = {"teacher": foreign["file"], "to_text": "天津一校"}

        refused = [
            browser.send("/api/v1/rotation/", "POST", **sent),
            browser.send(f"/rotation/new/{foreign['file']}", "POST", to_text="天津一校"),
        ]
        answer = Browser(app, world, DISTRICT).send(
            "/api/v1/rotation/bulk/confirm", "POST", ids=[foreign["rotation"], 10**7]
        )
        told = [{**each, "id": 0} for each in answer.json["results"]]

        assert [each.status_code for each in refused] == [404, 404]
        assert told[0] == told[1]
        assert told[0]["status"] == 404

    def test_a_filter_of_everything_does_not_reach_further(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        browser, foreign = Browser(app, world, HEAD), ids_of(session, world, things, "B1")
        form = {"action": "confirm", "select_all": "1", "count": "2", "checksum": "0"}
        query = f"_flt_0_school={foreign.school}"

        assert browser.send("/review/action_post", "POST", filter=query, **form).status_code == 404

    def test_an_assignment_of_somebody_else_gives_no_rights_to_a_program(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        browser, foreign = Browser(app, world, CLERK), ids_of(session, world, things, "B1")
        header = {"X-Assignment": str(foreign.assignment)}

        answer = app.test_client().get(
            f"/api/v1/teacher/{foreign.file}", headers=browser.bearer | header
        )

        assert answer.status_code in (401, 403, 404)

    def test_a_district_extends_its_own_units_alone(
        self, app: Any, session: Any, world: Any, things: Things
    ) -> None:
        browser = Browser(app, world, DISTRICT)
        of_district = next(each.key for each in things["round"] if each.unit == "A")
        form = {"until": "2099-01-01"}

        answer = browser.send(
            f"/rounds/{of_district}/extend", "POST", unit=str(world.units["B1"].id), **form
        )

        assert answer.status_code in (404, 422)
