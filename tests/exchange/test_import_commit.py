"""The commit leaves all or nothing, goes on after a kill, and can be undone (C5, REL-08)."""

from datetime import date

import pytest
from sqlalchemy import event, func, select

from app.access.actor import system
from app.core.errors import Refused
from app.exchange.teacher_import import batch as imports
from app.exchange.teacher_import import commit, staging, undo
from app.exchange.teacher_import.commit import NotAll, commit_batch
from app.models.exchange import ImportRow
from app.models.teacher import NoneAnswer, ReviewState
from app.models.unit import Unit
from app.services import contents
from app.services import file as files
from tests.exchange.imports import (
    book_of,
    contents_of,
    edited,
    existing,
    exported,
    identity_of,
    one,
    people,
    put,
    snapshot,
)
from tests.factories import make_teacher
from tests.variety import statements


def test_all_or_nothing_takes_nothing_with_an_error(importing):
    good, bad = people(importing.session, importing.school, 2)
    bad["basic"][0]["birth_date"] = date(1950, 1, 1)
    before = snapshot(importing.session)

    batch = importing.upload(book_of(importing, [good, bad]), take="all")

    with pytest.raises(Refused, match="rows have errors"):
        importing.commit(batch)
    assert snapshot(importing.session) == before
    importing.commit(batch, take="good")
    assert importing.teachers()[-1].name == good["basic"][0]["name"]


def test_a_file_submitted_after_the_check_stops_all_or_nothing(importing):
    teacher = existing(importing)
    batch = importing.upload(
        edited(exported(importing, teacher), put("basic", "basic.former_name", "别处")), take="all"
    )
    teacher.state = ReviewState.SCHOOL_CONFIRMED
    importing.session.commit()
    before = snapshot(importing.session)
    imports.start_commit(importing.session, importing.actor, batch)
    importing.session.commit()

    with pytest.raises(NotAll):
        commit_batch(
            importing.session, importing.actor, batch, importing.storage, importing.progress
        )
    importing.session.rollback()
    assert snapshot(importing.session) == before


def test_a_file_submitted_after_the_check_is_refused_among_good_rows(importing):
    teacher = existing(importing)
    batch = importing.upload(
        edited(exported(importing, teacher), put("basic", "basic.former_name", "别处")), take="good"
    )
    teacher.state = ReviewState.SCHOOL_CONFIRMED
    importing.session.commit()

    importing.commit(batch)

    assert (batch.state, batch.updated, batch.bad) == ("done", 0, 1)
    assert "waits for the authority" in str(importing.errors(batch))


def test_a_file_opened_elsewhere_at_the_same_moment_wins(importing, world, monkeypatch):
    content = one(importing)
    batch = importing.upload(book_of(importing, [content]), take="good")
    plan, calls = commit._Commit._plan, []

    def plan_too_early(self, persons):
        plans = plan(self, persons)
        if not calls:
            calls.append(1)
            with system():
                school = self.session.get_one(Unit, world.units["B1"].id)
                make_teacher(self.session, school=school, **content["basic"][0])
        return plans

    monkeypatch.setattr(commit._Commit, "_plan", plan_too_early)
    importing.commit(batch)

    assert batch.inserted == 0
    assert "Use a transfer" in str(importing.errors(batch))


@pytest.mark.parametrize("take", ["all", "good"])
def test_broken_off_at_any_statement_it_leaves_whole_batches_and_goes_on(
    importing, monkeypatch, take
):
    monkeypatch.setattr(staging, "PERSONS", 2)
    wanted = people(importing.session, importing.school, 5)
    before = len(importing.teachers())
    batch = importing.upload(book_of(importing, wanted), take=take)
    imports.start_commit(importing.session, importing.actor, batch)
    importing.session.commit()
    start = snapshot(importing.session)
    point = 1
    while not _commit_until(importing, batch, point):
        found = len(importing.teachers()) - before
        assert found % 2 == 0 or found == 5
        if take == "all":
            assert snapshot(importing.session) == start
        point += 37

    assert batch.state == "done"
    fresh = importing.teachers()[before:]
    assert [each.name for each in fresh] == [each["basic"][0]["name"] for each in wanted]
    assert batch.inserted == batch.rows
    for teacher, content in zip(fresh, wanted, strict=True):
        got = contents_of(importing.session, teacher)
        assert {code: len(got[code]) for code in content} == {
            code: len(rows) for code, rows in content.items()
        }


def test_the_number_of_statements_does_not_grow_with_the_rows(importing):
    counts = []
    for size in (3, 12):
        wanted = people(importing.session, importing.school, size)
        batch = importing.upload(book_of(importing, wanted))
        imports.start_commit(importing.session, importing.actor, batch)
        with statements(writing=True) as seen:
            commit_batch(
                importing.session, importing.actor, batch, importing.storage, lambda *_: None
            )
        importing.end_job(batch)
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_undoing_brings_everything_back(importing):
    teacher = existing(importing)
    start = {t.id: contents_of(importing.session, t) for t in importing.teachers()}
    answers = _answers(importing)
    change = {
        "basic": [{**identity_of(importing.session, teacher), "former_name": "别处"}],
        "ach_paper": [{"name": "论文", "publish_ym": "2020-01"}],
    }
    batch = importing.run(book_of(importing, [change, one(importing)]))
    assert len(importing.teachers()) == len(start) + 1

    importing.undo(batch)

    assert batch.state == "undone"
    assert {t.id: contents_of(importing.session, t) for t in importing.teachers()} == start
    assert _answers(importing) == answers
    importing.session.expire_all()
    assert teacher.pinyin
    assert importing.session.scalar(select(func.count()).select_from(ImportRow)) == 0


def test_nothing_is_undone_once_a_file_was_submitted(importing):
    batch = importing.run(book_of(importing, [one(importing)]))
    teacher = importing.teachers()[-1]
    teacher.version += 1
    importing.session.commit()
    before = snapshot(importing.session)

    assert undo.obstacles(importing.session, importing.actor, batch)
    with pytest.raises(Refused, match="worked on since"):
        importing.undo(batch)
    importing.session.rollback()
    assert snapshot(importing.session) == before


@pytest.mark.parametrize("set_code", ["work", "ach_paper"])
def test_nothing_is_undone_once_somebody_went_on_typing(importing, set_code):
    batch = importing.run(book_of(importing, [one(importing)]))
    teacher = importing.teachers()[-1]
    rows = contents.records(importing.session, teacher, set_code)
    values = {"work": {"position": "主任"}, "ach_paper": {"name": "新论文"}}[set_code]
    files.save_record(
        importing.session,
        importing.actor,
        teacher,
        set_code,
        values,
        catalog=importing.catalog,
        record_uuid=rows[0].uuid if rows else None,
    )

    with pytest.raises(Refused, match="worked on since"):
        importing.undo(batch)


class _Killed(Exception):
    """Stands for the death of the process."""


def _commit_until(importing, batch, point):
    """Commit and die at the given statement; tell whether the end was reached before."""
    session = importing.session
    count = 0

    def die(*_):
        nonlocal count
        count += 1
        if count >= point:
            raise _Killed

    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", die)
    try:
        commit_batch(session, importing.actor, batch, importing.storage, importing.progress)
    except _Killed:
        return False
    finally:
        event.remove(bind, "before_cursor_execute", die)
        session.rollback()
    return True


def _answers(importing):
    query = select(NoneAnswer.teacher_id, NoneAnswer.set, NoneAnswer.answered_by)
    return sorted(map(tuple, importing.session.execute(query)))
