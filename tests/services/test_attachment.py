"""Attachments: who may add and read them, what is refused, what is removed (SEC-34)."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.core import clock
from app.core.errors import Forbidden, NotFound, Refused
from app.indicators.catalog import catalog
from app.models.attachment import Attachment
from app.models.history import Audit
from app.models.teacher import Teacher
from app.services import attachment, contents
from app.services import file as files
from app.services.attachment import MAX_FILES, Upload
from app.services.storage import Storage


def picture(colour: str = "navy") -> bytes:
    """A small jpg."""
    target = io.BytesIO()
    Image.new("RGB", (60, 84), colour).save(target, "JPEG")
    return target.getvalue()


PDF = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
PHOTO, SCAN = ("basic", "photo"), ("learning", "attachment")


@pytest.fixture
def place(session: Any, world: Any, tmp_path: Path) -> Any:
    """A draft file of school A1 with what is needed to add to it."""

    class Place:
        ref = world.teacher("A1", "draft")
        storage = Storage(tmp_path / "files")
        known = catalog(session)

        def teacher(self) -> Teacher:
            return session.get_one(Teacher, self.ref.id)

        def store(self, actor: Any, what: tuple[str, str], upload: Upload) -> Attachment:
            return attachment.store(
                session,
                actor,
                self.teacher(),
                self.known.indicator(*what),
                upload,
                storage=self.storage,
                catalog=self.known,
            )

    return Place()


def test_a_photo_is_kept_sealed_under_a_random_name_and_on_record(
    session: Any, world: Any, place: Any
) -> None:
    actor = world.actor("school_info", "A1")

    with acting_as(actor):
        kept = place.store(actor, PHOTO, Upload("face.jpg", picture()))
        with system():
            act = session.scalars(select(Audit).order_by(Audit.id.desc()).limit(1)).one()

    assert place.storage.read(kept.stored_name).startswith(b"\xff\xd8\xff")
    on_disk = next(path for path in place.storage.folder.rglob("*") if path.is_file())
    assert b"JFIF" not in on_disk.read_bytes()
    assert "face" not in on_disk.name
    assert (act.act, act.teacher_id, act.detail["field"]) == ("attachment", place.ref.id, "photo")


@pytest.mark.parametrize(
    ("what", "upload"),
    [
        (PHOTO, Upload("face.pdf", PDF)),
        (PHOTO, Upload("face.png", picture())),
        (SCAN, Upload("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
        (SCAN, Upload("../scan.pdf", PDF)),
        (SCAN, Upload("scan.pdf", b"")),
        (SCAN, Upload("scan.pdf", PDF + b"0" * (5 * 1024 * 1024))),
    ],
)
def test_a_file_that_is_not_what_is_asked_for_is_refused_and_nothing_is_left(
    session: Any, world: Any, place: Any, what: tuple[str, str], upload: Upload
) -> None:
    actor = world.actor("school_info", "A1")

    with acting_as(actor), pytest.raises(Refused) as refusal:
        place.store(actor, what, upload)

    assert refusal.value.problems
    assert session.scalar(select(Attachment.id)) is None
    assert not [path for path in place.storage.folder.rglob("*") if path.is_file()]


def test_only_who_may_fill_in_the_field_may_upload(world: Any, place: Any) -> None:
    for key in ("school_head_A1", "district_info_A", "school_info_A2"):
        actor = world.actors[key]
        with system(), pytest.raises(Forbidden):
            place.store(actor, PHOTO, Upload("face.jpg", picture()))


def test_the_twenty_first_file_is_refused(world: Any, place: Any) -> None:
    actor = world.actor("school_info", "A1")
    with acting_as(actor):
        for _number in range(MAX_FILES):
            place.store(actor, SCAN, Upload("scan.pdf", PDF))

        with pytest.raises(Refused):
            place.store(actor, SCAN, Upload("scan.pdf", PDF))


def test_a_record_takes_an_upload_of_its_own_file_and_indicator_only(
    session: Any, world: Any, place: Any
) -> None:
    actor = world.actor("school_info", "A1")
    with acting_as(actor):
        photo = place.store(actor, PHOTO, Upload("face.jpg", picture()))
        scan = place.store(actor, SCAN, Upload("scan.pdf", PDF))
        record = contents.records(session, place.teacher(), "learning")[0]
        save = {"catalog": place.known, "record_uuid": record.uuid}

        for wrong in (photo.uuid, "0" * 32):
            with pytest.raises(Refused) as refusal:
                files.save_record(
                    session, actor, place.teacher(), "learning", {"attachment": wrong}, **save
                )
            assert refusal.value.problems[0].field == "attachment"
        files.save_record(
            session, actor, place.teacher(), "learning", {"attachment": scan.uuid}, **save
        )
        session.refresh(scan)

    assert scan.record_uuid == record.uuid


def test_an_attachment_is_read_as_its_row_is(session: Any, world: Any, place: Any) -> None:
    actor = world.actor("school_info", "A1")
    with acting_as(actor):
        kept = place.store(actor, SCAN, Upload("scan.pdf", PDF))
        record = contents.records(session, place.teacher(), "learning")[0]
        with pytest.raises(NotFound):
            attachment.find(
                session, world.actor("school_head", "A1"), kept.uuid, catalog=place.known
            )
        files.save_record(
            session,
            actor,
            place.teacher(),
            "learning",
            {"attachment": kept.uuid},
            catalog=place.known,
            record_uuid=record.uuid,
        )

    for key in ("school_head_A1", "district_info_A", "city_info", "teacher_A1"):
        reader = world.actors[key]
        with acting_as(reader):
            assert attachment.find(session, reader, kept.uuid, catalog=place.known).id == kept.id
    # The assistant sees masks only, the others are foreign or do not open files at all.
    for key in ("city_assistant", "school_info_A2", "district_info_B", "teacher_B1", "city_system"):
        reader = world.actors[key]
        with acting_as(reader), pytest.raises(NotFound):
            attachment.find(session, reader, kept.uuid, catalog=place.known)


def test_what_no_record_took_is_removed_after_a_day(session: Any, world: Any, place: Any) -> None:
    actor = world.actor("school_info", "A1")
    with acting_as(actor):
        kept = place.store(actor, SCAN, Upload("scan.pdf", PDF))
        session.commit()
        name = kept.stored_name

    with system(), clock.frozen(clock.now() + timedelta(hours=23)):
        assert attachment.sweep(session, place.storage) == 0
    with system(), clock.frozen(clock.now() + timedelta(hours=25)):
        assert attachment.sweep(session, place.storage) == 1
        session.commit()

    assert not place.storage.has(name)
