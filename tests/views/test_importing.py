"""The pages of an import: upload, preview, commit, refused rows, undo; and who may open them."""

import io
import re
from typing import Any

import openpyxl
import pytest

from app.jobs.worker import EXTENSION, Worker
from app.models.exchange import ImportBatch
from app.models.teacher import Teacher
from tests.views.pages import sign_in

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class SignedIn:
    """A person with a session; sends the token with every form."""

    def __init__(self, app: Any, world: Any, key: str) -> None:
        self.client = sign_in(app, world, key)
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.client.get("/").text)
        self.token = found[1] if found else ""

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> Any:
        return self.client.post(path, data={"csrf_token": self.token, **(form or {})}, **options)


@pytest.fixture
def clerk(app: Any, session: Any, world: Any) -> SignedIn:
    """The information administrator of school A1."""
    return SignedIn(app, world, "school_info_A1")


def work(app: Any) -> None:
    """Carry out the jobs that wait."""
    with app.app_context():
        Worker(app.extensions[EXTENSION]).run(once=True)


def filled(template: bytes, rows: dict[str, list[dict[str, str]]]) -> bytes:
    """A template with rows, named by the codes of its hidden second row."""
    book = openpyxl.load_workbook(io.BytesIO(template))
    for sheet in book.worksheets:
        codes = [cell.value for cell in sheet[2]] if sheet.max_row >= 2 else []
        set_code = next((c.split(".")[0] for c in codes if c and not c.startswith("person")), "")
        for number, row in enumerate(rows.get(set_code, []), start=3):
            for column, code in enumerate(codes, start=1):
                if code in row:
                    sheet.cell(number, column, row[code]).number_format = "@"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(clerk: SignedIn, content: bytes, **form: str) -> Any:
    """Send a workbook by the form."""
    sent = {"workbook": (io.BytesIO(content), "teachers.xlsx", XLSX), **form}
    return clerk.post("/import/upload", sent, content_type="multipart/form-data")


def test_the_template_is_that_of_the_school(clerk: SignedIn) -> None:
    answer = clerk.get("/import/template")

    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert len([s for s in book.worksheets if s.sheet_state == "visible"]) > 10


def test_rows_go_from_upload_over_preview_into_the_file(live_app: Any, world: Any) -> None:
    clerk = SignedIn(live_app, world, "school_info_A1")
    file = world.teacher("A1", "draft")
    template = clerk.get("/import/template").data
    person = {"person.id_no": file.id_no, "person.name": file.name}
    row = person | {"work.org_name": "某单位", "work.start": "2001-09", "work.end": "2003-07"}

    target = upload(clerk, filled(template, {"work": [row]})).headers["Location"]
    work(live_app)
    page = clerk.get(target).text
    assert "某单位" not in page  # The preview tells what happens, it does not print values.
    answer = clerk.post(f"{target}/commit", {"take": "all"})
    work(live_app)

    assert answer.status_code == 302
    rows = clerk.get(f"/teacher/{file.id}/set/work").text
    assert "某单位" in rows


def test_a_file_that_is_no_workbook_is_refused_in_words(clerk: SignedIn, session: Any) -> None:
    answer = upload(clerk, b"name,id\n1,2\n")

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert session.query(ImportBatch).count() == 0


def test_nothing_chosen_is_said_so(clerk: SignedIn) -> None:
    answer = clerk.post("/import/upload", {})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "key", ["school_head_A1", "district_info_A", "city_info", "teacher_A1", "school_system_A1"]
)
def test_other_roles_do_not_import(app: Any, session: Any, world: Any, key: str) -> None:
    other = SignedIn(app, world, key)

    assert other.get("/import/list/").status_code == 403
    assert other.get("/import/template").status_code == 403
    assert other.post("/import/upload", {}).status_code == 403


def test_a_foreign_import_does_not_exist(app: Any, world: Any, clerk: SignedIn) -> None:
    target = upload(clerk, clerk.get("/import/template").data).headers["Location"]
    other = SignedIn(app, world, "school_info_B1")

    for path in ("", "/progress", "/refused"):
        assert other.get(target + path).status_code == 404, path
    for act in ("commit", "check", "cancel", "discard", "undo"):
        assert other.post(f"{target}/{act}").status_code == 404, act


def test_the_list_shows_a_helpful_empty_state(clerk: SignedIn) -> None:
    page = clerk.get("/import/list/").text

    assert "tm-empty" in page
    assert re.search(r'href="/import/template"', page)


def test_uploads_change_no_file_before_the_commit(
    app: Any, clerk: SignedIn, session: Any, world: Any
) -> None:
    before = session.get(
        Teacher, world.teacher("A1", "draft").id, execution_options={"unscoped": True}
    )
    version = before.content_version

    upload(clerk, clerk.get("/import/template").data)

    session.refresh(before)
    assert before.content_version == version
