"""Correction hints: who gives them about what, where they show, and how they are answered."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core.clock import now
from app.core.errors import Forbidden, NotFound, Refused, Stale
from app.models.account import Account
from app.models.change import Change
from app.models.hint import CorrectionHint, HintState
from app.models.history import Audit
from app.models.notice import Notice
from app.models.teacher import Teacher
from app.services import contents, hint
from app.workflows.change import CHANGE
from tests.broken import WORDS, flipped
from tests.processes import make_process, prove
from tests.views.api_caller import Caller
from tests.views.figures import figures, rows_behind
from tests.views.pages import sign_in, token_of

CLERK = "school_info_A1"
TEXT, PHONE = "应为汉语言文学专业", "16955554444"


class Sender:
    """The teacher of A1 with an effective file."""

    def __init__(self, session: Any, world: Any) -> None:
        self.session, self.world, self.file = session, world, world.teacher("A1", "effective")
        self.actor = replace(world.actors["teacher_A1"], teacher_id=self.file.id)

    def record(self, set_code: str) -> str:
        with system():
            teacher = self.session.get_one(Teacher, self.file.id)
            return str(contents.records(self.session, teacher, set_code)[0].uuid)

    def give(self, field: str = "major", text: str = TEXT, set_code: str = "learning") -> Any:
        about = hint.About(set_code, field, self.record(set_code))
        with acting_as(self.actor):
            teacher = self.session.get_one(Teacher, self.file.id)
            made = hint.give(
                self.session, self.actor, teacher, about, text, catalog=self.world.catalog
            )
            self.session.commit()
        return made.id

    def row(self, key: int) -> CorrectionHint:
        with system():
            return self.session.get_one(CorrectionHint, key, populate_existing=True)


@pytest.fixture
def sender(session: Any, world: Any) -> Iterator[Sender]:
    with system():
        account = session.get_one(Account, world.actors["teacher_A1"].account_id)
        account.teacher_id = world.teacher("A1", "effective").id
        session.commit()
    return Sender(session, world)


def test_a_teacher_sends_a_hint_by_the_page_of_a_set(
    app: Any, session: Any, world: Any, sender: Sender
) -> None:
    client = sign_in(app, world, "teacher_A1", language="en")
    page = client.get("/my-file/set/learning").text
    place = f"{sender.record('learning')}|major"
    assert f'value="{place}"' in page

    answer = client.post(
        "/my-file/set/learning/hint",
        data={"csrf_token": token_of(page), "place": place, "text": TEXT},
    )

    assert answer.status_code == 302
    assert TEXT not in answer.location
    assert TEXT in client.get("/my-file/set/learning").text
    assert "Not yet answered" in client.get("/my-file/").text
    with system():
        made = session.scalars(select(CorrectionHint)).one()
        told = session.scalars(select(Notice).where(Notice.event == "hint_given")).all()
        acts = session.scalars(select(Audit).where(Audit.object_type == "correction_hint")).all()
    assert TEXT.encode() not in bytes(made.text)
    assert [each.account_id for each in told] == [world.actors[CLERK].account_id]
    assert TEXT not in f"{[each.params for each in told]}{[each.detail for each in acts]}"
    assert [each.act for each in acts] == ["create"]


def test_the_school_sees_it_at_the_field_in_the_list_and_as_a_figure(
    app: Any, session: Any, world: Any, sender: Sender
) -> None:
    sender.give()
    client = sign_in(app, world, CLERK, language="en")

    part = client.get(f"/teacher/{sender.file.id}/set/learning").text
    assert TEXT in part
    assert "Answer hints" in part
    figure = next(e for e in figures(client.get("/").text) if "/hints/list/" in e.href)
    assert rows_behind(client, figure.href) == figure.count == 1
    listed = client.get("/hints/list/?_flt_0_state=open").text
    assert TEXT in listed
    assert f"/teacher/{sender.file.id}#set-learning" in listed


def test_a_text_about_a_sealed_value_is_masked_until_it_is_revealed_on_record(
    app: Any, session: Any, world: Any, sender: Sender
) -> None:
    key = sender.give("mobile", PHONE, "contact")
    client = sign_in(app, world, CLERK)
    part = client.get(f"/teacher/{sender.file.id}/set/contact").text

    assert PHONE not in part
    assert PHONE not in client.get("/hints/list/?_flt_0_state=open").text
    token = token_of(client.get("/").text)
    form = {"csrf_token": token, "key": "hint", "record": sender.row(key).uuid}
    address = f"/teacher/{sender.file.id}/reveal"
    assert client.post(address, data=form).status_code == 422
    answer = client.post(address, data=form | {"purpose": "correct"})
    assert PHONE in answer.text
    with system():
        acts = session.scalars(select(Audit).where(Audit.act == "reveal")).all()
    assert [(each.object_type, each.teacher_id) for each in acts] == [
        ("correction_hint", sender.file.id)
    ]
    assert PHONE in sign_in(app, world, "teacher_A1").get("/my-file/set/contact").text


def test_a_broken_text_is_said_to_be_so(app: Any, session: Any, world: Any, sender: Sender) -> None:
    row = sender.row(sender.give())
    with system():
        row.text = flipped(bytes(row.text))
        session.commit()

    assert WORDS in sign_in(app, world, CLERK).get("/hints/list/?_flt_0_state=open").text


@pytest.mark.parametrize(
    "key", ["school_head_A1", "district_info_A", "city_info", "city_assistant", "school_info_A2"]
)
def test_others_read_no_hint(app: Any, session: Any, world: Any, sender: Sender, key: str) -> None:
    sender.give()
    client = sign_in(app, world, key)

    assert TEXT not in client.get(f"/teacher/{sender.file.id}/set/learning").text
    with acting_as(world.actors[key]):
        assert session.scalars(select(CorrectionHint)).all() == []
    listed = client.get("/hints/list/?_flt_0_state=open")
    assert listed.status_code == (200 if key.startswith("school_info") else 403)
    assert TEXT not in listed.text


def test_set_aside_needs_a_reason_that_the_teacher_reads(
    app: Any, session: Any, world: Any, sender: Sender
) -> None:
    key = sender.give()
    client = sign_in(app, world, CLERK, language="en")

    def answer(**form: str) -> Any:
        token = token_of(client.get("/").text)
        return client.post(f"/hints/action/set_aside/{key}", data={"csrf_token": token, **form})

    assert answer().status_code == 422
    assert sender.row(key).state == HintState.OPEN
    assert answer(reason="与证件一致").status_code == 302

    assert (sender.row(key).state, sender.row(key).reason) == (HintState.SET_ASIDE, "与证件一致")
    page = sign_in(app, world, "teacher_A1", language="en").get("/my-file/set/learning").text
    assert "Set aside" in page
    assert "与证件一致" in page
    with system():
        told = session.scalars(select(Notice).where(Notice.event == "my_hint_answered")).all()
    assert [each.account_id for each in told] == [world.actors["teacher_A1"].account_id]
    assert TEXT not in client.get(f"/teacher/{sender.file.id}/set/learning").text


def test_a_hint_is_answered_once_and_by_the_school_alone(
    session: Any, world: Any, sender: Sender
) -> None:
    key, clerk = sender.give(), world.actors[CLERK]
    for actor in (sender.actor, world.actors["school_info_A2"], world.actors["school_head_A1"]):
        with system(), pytest.raises(Forbidden):
            hint.settle(session, actor, sender.row(key), HintState.TAKEN_UP)
    with acting_as(clerk):
        row = session.get_one(CorrectionHint, key)
        hint.settle(session, clerk, row, HintState.TAKEN_UP)
        with pytest.raises(Stale):
            hint.settle(session, clerk, row, HintState.SET_ASIDE, "x")


@pytest.mark.parametrize(
    ("field", "text", "error"),
    [
        ("major", " ", Refused),
        ("major", "x" * (hint.TEXT_LENGTH + 1), Refused),
        ("nothing", TEXT, NotFound),
    ],
)
def test_texts_and_fields_that_do_not_do_are_refused(
    sender: Sender, field: str, text: str, error: Any
) -> None:
    with pytest.raises(error):
        sender.give(field, text)


def test_a_hint_is_about_a_record_of_the_own_effective_file(
    session: Any, world: Any, sender: Sender
) -> None:
    with system():
        other = session.get_one(Teacher, world.teacher("A1", "effective", 2).id)
        foreign = contents.records(session, other, "learning")[0].uuid
    known, place = world.catalog, hint.About("learning", "major", foreign)
    with acting_as(sender.actor):
        mine = session.get_one(Teacher, sender.file.id)
        with pytest.raises(NotFound):
            hint.give(session, sender.actor, mine, place, TEXT, catalog=known)
    draft, clerk = world.actors["teacher_A1"], world.actors[CLERK]
    with acting_as(draft):
        own = session.get_one(Teacher, draft.teacher_id)
        with pytest.raises(Stale):
            hint.give(session, draft, own, place, TEXT, catalog=known)
    with acting_as(clerk), pytest.raises(Forbidden):
        hint.give(session, clerk, mine, place, TEXT, catalog=known)


def test_so_many_hints_may_wait_and_no_more(sender: Sender, monkeypatch: Any) -> None:
    monkeypatch.setattr(hint, "MOST_OPEN", 2)
    first = sender.give()
    sender.give()
    with pytest.raises(Refused, match="2"):
        sender.give()
    clerk = sender.world.actors[CLERK]
    with acting_as(clerk):
        row = sender.session.get_one(CorrectionHint, first)
        hint.settle(sender.session, clerk, row, HintState.TAKEN_UP)
    sender.give()


def test_the_interface_gives_reads_and_answers(
    app: Any, session: Any, world: Any, sender: Sender
) -> None:
    teacher = Caller(app.test_client(), world.usernames["teacher_A1"])
    clerk = Caller(app.test_client(), world.usernames[CLERK])
    path, record = f"/hint/{sender.file.id}", sender.record("contact")
    given = {"set": "contact", "field": "mobile", "record": record, "text": PHONE}

    made = teacher.post(path, given)

    assert made.status_code == 201
    assert [each["text"] for each in teacher.get(path).json["result"]] == [PHONE]
    assert [each["text"] for each in clerk.get(path).json["result"]] == ["***"]
    assert clerk.post(path, given).status_code == 403
    answer = f"/hint/answer/{made.json['id']}"
    assert teacher.post(answer, {"state": "taken_up"}).status_code == 403
    assert clerk.post(answer, {"state": "open"}).status_code == 400
    assert clerk.post(answer, {"state": "set_aside"}).status_code == 422
    assert clerk.post(answer, {"state": "taken_up"}).status_code == 200
    assert clerk.post(answer, {"state": "taken_up"}).status_code == 409
    foreign = Caller(app.test_client(), world.usernames["school_info_B1"])
    assert foreign.get(path).status_code == 404
    assert foreign.post(answer, {"state": "taken_up"}).status_code == 404


def test_a_page_without_hints_says_so(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, CLERK, language="en")

    assert "No teacher has proposed a correction" in client.get("/hints/list/?show=x").text


def test_a_submitted_change_takes_up_the_hints_about_what_it_alters(
    session: Any, world: Any, sender: Sender
) -> None:
    altered, other = sender.give(), sender.give("education_org")
    elsewhere = sender.give("email", set_code="contact")
    change = make_process(session, world, sender.file, "change", "draft", reason="登记有误")
    prove(session, change)
    clerk = world.actors[CLERK]
    assert sender.row(altered).state == HintState.OPEN  # A draft answers nobody.

    with acting_as(clerk):
        CHANGE.perform(session, change.id, "submit", clerk, version=None, catalog=world.catalog)

    states = [sender.row(key).state for key in (altered, other, elsewhere)]
    assert states == [HintState.TAKEN_UP, HintState.OPEN, HintState.OPEN]
    assert sender.row(altered).settled_by == clerk.account_id


def test_a_submitted_removal_takes_up_every_hint_about_the_record(
    session: Any, world: Any, sender: Sender
) -> None:
    keys = [sender.give(), sender.give("education_org")]
    made = make_process(session, world, sender.file, "change", "pending_authority", kind="delete")
    clerk = world.actors[CLERK]

    with acting_as(clerk):
        hint.take_up(session, clerk, [session.get_one(Change, made.id)], now())

    assert {sender.row(key).state for key in keys} == {HintState.TAKEN_UP}
