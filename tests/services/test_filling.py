"""Filling in and deciding at the same moment: one comes after the other, nothing falls between."""

from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.access.scope import scoped_get
from app.core.errors import AppError
from app.extensions import db
from app.models.attachment import Attachment
from app.models.record import TEACHER_SETS
from app.models.teacher import NoneAnswer, ReviewState, Teacher
from app.services import attachment
from app.services import file as files
from app.services.storage import Storage
from app.workflows.review import REVIEW
from tests.core.test_images import picture

WORK = {"org_name": "某校", "start": "2001-09", "end": "2003-07", "unit_nature": "23",
        "position": "教师", "reference": "张三"}  # fmt: skip
APPRAISAL = {"year": "2019", "result": "2", "org_name": "某校"}
SUBMIT = (("school_info_A1", "submit", {"declared": True}),)
CONFIRM = (("school_head_A1", "confirm", {}),)
APPROVE = (*CONFIRM, ("district_info_A", "approve", {"scope_checked": True}))
# State at the start, set that is filled in, its values, the decision that comes between.
RACES = {
    "submit": ("draft", "work", WORK, SUBMIT),
    "confirm": ("submitted", "appraisal", APPRAISAL, CONFIRM),
    "approve": ("submitted", "appraisal", APPRAISAL, APPROVE),
}
IN_FORCE = (ReviewState.EFFECTIVE, ReviewState.CITY_ACCEPTED, ReviewState.REPORTED)


class Race:
    """Somebody who has read a file and is about to write, while others decide on it.

    On PostgreSQL the decision is finished before the writer goes on; on SQLite the writer's
    transaction is the only one, so the decision waits for it.
    """

    def __init__(self, app: Any, world: Any, key: int, steps: Any) -> None:
        self.app, self.world, self.key, self.steps = app, world, key, steps
        self.read, self.decided = Event(), Event()
        self.statuses: list[int] = []

    def run(self, write: Any, who: str = "school_info_A1") -> int:
        """Write in one thread, decide in another; returns the status of the writer."""
        written: list[int] = []
        threads = [
            Thread(target=lambda: written.append(self._write(write, self.world.actors[who]))),
            Thread(target=self._decide),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return written[0]

    def _write(self, write: Any, actor: Any) -> int:
        with self.app.app_context(), acting_as(actor):
            session = db.session()
            try:
                teacher = scoped_get(session, Teacher, self.key)
                self.read.set()
                # On SQLite the reader holds the only write lock: nobody decides before it is done.
                self.decided.wait(timeout=1 if db_is_sqlite(self.app) else 60)
                write(session, actor, teacher)
                session.commit()
            except AppError as refusal:
                session.rollback()
                return refusal.status
            finally:
                self.read.set()
                db.session.remove()
        return 200

    def _decide(self) -> None:
        self.read.wait()
        for who, step, inputs in self.steps:
            actor = self.world.actors[who]
            with self.app.app_context(), acting_as(actor):
                try:
                    REVIEW.perform(db.session(), self.key, step, actor, version=None, **inputs)
                    db.session.commit()
                    self.statuses.append(200)
                except AppError as refusal:
                    db.session.rollback()
                    self.statuses.append(refusal.status)
                finally:
                    db.session.remove()
        self.decided.set()


def left_behind(key: int, cls: Any) -> list[Any]:
    """The draft rows of a file that is in force: nobody would ever see them again."""
    teacher = db.session.get(Teacher, key, populate_existing=True)
    if teacher.state not in IN_FORCE:
        return []
    return list(
        db.session.scalars(select(cls).where(cls.teacher_id == key, cls.valid_from.is_(None)))
    )


@pytest.mark.parametrize("name", RACES)
def test_a_row_saved_while_somebody_decides_comes_before_the_decision_or_not_at_all(
    live_app, world, name
):
    state, set_code, values, steps = RACES[name]
    key, cls = world.teacher("A1", state).id, TEACHER_SETS[set_code]
    mine = select(func.count()).where(cls.teacher_id == key)
    with live_app.app_context(), system():
        before = db.session.scalar(mine)

    race = Race(live_app, world, key, steps)
    status = race.run(
        lambda session, actor, teacher: files.save_record(
            session, actor, teacher, set_code, values, catalog=world.catalog
        )
    )

    with live_app.app_context(), system():
        added = db.session.scalar(mine) - before
        teacher = db.session.get(Teacher, key)
        assert left_behind(key, cls) == []
        if race.statuses == [200] * len(steps):
            # What was decided is what was checked.
            assert teacher.checked_content == teacher.content_version
    assert (status, added) in [(200, 1), (403, 0), (409, 0)]
    # Where the decision was first, the writer is refused; on SQLite the writer is first.
    assert status != 200 or db_is_sqlite(live_app)


def db_is_sqlite(app: Any) -> bool:
    return str(app.config["SQLALCHEMY_DATABASE_URI"]).startswith("sqlite")


@pytest.mark.parametrize("act", ["delete", "none", "upload"])
def test_nothing_else_is_written_into_a_file_that_was_decided_meanwhile(live_app, world, act):
    state, steps = ("draft", SUBMIT) if act == "upload" else ("submitted", APPROVE)
    key, known = world.teacher("A1", state).id, world.catalog
    with live_app.app_context(), system():
        before = counts(key)
        cls = TEACHER_SETS["appraisal"]
        row = db.session.scalars(select(cls.uuid).where(cls.teacher_id == key)).first()
        db.session.rollback()
    scan = known.indicator("learning", "attachment")
    writes = {
        "delete": lambda s, a, t: files.delete_record(s, a, t, "appraisal", row, catalog=known),
        "none": lambda s, a, t: files.answer_none(s, a, t, "treatment", False, catalog=known),
        "upload": lambda s, a, t: attachment.store(
            s, a, t, scan, attachment.Upload("a.png", picture("PNG")),
            storage=Storage.of(live_app.config), catalog=known,
        ),
    }  # fmt: skip

    status = Race(live_app, world, key, steps).run(writes[act])

    if db_is_sqlite(live_app):
        assert status == 200  # The writer was first.
        return
    with live_app.app_context(), system():
        assert counts(key) == before
    assert status in (403, 409)


def counts(key: int) -> list[int]:
    """How many rows of each kind hang on a file."""
    classes = (TEACHER_SETS["appraisal"], NoneAnswer, Attachment)
    return [
        db.session.scalar(select(func.count()).select_from(cls).where(cls.teacher_id == key))
        for cls in classes
    ]
