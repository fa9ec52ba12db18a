"""What means harm, sent by the forms that people use: refused in words, nothing is written
(SEC-32, SEC-34)."""

import html
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select
from werkzeug.test import encode_multipart

from app.access.actor import system
from app.extensions import db
from app.models.attachment import Attachment
from app.models.exchange import ImportBatch, ImportRow
from app.models.record import TEACHER_SETS
from config import ROOT
from tests.exchange.hostile import PACKAGES, PARTS
from tests.exchange.imports import snapshot
from tests.views.pages import sign_in
from tests.views.test_importing import XLSX, SignedIn, work
from tests.views.test_record_form import save

# Without the guard of XML the application must not come up.

pytestmark = pytest.mark.wide

START = """
import sys
sys.modules["defusedxml"] = None
from app import create_app
create_app(APP_ENV="test", DATABASE_URL="sqlite://", FIELD_KEY_FILE=sys.argv[1],
           STORAGE_DIR=sys.argv[2], AUDIT_HEAD_FILE=sys.argv[2] + "/head")
"""


def test_the_application_does_not_start_without_the_guard_of_xml(
    key_file: Path, tmp_path: Path
) -> None:
    started = subprocess.run(
        [sys.executable, "-c", START, str(key_file), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert started.returncode != 0
    assert "defusedxml" in started.stderr.splitlines()[-1]


def test_no_hostile_workbook_gets_past_the_form(app: Any, session: Any, world: Any) -> None:
    clerk = SignedIn(app, world, "school_info_A1")
    before, batches = snapshot(session), _count(session, ImportBatch)
    wrong = []

    for name, (make, _words) in PACKAGES.items():
        answer = _upload(clerk, make())
        if answer.status_code not in (413, 422) or 'role="alert"' not in answer.text:
            wrong.append((name, answer.status_code))

    assert wrong == []
    assert _count(session, ImportBatch) == batches
    assert snapshot(session) == before


def test_no_hostile_part_gets_past_the_check(live_app: Any, world: Any) -> None:
    clerk = SignedIn(live_app, world, "school_info_A1")
    with live_app.app_context(), system():
        before = snapshot(db.session())
    wrong = []

    for name, (make, words) in PARTS.items():
        answer = _upload(clerk, make())
        if answer.status_code == 422:
            continue
        assert answer.status_code == 302, name
        work(live_app)
        target = answer.headers["Location"]
        page = clerk.get(target)
        committed = clerk.post(f"{target}/commit", {"take": "all"})
        work(live_app)
        if words and page.status_code != 200 or committed.status_code >= 500:
            wrong.append((name, page.status_code, committed.status_code))
        clerk.post(f"{target}/discard")

    with live_app.app_context(), system():
        session = db.session()
        states = set(session.scalars(select(ImportBatch.state)))
        rows = _count(session, ImportRow)
        after = snapshot(session)
    assert wrong == []
    assert states <= {"failed", "discarded"}
    assert rows == 0
    assert after == before


def _upload(clerk: SignedIn, content: bytes) -> Any:
    """Send a workbook; the body is made in memory, the client of tests would leave a file open."""
    fields = {"csrf_token": clerk.token, "workbook": (io.BytesIO(content), "teachers.xlsx", XLSX)}
    boundary, body = encode_multipart(fields)
    kind = f"multipart/form-data; boundary={boundary}"
    return clerk.client.post("/import/upload", data=body, content_type=kind)


def _count(session: Any, model: Any) -> int:
    with system():
        return session.scalar(select(func.count()).select_from(model))


def _picture(kind: str = "PNG") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 60), "navy").save(target, kind)
    return target.getvalue()


def _with_text(text: bytes) -> bytes:
    """A png with a comment."""
    body = b"tEXtComment\0" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    good = _picture()
    return good[:33] + chunk + good[33:]


def _of_size(width: int, height: int) -> bytes:
    """A png that says it is that large."""
    good = _picture()
    body = b"IHDR" + struct.pack(">II", width, height) + good[24:29]
    return good[:12] + body + struct.pack(">I", zlib.crc32(body)) + good[33:]


PAGE = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
BAD = {
    "polyglot": ("p.jpg", lambda: _picture("JPEG") + b"%PDF-1.4\n" + PAGE),
    "html in png": ("p.png", lambda: _with_text(PAGE)),
    "svg": ("p.svg", lambda: SVG),
    "svg as png": ("p.png", lambda: SVG),
    "wrong extension": ("p.pdf", _picture),
    "path in the name": ("../../p.png", _picture),
    "path of windows in the name": ("..\\p.png", _picture),
    "10,000 x 10,000": ("p.png", lambda: _of_size(10_000, 10_000)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_attachment_is_refused_by_the_form_and_leaves_nothing(
    app: Any, session: Any, world: Any, name: str
) -> None:
    file_name, make = BAD[name]
    ref = world.teacher("A1", "draft")
    client = sign_in(app, world, "school_info_A1")
    path = _form_of(session, ref)
    before = (_count(session, Attachment), _files(app))

    answer = save(client, path, attachment=(io.BytesIO(make()), file_name))

    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text or 'role="alert"' in answer.text
    assert "alert(1)" not in html.unescape(answer.text)
    assert (_count(session, Attachment), _files(app)) == before


def test_a_good_attachment_is_taken_by_the_same_form(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_info_A1")
    path = _form_of(session, world.teacher("A1", "draft"))
    before = _count(session, Attachment)

    answer = save(client, path, attachment=(io.BytesIO(_picture()), "p.png"))

    assert answer.status_code == 302, answer.text
    assert _count(session, Attachment) == before + 1


def _form_of(session: Any, ref: Any) -> str:
    with system():
        cls = TEACHER_SETS["learning"]
        uuid = session.scalar(select(cls.uuid).where(cls.teacher_id == ref.id).order_by(cls.id))
    return f"/teacher/{ref.id}/set/learning/{uuid}/edit"


def _files(app: Any) -> int:
    folder = Path(app.config["STORAGE_DIR"])
    return sum(each.is_file() for each in folder.rglob("*"))
