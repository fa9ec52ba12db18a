"""A form that is sent twice, one after the other or both at once, has one effect (REL-05)."""

import io
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import system
from app.models.exchange import ExportFile, ImportBatch
from app.models.history import Audit
from app.models.record import TEACHER_SETS
from app.models.saved_view import SavedView
from app.models.teacher import NoneAnswer
from app.services import file as files
from config import ROOT
from tests.views.pages import sign_in

KEY = "k" * 32
# Posts that carry no key, and why a repeat does no harm.
WITHOUT = {
    "SignInView.login": "nobody is signed in yet; a repeat only signs in again",
    "SignInView.logout": "ending a session twice ends it once",
    "AssignmentView.switch": "sets a value; a repeat sets the same one",
    "AttachmentView.download": "sends a file",
    "DraftView.save": "keeps what was typed; a repeat keeps the same",
    "DraftView.discard": "a draft that is gone stays gone",
    "ExportView.download": "sends a file, once by itself (SEC-14)",
    "FileView.reveal": "shows a value; each time it is shown is on record (SEC-10)",
    "AdditionView.reveal": "shows a value; each time it is shown is on record (SEC-10)",
    "ChangeView.reveal": "shows a value; each time it is shown is on record (SEC-10)",
    "NoticeView.open": "marks read; a repeat marks the same",
    "NoticeView.read": "marks read; a repeat marks the same",
    "NoticeView.read_all": "marks read; a repeat marks the same",
    "PrintView.sheet": "sends a page; each print is on record",
    "ReportView.workbook": "sends a file",
    "TeacherView.lookup": "only reads",
    "TransferView.find": "only reads; each time somebody is looked up is on record (SEC-13)",
}
# Views whose methods call first_result and remember themselves, since they commit more than once
# or know where they lead before the commit.
BY_THEMSELVES = {
    "add", "edit", "edit_only", "act", "urge", "extend", "order", "create", "export", "enter",
    "appoint", "give", "fill", "change", "subscribe", "register", "apply", "amend", "take", "draft",
    "redraft",
}  # fmt: skip


def _posts(app: Any) -> dict[str, Any]:
    """The methods of pages that take a form, by endpoint."""
    return {
        rule.endpoint: app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    }


def _is_marked(method: Any) -> bool:
    while method is not None:
        if getattr(method, "_once", False):
            return True
        method = getattr(method, "__wrapped__", None)
    return False


def test_every_post_honours_the_key_or_says_why_not(app: Any) -> None:
    posts = _posts(app)
    open_ = {
        endpoint
        for endpoint, method in posts.items()
        if not _is_marked(method) and endpoint.split(".")[-1] not in BY_THEMSELVES
    }

    assert open_ - WITHOUT.keys() == set()


def test_every_form_of_a_page_carries_the_key() -> None:
    forms = re.compile(r'<form[^>]*method="post".*?</form>', re.DOTALL)
    carries = re.compile(r"lib\.csrf\(\)|(?<!\w)csrf\(\)|common\(step\)|submit_key\(\)")
    plain = {"login_db.html", "logout.html", "user.html"}
    bare = [
        f"{path.name}: {form[:80]}"
        for path in sorted((Path(ROOT) / "app" / "templates").rglob("*.html"))
        for form in forms.findall(path.read_text(encoding="utf-8"))
        if not carries.search(form) and path.name not in plain
    ]

    assert not bare


@pytest.fixture
def clerk(app: Any, session: Any, world: Any) -> Any:
    """The information administrator of school A1."""
    return sign_in(app, world, "school_info_A1")


def _token(client: Any) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/notices/list/").text)
    assert found is not None
    return found[1]


def _number(session: Any, cls: Any, *where: Any) -> int:
    with system():
        session.expire_all()
        return session.scalar(select(func.count()).select_from(cls).where(*where))


def _twice(client: Any, path: str, key: str = KEY, **form: Any) -> tuple[Any, Any]:
    token = _token(client)

    def send() -> Any:
        data = {"csrf_token": token, "submit_key": key}
        more = {k: v() if callable(v) else v for k, v in form.items()}
        return client.post(
            path, data=data | more, content_type="multipart/form-data", buffered=True
        )

    return send(), send()


def _same(first: Any, second: Any) -> None:
    assert first.status_code == second.status_code == 302, first.text
    assert first.headers["Location"] == second.headers["Location"]


def test_a_workbook_that_is_uploaded_twice_is_one_import(clerk: Any, session: Any) -> None:
    content = clerk.get("/import/template").data
    _same(*_twice(clerk, "/import/upload", workbook=lambda: (io.BytesIO(content), "a.xlsx")))

    assert _number(session, ImportBatch) == 1


def test_a_view_that_is_saved_and_dropped_twice(clerk: Any, session: Any) -> None:
    before = _number(session, SavedView)
    _same(*_twice(clerk, "/teacher/views", name="mine", query="_flt_0_state=draft"))
    assert _number(session, SavedView) == before + 1
    with system():
        key = session.scalar(select(SavedView.id).where(SavedView.name == "mine"))

    _same(*_twice(clerk, f"/teacher/views/{key}/delete", key="another"))

    assert _number(session, SavedView) == before


def test_an_answer_of_none_and_a_deleted_row(clerk: Any, session: Any, world: Any) -> None:
    ref = world.teacher("A1", "draft")
    cls = TEACHER_SETS["learning"]
    row = cls.teacher_id == ref.id
    with system():
        uuid, version = session.execute(select(cls.uuid, cls.version).where(row)).first()
    had = _number(session, cls, row)

    _same(*_twice(clerk, f"/teacher/{ref.id}/set/learning/{uuid}/delete", _version=str(version)))
    assert _number(session, cls, row) == had - 1
    empty = "talent"
    _same(*_twice(clerk, f"/teacher/{ref.id}/set/{empty}/none", key="another", none="1"))
    answers = (NoneAnswer.teacher_id == ref.id, NoneAnswer.set == empty)
    assert _number(session, NoneAnswer, *answers) == 1


def test_an_export_that_waits_is_ordered_once(
    app: Any, clerk: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAX_EXPORT_ROWS_DIRECT", 0)
    _same(*_twice(clerk, "/teacher/export", query="", column="name", purpose="test"))

    assert _number(session, ExportFile) == 1


def test_a_file_may_be_fetched_again_by_the_same_form(clerk: Any, session: Any) -> None:
    form = {"query": "", "column": "name", "purpose": "test", "format": "csv"}
    first, second = _twice(clerk, "/teacher/export", **form)

    assert first.status_code == second.status_code == 200
    assert first.data == second.data


def test_a_refused_form_does_not_use_its_key_up(clerk: Any, session: Any) -> None:
    refused, again = _twice(clerk, "/teacher/views", name="")
    assert refused.status_code == again.status_code == 400

    _same(*_twice(clerk, "/teacher/views", name="now"))


def test_the_key_of_another_account_tells_nothing(
    app: Any, clerk: Any, session: Any, world: Any
) -> None:
    first, _second = _twice(clerk, "/teacher/views", name="mine")
    other = sign_in(app, world, "school_head_A1")

    theirs, _repeat = _twice(other, "/teacher/views", name="theirs")

    assert theirs.headers["Location"] != first.headers["Location"]
    assert _number(session, SavedView, SavedView.name.in_(["mine", "theirs"])) == 2


def test_a_long_way_back_is_kept_whole(clerk: Any, session: Any) -> None:
    query = "&".join(f"_flt_0_state={n}" for n in range(100))
    _same(*_twice(clerk, "/teacher/columns", query=query, column="name"))


@pytest.mark.parametrize("act", ["row", "none"])
def test_two_at_once_have_one_effect_and_one_answer(
    live_app: Any, world: Any, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """The loser waits for the winner and is answered with its result, not with an error."""
    from app.extensions import db  # noqa: PLC0415

    ref = world.teacher("A1", "draft")
    name = {"row": "save_record", "none": "answer_none"}[act]
    slow: Callable[..., Any] = getattr(files, name)

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.5)
        return slow(*args, **kwargs)

    monkeypatch.setattr(files, name, slowly)
    with live_app.app_context(), system():
        rows = select(func.count()).where(TEACHER_SETS["work"].teacher_id == ref.id)
        had = db.session.scalar(rows)
    clients = [sign_in(live_app, world, "school_info_A1") for _n in range(2)]
    path = f"/teacher/{ref.id}/set/" + {"row": "work/new", "none": "talent/none"}[act]
    form = {
        "submit_key": KEY, "none": "1", "org_name": "某校", "start": "2001-09", "end": "2003-07",
        "unit_nature": "23", "position": "教师", "reference": "张三",
    }  # fmt: skip
    sent = [form | {"csrf_token": _token(client)} for client in clients]

    def send(client: Any, data: dict[str, str]) -> Any:
        answer = client.post(path, data=data)
        # On a machine under load the wait may take too long; whoever is told so sends it again.
        return client.post(path, data=data) if answer.status_code == 503 else answer

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, clients, sent))

    _same(*answers)
    with live_app.app_context(), system():
        none = Audit.detail["none"].as_boolean()
        acts = select(func.count()).where(Audit.object_id == str(ref.id), none)
        before = {"row": had, "none": 0}[act]
        assert db.session.scalar({"row": rows, "none": acts}[act]) == before + 1
