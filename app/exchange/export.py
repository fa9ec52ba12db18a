"""Exports of exactly what a list shows, under the rules of SEC-14 and SEC-33 (I4).

A list registers how to run its query again by `@export_source(name)`; a plan names the source,
the list's query string and the columns, so that a job can do it under the owner's scope. Masks are
the business of the source: it hands over cells as the list shows them.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access.actor import Actor
from app.core.clock import local, now
from app.core.errors import Forbidden, Malformed, NotFound
from app.exchange.table import (
    csv_pieces,
    send_workbook,
    stream_csv,
    write_workbook,
    write_xlsx,
)
from app.indicators.catalog import catalog
from app.models.exchange import ExportFile
from app.models.job import Job
from app.services import audit, export_right, notice
from app.services import job as queue
from app.services.storage import Storage

__all__ = [
    "Begun",
    "Download",
    "ExportPlan",
    "Listing",
    "begin",
    "decide",
    "export_source",
    "send",
    "stream_csv",
    "take",
    "write_file",
    "write_xlsx",
]

JOB = "export"
XLSX, CSV = "xlsx", "csv"
DIRECT_ROWS = 10_000
# Called with rows done and in all; the last call commits.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Listing:
    """What a source gives: headings, rows of cells, their exact number.

    `sensitive` says that a column shows personal values whole. Rows are read once. A source that
    makes no table gives `write(target, notice, folder)` instead of rows.
    """

    headings: Sequence[str]
    rows: Iterable[Sequence[Any]]
    count: int
    sensitive: bool = False
    write: "Callable[[Path | io.BytesIO, str, Path | None], None] | None" = None

    def to_workbook(self, target: Path | io.BytesIO, notice: str, folder: Path | None) -> None:
        """Write a workbook; its unfinished parts lie in `folder`."""
        if self.write is not None:
            self.write(target, notice, folder)
        else:
            write_workbook(target, self.headings, self.rows, notice=notice, folder=folder)


Source = Callable[[Session, Actor, str, Sequence[str]], Listing]
EXPORTS: dict[str, Source] = {}


def export_source(name: str) -> Callable[[Source], Source]:
    """Register how a list runs its query again: `(session, actor, query_string, columns)`.

    It must read under the scope of the actor who is set, and needs no request. Raise ValueError
    for a name that is taken.
    """

    def register(source: Source) -> Source:
        if name in EXPORTS:
            raise ValueError(f"export source {name} is already registered")
        EXPORTS[name] = source
        return source

    return register


@dataclass(frozen=True)
class ExportPlan:
    """What is to be exported: a source, the query string of its list, columns, title, format."""

    source: str
    query: str = ""
    columns: tuple[str, ...] = ()
    title: str = ""
    format: str = XLSX

    @property
    def file_name(self) -> str:
        """The name a browser saves the file under; no personal value is in it (SEC-17)."""
        return f"{self.title or self.source}.{self.format}"

    def as_request(self) -> dict[str, Any]:
        """The plan as JSON, kept with the export and its audit row."""
        return {**vars(self), "columns": list(self.columns)}

    @classmethod
    def of(cls, request: dict[str, Any]) -> "ExportPlan":
        """The plan that as_request() described."""
        names = ("source", "query", "columns", "title", "format")
        values = {name: request[name] for name in names}
        return cls(**values | {"columns": tuple(values["columns"])})

    def listing(self, session: Session, actor: Actor) -> Listing:
        """Run the query; Malformed for a source that nobody registered."""
        if self.source not in EXPORTS:
            raise Malformed()
        return EXPORTS[self.source](session, actor, self.query, self.columns)


@dataclass(frozen=True)
class Begun:
    """What became of a wish to export: `listing` to send at once, or a `job`, or neither while
    somebody must approve. `notice` is the visible first line of the file."""

    export: ExportFile
    notice: str
    listing: Listing | None = None
    job: Job | None = None

    @property
    def waits(self) -> bool:
        """Whether another person must approve first."""
        return self.export.approval == export_right.WAITING


def begin(
    session: Session,
    actor: Actor,
    plan: ExportPlan,
    purpose: str,
    *,
    direct_rows: int = DIRECT_ROWS,
) -> Begun:
    """Start an export: at once, as a job above `direct_rows` rows, or after an approval.

    CSV is streamed whatever its length. Raise Forbidden without right or purpose, Malformed for an
    unknown format, LimitReached while an export of the account runs. The caller commits.
    """
    purpose = export_right.check_right(actor, purpose)
    if plan.format not in (XLSX, CSV):
        raise Malformed()
    export_right.only_one(session, actor, [JOB])
    listing = plan.listing(session, actor)
    known = catalog(session)
    needs_approval = export_right.needs_approval(
        session, actor, listing.count, sensitive=listing.sensitive, catalog=known
    )
    export = export_right.note(
        session,
        actor,
        purpose=purpose,
        file_name=plan.file_name,
        rows=listing.count,
        sensitive=listing.sensitive,
        catalog=known,
        request=plan.as_request(),
        approval=export_right.WAITING if needs_approval else export_right.NONE,
    )
    begun = Begun(export, first_line(actor, export))
    if needs_approval:
        return begun
    if plan.format == XLSX and listing.count > direct_rows:
        return replace(begun, job=_enqueue(session, export))
    return replace(begun, listing=listing)


def send(begun: Begun) -> Response:
    """Answer with the file of an export that needs neither approval nor job.

    The caller commits before, so that the audit row stands whatever becomes of the answer.
    """
    if begun.listing is None:
        raise NotFound()
    plan = ExportPlan.of(begun.export.request or {})
    listing, name = begun.listing, plan.title or plan.source
    if plan.format == CSV:
        return stream_csv(listing.headings, listing.rows, name=name, notice=begun.notice)
    out = io.BytesIO()
    listing.to_workbook(out, begun.notice, None)
    return send_workbook(out.getvalue(), name=name)


def decide(session: Session, actor: Actor, uuid: str, *, approved: bool) -> ExportFile:
    """Approve an export of somebody else, which puts it in the queue, or reject it."""
    export = export_right.decide(session, actor, uuid, approved=approved)
    if approved:
        _enqueue(session, export)
    return export


def write_file(
    session: Session, actor: Actor, export: ExportFile, storage: Storage, progress: Progress
) -> None:
    """Write the file of an export under its owner's scope, seal it and tell the owner."""
    if export.approval not in (export_right.NONE, export_right.APPROVED):
        raise Forbidden()
    plan = ExportPlan.of(export.request or {})
    listing = plan.listing(session, actor)
    line = first_line(actor, export)
    with storage.workspace() as folder:
        path = folder / "export.xlsx"
        if plan.format == CSV:
            kept = storage.keep(session, csv_pieces(listing.headings, listing.rows, notice=line))
        else:
            listing.to_workbook(path, line, folder)
            with path.open("rb") as file:
                kept = storage.keep(session, file)
    hours = int(catalog(session).parameter("export_hours"))
    export.stored_name = kept.name
    export.rows = listing.count
    export.expires_at = now() + timedelta(hours=hours)
    notice.send(session, "export_ready", [export.account_id], count=listing.count)
    detail = {"step": "written", "count": listing.count, "size": kept.size}
    audit.record(session, "export", actor=actor, object=export, detail=detail)
    progress(listing.count, listing.count)


@dataclass(frozen=True)
class Download:
    """A file on its way: its name and its content in pieces."""

    file_name: str
    pieces: Iterable[bytes]


def take(session: Session, actor: Actor, uuid: str, storage: Storage) -> Download:
    """Hand over a file once, to the account that asked for it; it is deleted with the commit.

    Raise NotFound for anything else: another account, a second time, after its hours, not yet
    written; Forbidden while nobody has approved it.
    """
    export = session.scalars(select(ExportFile).where(ExportFile.uuid == uuid)).first()
    if export is None or export.account_id != actor.account_id:
        raise NotFound()
    if export.approval in (export_right.WAITING, export_right.REJECTED):
        raise Forbidden(_("Another person must approve this export first."))
    name = export.stored_name
    taken = session.execute(
        update(ExportFile)
        .where(
            ExportFile.id == export.id,
            ExportFile.downloaded_at.is_(None),
            ExportFile.stored_name.is_not(None),
            ExportFile.expires_at > now(),
        )
        .values(downloaded_at=now(), stored_name=None)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1 or name is None:  # type: ignore[attr-defined]
        raise NotFound()
    # The open stream outlives the deletion of the file.
    pieces = storage.stream(name)
    storage.drop(session, name)
    session.refresh(export)
    detail = {"count": export.rows}
    audit.record(session, "download", actor=actor, object=export, detail=detail)
    return Download(export.file_name, pieces)


def first_line(actor: Actor, export: ExportFile) -> str:
    """Who took what away, when and what for, as it stands above the headings."""
    return _(
        "Exported by %(name)s (%(unit)s) on %(time)s, %(count)d rows, purpose: %(purpose)s",
        name=actor.name,
        unit=actor.unit_name,
        time=f"{local(export.at):%Y-%m-%d %H:%M}",
        count=export.rows,
        purpose=export.purpose,
    )


def _enqueue(session: Session, export: ExportFile) -> Job:
    """Put the writing in the queue on behalf of the one who asked, whoever approved it."""
    place = export.request or {}
    owner = SimpleNamespace(
        account_id=export.account_id,
        assignment_id=place.get("assignment"),
        unit_id=place.get("unit"),
    )
    job = queue.enqueue(session, JOB, {"export": export.id}, owner=owner)
    export.job_id = job.id
    session.flush()
    return job
