"""The result of an act on many files: how far it is, who was refused and why."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask import redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.core.errors import NotFound
from app.extensions import db
from app.indicators.catalog import Catalog
from app.jobs.review import FILES, Subject
from app.models.change import RecordChange
from app.models.job import ENDED, Job, JobState
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import job as jobs
from app.services.among import among
from app.views.flow_actions import place_name
from app.views.labels import present_catalog
from app.views.listing import address_of
from app.views.open_process import process_url
from app.views.teacher.file import is_fragment

SHOWN = 500


class Line(NamedTuple):
    """One file of the act."""

    name: str
    school: str
    href: str
    status: int
    reasons: list[tuple[str, str]]


class Result(NamedTuple):
    """What the page prints of an act."""

    title: Any
    state: str
    done: int
    refused: int
    left: int
    progress: int
    total: int
    error: str
    failed: list[Line]
    passed: list[Line]

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in ENDED

    @property
    def stopped(self) -> bool:
        """Whether it ended before all files were decided."""
        return self.state in (JobState.FAILED, JobState.CANCELLED)


def answer(view: Any, pk: int) -> Any:
    """Answer with the page of an act, or with its part that is asked for again and again."""
    found = find(db.session(), pk, view.subject)
    text = request.args.get("queue", "")
    template = "review/outcome_part.html" if is_fragment() else "review/outcome.html"
    return view.render_template(
        template,
        title=str(view.subject.steps_named(found.args["step"])[0].label),
        list_title=view.list_title,
        result=result_of(db.session(), found, present_catalog(), view.subject),
        reason=found.args.get("reason", ""),
        back_url=view.list_url() + (f"?{text}" if text else ""),
        urls={
            "self": url_for(f"{view.endpoint}.outcome", pk=pk, queue=text or None),
            "cancel": url_for(f"{view.endpoint}.cancel", pk=pk),
            "resume": url_for(f"{view.endpoint}.resume", pk=pk),
        },
    )


def find(session: Session, pk: int, subject: Subject) -> Job:
    """Return an act of one's own. Raises NotFound."""
    found: Job = scoped_get(session, Job, pk)
    if found.name != subject.job:
        raise NotFound()
    return found


def cancel(view: Any, pk: int) -> Any:
    """Ask the worker to stop."""
    session = db.session()
    jobs.stop(session, current_actor(), find(session, pk, view.subject))
    session.commit()
    return redirect(url_for(f"{view.endpoint}.outcome", pk=pk))


def resume(view: Any, pk: int) -> Any:
    """Put a stopped act back into the queue."""
    session = db.session()
    jobs.go_on(session, current_actor(), find(session, pk, view.subject))
    session.commit()
    return redirect(url_for(f"{view.endpoint}.outcome", pk=pk))


def result_of(session: Session, job: Job, known: Catalog, subject: Subject = FILES) -> Result:
    """Return the result of an act with the names of its objects, inside the scope."""
    told: Mapping[str, Any] = job.result or {"done": 0, "refused": 0, "failed": []}
    refused = {each["id"]: each for each in told["failed"]}
    decided = job.args["ids"][: job.done]
    if told["refused"] > len(refused):
        # Not every refusal is kept: beyond the last one nobody can say which files passed.
        decided = [key for key in decided if key <= max(refused)]
    passed = [key for key in decided if key not in refused][:SHOWN]
    shown = [*list(refused)[:SHOWN], *passed]
    names = names_of(session, shown, subject)
    return Result(
        subject.steps_named(job.args["step"])[0].label,
        job.state,
        told["done"],
        told["refused"],
        len(job.args["ids"]) - told["done"] - told["refused"],
        job.done,
        len(job.args["ids"]),
        job.error or "",
        [line_of(key, names, refused[key], known) for key in list(refused)[:SHOWN]],
        [line_of(key, names, None, known) for key in passed],
    )


# Name, school and page of an object.
Named = tuple[str, str, str]


def names_of(session: Session, keys: Iterable[int], subject: Subject = FILES) -> dict[int, Named]:
    """Return name, school and page of files, or of additions and changes, inside the scope."""
    if subject.job == FILES.job:
        rows = session.execute(
            select(Teacher.id, Teacher.name, Unit.name)
            .join(Unit, Unit.id == Teacher.school_id)
            .where(among(session, Teacher.id, keys))
        )
        return {
            key: (name, school, address_of("ReviewView", "show", pk=key))
            for key, name, school in rows
        }
    found = session.execute(
        select(RecordChange.id, RecordChange.flow, Teacher.name, Unit.name)
        .join(Teacher, Teacher.id == RecordChange.teacher_id)
        .join(Unit, Unit.id == RecordChange.school_id)
        .where(among(session, RecordChange.id, keys))
    )
    return {key: (name, school, process_url(flow, key)) for key, flow, name, school in found}


def line_of(
    key: int, names: Mapping[int, Named], told: Mapping[str, Any] | None, known: Catalog
) -> Line:
    """Return the line of an object; `told` is its refusal, None when it was done."""
    # What has left the scope meanwhile is named by nothing.
    name, school, href = names.get(key, ("", "", ""))
    if told is None:
        return Line(name, school, href, 200, [])
    reasons = [
        (place_name(each["set"], each["field"], known), each["message"])
        for each in told["problems"]
    ]
    return Line(name, school, href, told["status"], reasons or [("", told["message"])])
