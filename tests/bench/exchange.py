"""J7 and J8 of the bench: a large workbook comes in, a large list goes out, both as jobs.

The floor of J7 reads the same workbook with openpyxl and inserts its cells as text, without any
check; that of J8 writes twenty columns of all files with xlsxwriter from a cursor of the server.
"""

import csv
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from app.services.job import enqueue
from tests.bench.client import Browser
from tests.bench.process import FLASK, ROOT, START_LIMIT, peak_memory, running, wait_until

JOB_LIMIT = 1800  # Seconds.
BUSY = ("queued", "running")
HOW = [("mode", "insert"), ("take", "all")]
CATEGORY = "primary_secondary"
COLUMNS = (
    "name", "sex", "school", "authority_id", "teacher_no", "stage", "subject", "title", "education",
    "degree_level", "post_category", "staff_category", "in_establishment", "backbone", "state",
    "complete_percent", "error_count", "warning_count", "submitted_at", "effective_at",
)  # fmt: skip
# As the columns above; the school by its name.
WRITTEN = """SELECT t.name, t.sex, u.name, t.authority_id, t.teacher_no, t.stage, t.subject,
 t.title, t.education, t.degree_level, t.post_category, t.staff_category, t.in_establishment,
 t.backbone, t.state, t.complete_percent, t.error_count, t.warning_count, t.submitted_at,
 t.effective_at
 FROM teacher t JOIN unit u ON u.id = t.school_id WHERE t.active ORDER BY t.name, t.id"""


def write_workbook(path: Path, rows: int) -> None:
    """Write the basic sheet of some new persons; `path` gets the account to import it with too."""
    from app import create_app  # noqa: PLC0415 - run in a process of its own.
    from app.access.scope import system  # noqa: PLC0415
    from app.demo.workbooks import Kitchen  # noqa: PLC0415
    from app.extensions import db  # noqa: PLC0415
    from app.indicators.catalog import catalog  # noqa: PLC0415

    with create_app().app_context(), system():
        kitchen = Kitchen(db.session(), catalog(db.session()))
        path.write_bytes(kitchen.book(CATEGORY, kitchen.people(CATEGORY, rows), ["basic"]))
        path.with_suffix(".txt").write_text(kitchen.username(kitchen.school(CATEGORY)))


class Exchange:
    """Imports and exports over one served database, with one worker."""

    def __init__(self, port: int, url: str, environ: dict[str, str]) -> None:
        self.port, self.environ = port, environ
        self.engine: Engine = create_engine(url)

    def _value(self, statement: str) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(statement)).scalar()

    def _wait(
        self, statement: str, good: str, busy: Sequence[str] = BUSY, seconds: float = JOB_LIMIT
    ) -> None:
        """Wait until a state is none of the busy ones, and insist on the good one."""
        what = f"{good} as the answer of {statement}"
        wait_until(lambda: self._value(statement) not in busy, what, seconds=seconds, pause=0.1)
        if (state := self._value(statement)) != good:
            raise RuntimeError(f"{state} instead of {what}")

    @contextmanager
    def _working(self) -> Iterator[subprocess.Popen]:
        """A worker that has carried out a small job: its start is not the next one's."""
        with running([*FLASK, "worker"], self.environ) as worker:
            with Session(self.engine) as session:
                first = enqueue(session, "remove_uploads").id
                session.commit()
            state = f"SELECT state FROM job WHERE id = {first}"
            self._wait(state, "done", seconds=START_LIMIT)
            yield worker

    def bring_in(self, rows: int, password: str) -> tuple[float, float, float]:
        """Upload, check and commit; seconds of ours and of the floor, and MB of the worker."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "teachers.xlsx"
            code = "import sys; from pathlib import Path; from tests.bench.exchange import"
            code += " write_workbook; write_workbook(Path(sys.argv[1]), int(sys.argv[2]))"
            command = [sys.executable, "-c", code, str(path), str(rows)]
            subprocess.run(command, env=self.environ, cwd=ROOT, check=True)
            content = path.read_bytes()
            browser = Browser(self.port).sign_in(path.with_suffix(".txt").read_text(), password)
        drain = [*FLASK, "worker", "--once"]
        subprocess.run(drain, env=self.environ, cwd=ROOT, check=True)  # Nightly work first.
        with self._working() as worker:
            began = time.perf_counter()
            browser.upload("/import/upload", HOW, "workbook", content)
            state = "SELECT state FROM import_batch ORDER BY id DESC LIMIT 1"
            self._wait(state, "checked", ("uploaded", "checking"))
            uuid = self._value("SELECT uuid FROM import_batch ORDER BY id DESC LIMIT 1")
            browser.submit(f"/import/{uuid}/commit", [])
            self._wait(state, "done", ("checked", "committing"))
            ours = time.perf_counter() - began
            memory = peak_memory(worker)
        taken = self._value("SELECT inserted FROM import_batch ORDER BY id DESC LIMIT 1")
        assert taken == rows, f"{taken} of {rows} rows were taken"
        return ours, self._read_and_insert(content), memory

    def _read_and_insert(self, content: bytes) -> float:
        """The floor of J7: cells into a table of texts."""
        began = time.perf_counter()
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = max(book.worksheets, key=lambda each: each.max_row or 0)
        rows = [
            {f"c{n}": None if cell is None else str(cell) for n, cell in enumerate(row)}
            for row in sheet.iter_rows(values_only=True)
        ]
        names = list(rows[0])
        with self.engine.connect() as connection:
            made = ", ".join(f"{name} TEXT" for name in names)
            connection.execute(text(f"CREATE TEMPORARY TABLE bench_cells ({made})"))
            values = ", ".join(f":{name}" for name in names)
            connection.execute(text(f"INSERT INTO bench_cells VALUES ({values})"), rows)
            connection.commit()
        return time.perf_counter() - began

    def take_out(self, browser: Browser) -> tuple[float, float, float]:
        """Export the list of teachers; seconds of ours and of the floor, MB of the worker."""
        fields = [("purpose", "年度统计"), ("query", ""), *[("column", c) for c in COLUMNS]]
        with self._working() as worker:
            began = time.perf_counter()
            _status, sent = browser.submit("/teacher/export", fields)
            if not sent.startswith(b"PK"):  # A short list comes at once, without a job.
                state = "SELECT state FROM job WHERE name LIKE 'export%' ORDER BY id DESC LIMIT 1"
                self._wait(state, "done")
            ours = time.perf_counter() - began
            memory = peak_memory(worker)
        return ours, self._timed(self._write_xlsx), memory

    def stream(self, browser: Browser) -> tuple[float, float]:
        """The same list as CSV, streamed; seconds of ours and of the floor."""
        fields = [("purpose", "年度统计"), ("query", ""), ("format", "csv")]
        fields += [("column", c) for c in COLUMNS]
        began = time.perf_counter()
        _status, data = browser.submit("/teacher/export", fields)
        ours = time.perf_counter() - began
        assert data.count(b"\n") > 100, data[:300]
        return ours, self._timed(self._write_csv)

    @staticmethod
    def _timed(act: Callable[[Path], None]) -> float:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            act(Path(folder) / "file")
            return time.perf_counter() - began

    def _rows(self) -> Iterator[Any]:
        with self.engine.connect().execution_options(stream_results=True) as connection:
            yield from connection.execute(text(WRITTEN))

    def _write_xlsx(self, path: Path) -> None:
        with xlsxwriter.Workbook(os.fspath(path), {"constant_memory": True}) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate(self._rows()):
                sheet.write_row(number, 0, ["" if v is None else str(v) for v in row])

    def _write_csv(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(self._rows())
