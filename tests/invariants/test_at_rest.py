"""Nothing that is to be sealed lies open at rest: in no table, no log of the database, no file and
no name of one, after every flow that copies values (SEC-12)."""

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import LargeBinary, MetaData, inspect, select, text
from sqlalchemy.engine import make_url

from app.access.actor import acting_as, system
from app.exchange import export
from app.exchange.file_export import plan_of
from app.extensions import db
from app.models.exchange import ImportRow
from app.models.history import Audit
from app.models.notice import Notice
from app.models.saved_view import FormDraft
from app.models.snapshot import FileSnapshot
from app.models.teacher import Teacher
from tests.exchange.imports import filled, make_importing
from tests.invariants.needles import Needles
from tests.views.api_caller import Caller, step
from tests.views.pages import sign_in, token_for, token_of
from tests.views.test_record_form import save

CLERK, HEAD = "school_info_A1", "school_head_A1"
NUMBER = "11010119870606123X"
# Numbers that come in while the test runs: typed into a form, a draft and a workbook.
TYPED = {"form": "13977660001", "draft": "13977660002", "book": "13977660003", "urgent":
         "13977660004", "refused": "13977660005", "staged": "13977660006"}  # fmt: skip


def sealed_values(world: Any) -> set[str]:
    """The values of the world whose indicators are sealed, by the catalogue."""
    sealed = [i for e in world.catalog.teacher_sets for i in e.indicators if i.sealed]
    assert {item.key for item in sealed} == {
        "basic.id_no", "contact.mobile", "contact.emergency_phone",
    }  # fmt: skip
    found = {
        ref.values[item.set][item.code]
        for ref in world.teachers.values()
        for item in sealed
        if item.set in ref.values and ref.values[item.set].get(item.code)
    }
    assert len(found) >= 2 * len(world.teachers)
    return found


@contextmanager
def at_work(app: Any, actor: Any) -> Iterator[Any]:
    """The session of a live application in the name of an actor."""
    with app.app_context(), acting_as(actor):
        yield db.session()
        db.session.remove()


def dumped(app: Any) -> Iterator[tuple[str, bytes]]:
    """Every value of every column of every table, each table in one piece, as raw bytes."""
    with app.app_context():
        names = inspect(db.engine).get_table_names()
        with db.engine.connect() as connection:
            for name in names:
                rows = connection.exec_driver_sql(f'SELECT * FROM "{name}"')
                yield name, b"\n".join(raw(value) for row in rows for value in row)
        db.engine.dispose()
    yield from raw_files(app)


def raw(value: Any) -> bytes:
    """A value of a driver as bytes."""
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    return json.dumps(value, ensure_ascii=False, default=str).encode()


def raw_files(app: Any) -> Iterator[tuple[str, bytes]]:
    """The files of the database where it has any, its logs too, and the whole file store."""
    url = make_url(app.config["DATABASE_URL"])
    if url.drivername.startswith("sqlite"):
        path = Path(url.database)
        files = sorted(path.parent.glob(f"{path.name}*"))
        assert files
        yield from ((each.name, each.read_bytes()) for each in files)
    folder = Path(app.config["STORAGE_DIR"])
    for each in sorted(folder.rglob("*")):
        yield f"name of {each.name}", each.relative_to(folder).as_posix().encode()
        if each.is_file():
            yield each.name, each.read_bytes()


def found(app: Any, needles: Needles) -> dict[str, set[str]]:
    """Where which numbers lie open."""
    places = {place: needles.within(data) for place, data in dumped(app)}
    return {place: numbers for place, numbers in places.items() if numbers}


def by_pages(app: Any, world: Any) -> None:
    """Forms, a refused form, a draft, a search, a reveal, a print, and a strange sign-in."""
    ref, other = world.teachers["A1_draft_1"], world.teacher("A1", "effective")
    client = sign_in(app, world, CLERK)
    path = f"/teacher/{ref.id}/set/contact"
    sent = {"mobile": TYPED["form"], "emergency_phone": TYPED["urgent"]}
    assert save(client, f"{path}/edit", **sent).status_code == 302
    assert save(client, f"{path}/edit", mobile=TYPED["refused"], email="x@").status_code == 422
    token = {"csrf_token": token_for(client)}
    draft = f"/draft/{other.id}/contact/new"
    assert client.post(draft, data=token | {"mobile": TYPED["draft"]}).status_code == 200
    assert client.post("/teacher/lookup", data=token | {"q": ref.id_no}).status_code == 302
    basic = client.get(f"/teacher/{ref.id}/set/basic").text
    record = basic.partition('data-record="')[2].partition('"')[0]
    reveal = token | {"key": "basic.id_no", "record": record, "purpose": "verify"}
    assert ref.id_no in client.post(f"/teacher/{ref.id}/reveal", data=reveal).text
    marked = token | {"action": "print", "rowid": [ref.id, other.id], "reason-print": "归档"}
    assert client.post("/teacher/action_post", data=marked).status_code == 200
    stranger = app.test_client()
    form = {"username": ref.id_no, "password": TYPED["form"]}
    form["csrf_token"] = token_of(stranger.get("/login/").text)
    stranger.post("/login/", data=form)


def by_interface(app: Any, world: Any) -> None:
    """A file opened and sent, one returned, a refused duplicate."""
    clerk = Caller(app.test_client(), world.usernames[CLERK])
    head = Caller(app.test_client(), world.usernames[HEAD])
    known = world.teachers["A1_draft_2"]
    basic = {"name": "王新", "id_doc_type": "1", "id_no": NUMBER, "sex": "1",
             "birth_date": "1987-06-06"}  # fmt: skip
    answer = clerk.post("/teacher/", {"basic": basic})
    assert answer.status_code == 201, answer.json
    again = clerk.post("/teacher/", {"basic": basic | {"id_no": known.id_no}})
    assert again.status_code == 422
    key = world.teacher("A1", "submitted").id
    back = step(head, key, "return_to_teacher", reason="请核对手机号")
    assert back.status_code == 200, back.json


def by_workbooks(app: Any, world: Any) -> None:
    """An import that was carried out, one that waits, and an export of whole files."""
    actor, ref = world.actors[CLERK], world.teachers["A1_draft_2"]
    person = {"basic": [{"id_no": ref.id_no, "name": ref.name}]}
    with at_work(app, actor) as session:
        importing = make_importing(session, actor, Path(app.config["STORAGE_DIR"]))

        def book(mobile: str) -> bytes:
            contents = [person | {"contact": [{"mobile": mobile}]}]
            return filled(importing.catalog, importing.school.category or "", contents)

        assert importing.run(book(TYPED["book"])).updated == 1
        assert importing.upload(book(TYPED["staged"])).updated == 1
        session.commit()
        begun = export.begin(session, actor, plan_of([ref.id]), "核对名单")
        export.write_file(session, actor, begun.export, importing.storage, lambda *_: None)
        session.commit()


def leftovers(app: Any) -> dict[str, int]:
    """How many rows the flows have left where values are copied to."""
    with app.app_context(), system():
        session = db.session()
        counts = {
            cls.__tablename__: len(session.scalars(select(cls.id)).all())
            for cls in (Audit, Notice, FormDraft, FileSnapshot, ImportRow)
        }
        db.session.remove()
    return counts


def test_no_value_that_is_to_be_sealed_lies_open_after_every_flow(
    live_app: Any, world: Any
) -> None:
    needles = Needles(sealed_values(world) | {NUMBER} | set(TYPED.values()))

    by_pages(live_app, world)
    by_interface(live_app, world)
    by_workbooks(live_app, world)

    assert all(leftovers(live_app).values()), leftovers(live_app)
    assert any(each.is_file() for each in Path(live_app.config["STORAGE_DIR"]).rglob("*"))
    assert found(live_app, needles) == {}


def test_the_search_finds_a_value_in_every_kind_of_column_and_file(
    live_app: Any, world: Any
) -> None:
    number, ref = TYPED["form"], world.teachers["A1_draft_1"]
    with live_app.app_context(), system():
        planted = plant(db.session(), ref, number)
        db.session.remove()
    folder = Path(live_app.config["STORAGE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "list.xlsx").write_bytes(workbook(number))
    (folder / f"{number}.bin").write_bytes(b"")
    (folder / "plain").write_bytes(f"x{number}".encode("utf-16"))

    places = found(live_app, Needles({number}))

    wanted = {*planted, "list.xlsx", "plain", f"name of {number}.bin"}
    assert wanted <= {place for place, numbers in places.items() if number in numbers}
    if live_app.config["DATABASE_URL"].startswith("sqlite"):
        assert any(".db" in place for place in places)


def plant(session: Any, ref: Any, number: str) -> set[str]:
    """Write a number into a text, a JSON and a binary column; returns the tables."""
    written = {
        "teacher": ("UPDATE teacher SET national_no = :value WHERE id = :id", number),
        "file_problem": (
            "UPDATE file_problem SET message = :value WHERE teacher_id = :id", f"电话{number}。"
        ),
        "rec_contact": (
            "UPDATE rec_contact SET mobile = :value WHERE teacher_id = :id", number.encode()
        ),
        "rec_basic": (
            "UPDATE rec_basic SET extra = :value WHERE teacher_id = :id",
            json.dumps({"a": [base64.b64encode(number.encode()).decode()]}),
        ),
    }  # fmt: skip
    for statement, value in written.values():
        assert session.execute(text(statement), {"value": value, "id": ref.id}).rowcount
    session.commit()
    return set(written)


def workbook(number: str) -> bytes:
    """A workbook with a number in its shared strings."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append([f"手机 {number}"])
    book.save(out)
    assert number.encode() not in out.getvalue()
    return out.getvalue()


def wrapped() -> dict[str, bytes]:
    """A number in every wrapping, inside other text."""
    plain = NUMBER.encode()
    wide = NUMBER.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789X"})
    return {
        "plain": b"id=" + plain + b";",
        "lower x": plain.lower(),
        "backwards": plain[::-1],
        "parted": b"110101 19870606 123X",
        "full width": wide.encode(),
        "utf-16": NUMBER.encode("utf-16-le"),
        "utf-16 big": NUMBER.encode("utf-16-be"),
        "utf-16 backwards": NUMBER[::-1].encode("utf-16-le"),
        "hex": b"0x" + plain.hex().encode(),
        "hex upper": plain.hex().upper().encode(),
        "hex backwards": plain[::-1].hex().encode(),
        "hex of utf-16": NUMBER.encode("utf-16-le").hex().encode(),
        **{f"base64 at {n}": base64.b64encode(b"a" * n + plain + b"zz") for n in range(4)},
        "base64 without padding": base64.b64encode(plain + b"z").rstrip(b"="),
        "base64 for addresses": b"/?a=" + base64.urlsafe_b64encode(b"\xff\xfe" + plain + b"z"),
        "base64 backwards": base64.b64encode(plain[::-1]),
        "base64 of utf-16": base64.b64encode(NUMBER.encode("utf-16-le")),
        "base64 of hex": base64.b64encode(plain.hex().encode()),
        "workbook": workbook(NUMBER),
    }


@pytest.mark.parametrize("how", wrapped())
def test_the_search_sees_through_the_wrapping(how: str) -> None:
    data = b"\x01\xfe" * 9 + b"\n" + wrapped()[how] + b"\n"
    data = wrapped()[how] if how == "workbook" else data

    assert Needles([NUMBER, "13977660001"]).within(data) == {NUMBER}


@pytest.mark.parametrize("data", [b"11010119870606123", b"2110101", b"1397766-0002", b""])
def test_the_search_takes_nothing_else_for_a_number(data: bytes) -> None:
    assert Needles([NUMBER, "13977660001"]).within(data) == set()


def test_every_table_is_read_and_sealed_columns_hold_bytes(live_app: Any) -> None:
    with live_app.app_context():
        known = MetaData()
        known.reflect(db.engine)
        assert {name for name, _data in dumped(live_app)} >= set(known.tables)
    assert isinstance(Teacher.__table__.c.id_no.type, LargeBinary)
