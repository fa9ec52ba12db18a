"""`make bench`: the jobs of the day beside hand-written SQL, on one machine in one run.

Builds the demonstration at a size, serves it and the floor with gunicorn, checks the answers and
prints one table of ratios; `build/bench.json` keeps it. Times of another machine mean nothing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, create_engine, inspect, text

from tests.bench.client import Browser, Caller
from tests.bench.exchange import Exchange
from tests.bench.process import (
    FLASK,
    ROOT,
    START_LIMIT,
    gunicorn,
    memory_of_workers,
    running,
    wait_until,
)
from tests.machine import postgres_url

OURS, FLOOR = 8391, 8392
ROUNDS = 15
PASSWORD = "Demo-2026-bj"
DECIDE = ("district_info", "city_info")
PART = {"X-Requested-With": "fragment"}  # How a page asks for a part of itself.
UNIT_SET = "rec_school_basic"  # No file of a person.
WAITING = """SELECT id FROM teacher WHERE state = 'school_confirmed' AND error_count = 0
 AND authority_id = :unit ORDER BY id LIMIT 1000"""
# What else happens to a file that takes effect: number and state, its version, its history.
EFFECT = (
    "UPDATE teacher SET state = 'effective', version = version + 1, file_version = 1,"
    " teacher_no = COALESCE(teacher_no, 'x' || id) WHERE id IN :ids",
    "INSERT INTO file_version (teacher_id, school_id, authority_id, number, at, cause)"
    " SELECT id, school_id, authority_id, 1, CURRENT_TIMESTAMP, 'bench' FROM teacher"
    " WHERE id IN :ids",
    "INSERT INTO transition (flow, object_id, teacher_id, step, from_state, to_state, at)"
    " SELECT 'bench', id, id, 'bench', 'a', 'b', CURRENT_TIMESTAMP FROM teacher WHERE id IN :ids",
)


@dataclass
class Figure:
    """One line of the table: milliseconds (or the unit named), ratio and goal."""

    job: str
    ours: float
    floor: float | None
    goal: str
    unit: str = "ms"

    @property
    def ratio(self) -> float | None:
        return None if not self.floor else self.ours / self.floor


def first_answer(port: int, path: str) -> float:
    """Seconds until the first answer."""

    def answers() -> bool:
        try:
            Browser(port).get(path)
        except (OSError, RuntimeError):
            return False
        return True

    return wait_until(answers, f"an answer of {path} on {port}", seconds=START_LIMIT, pause=0.05)


def median(act: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The median of some rounds in milliseconds, after two to warm up."""
    times = []
    for number in range(rounds + 2):
        began = time.perf_counter()
        act()
        if number >= 2:
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


class Bench:
    """The jobs over one served database."""

    def __init__(self, url: str, accounts: list[dict[str, str]]) -> None:
        self.engine = create_engine(url)
        self.accounts = accounts
        self.by_role: dict[str, dict[str, str]] = {}
        for account in accounts:
            self.by_role.setdefault(account["role"], account)
        self.city = self.sign_in("city_info")
        self.floor = Browser(FLOOR)

    def sign_in(self, role: str) -> Browser:
        account = self.by_role[role]
        return Browser(OURS).sign_in(account["username"], account["password"])

    def scalar(self, statement: str, **values: Any) -> Any:
        """One value of the database."""
        with self.engine.connect() as connection:
            return connection.execute(text(statement), values).scalar()

    def both(self, job: str, goal: str, ours: str, floor: str) -> Figure:
        return Figure(
            job, median(lambda: self.city.get(ours)), median(lambda: self.floor.get(floor)), goal
        )

    def lists(self) -> list[Figure]:
        """J1 to J3 and J5 through HTTP."""
        authority = self.scalar(
            "SELECT authority_id FROM teacher GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        )
        total = self.scalar("SELECT count(*) FROM teacher")
        deep = min(2000, max(1, total // 25 - 1))
        page = self.city.get("/teacher/list/").decode()
        assert page.count("data-label=") >= 25, "the list shows no page of rows"
        return [
            self.both("J1 list, page 1", "<= 1.0", "/teacher/list/", "/j1"),
            self.both(
                "J2 district + name",
                "<= 1.5",
                f"/teacher/list/?_flt_0_authority_id={authority}&q=%E5%BB%BA%E5%9B%BD",
                f"/j2?authority={authority}&name=%25%E5%BB%BA%E5%9B%BD%25",
            ),
            self.both(
                f"J3 page {deep}",
                "<= 1.2",
                f"/teacher/list/?page_TeacherView={deep}",
                f"/j3?offset={deep * 25}",
            ),
            self.both("J5 chart by title", "<= 1.5", "/charts/staff/data/title", "/j5"),
        ]

    def tiers(self) -> list[Figure]:
        """J1 as a district and as a school see it, and J4 as a teacher does: the own file."""
        found = []
        for tier, role in (("district", "district_info"), ("school", "school_info")):
            browser, unit = self.sign_in(role), self._unit(role)
            found.append(
                Figure(
                    f"J1 list of a {tier}",
                    median(lambda browser=browser: browser.get("/teacher/list/")),
                    median(lambda url=f"/j1_{tier}?unit={unit}": self.floor.get(url)),
                    "<= 1.0",
                )
            )
        teacher = self.sign_in("teacher")
        number = self.by_role["teacher"]["username"]
        key = self.scalar("SELECT teacher_id FROM ab_user WHERE username = :name", name=number)
        mine = median(lambda: teacher.get("/my-file/"))
        floor = median(lambda: self.floor.get(f"/j4?id={key}"))
        return [*found, Figure("J4 own file of a teacher", mine, floor, "<= 4")]

    def _unit(self, role: str) -> int:
        code = self.by_role[role]["org_code"]
        return int(self.scalar("SELECT id FROM unit WHERE code = :code", code=code))

    def file(self) -> Figure:
        """J4: header and three sets of one teacher."""
        key = self.scalar("SELECT max(id) FROM teacher WHERE state = 'effective'")

        def ours() -> None:
            self.city.get(f"/teacher/{key}")
            for code in ("learning", "work", "post"):
                self.city.get(f"/teacher/{key}/set/{code}", PART)

        return Figure(
            "J4 file + 3 sets",
            median(ours),
            median(lambda: self.floor.get(f"/j4?id={key}")),
            "<= 4",
        )

    def decisions(self) -> list[Figure]:
        """J6: the city accepts 1,000 files of districts in one request."""
        caller = Caller(OURS, self.by_role["city_info"]["username"], PASSWORD)
        ids = self._ids("effective", 1000)
        began = time.perf_counter()
        answer = caller.post("/api/v1/review/bulk/accept", {"ids": ids})
        ours = (time.perf_counter() - began) * 1000
        done = sum(row["status"] == 200 for row in answer["results"])
        assert done, answer["results"][:3]
        floor = self._floor_decide(len(ids))
        return [Figure(f"J6 decide {len(ids)} ({done} done)", ours, floor, "<= 6")]

    def _ids(self, state: str, count: int) -> list[int]:
        city = "SELECT id FROM unit WHERE kind = 'city'"
        statement = (
            f"SELECT id FROM teacher WHERE state = :state AND authority_id NOT IN ({city})"
            " ORDER BY id LIMIT :count"
        )
        with self.engine.connect() as connection:
            rows = connection.execute(text(statement), {"state": state, "count": count})
            return [row[0] for row in rows]

    def _floor_decide(self, count: int) -> float:
        began = time.perf_counter()
        with self.engine.begin() as connection:
            keys = "SELECT id FROM teacher WHERE state = 'city_accepted' ORDER BY id LIMIT :count"
            connection.execute(
                text(f"UPDATE teacher SET version = version + 1, late = late WHERE id IN ({keys})"),
                {"count": count},
            )
            connection.execute(
                text(
                    "INSERT INTO transition (flow, object_id, teacher_id, step, from_state,"
                    " to_state, at) SELECT 'bench', id, id, 'bench', 'a', 'b', CURRENT_TIMESTAMP"
                    f" FROM teacher WHERE id IN ({keys})"
                ),
                {"count": count},
            )
        return (time.perf_counter() - began) * 1000

    def first_effect(self) -> list[Figure]:
        """J6b: the authority approves files for the first time, up to 1,000; drafts of all sets
        come into force. The floor does the same with plain statements and is rolled back."""
        unit = self.scalar(
            "SELECT authority_id FROM teacher WHERE state = 'school_confirmed' AND error_count = 0"
            " GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        )
        code = self.scalar("SELECT code FROM unit WHERE id = :unit", unit=unit)
        account = next(
            each for each in self.accounts if each["org_code"] == code and each["role"] in DECIDE
        )
        with self.engine.connect() as connection:
            ids = connection.scalars(text(WAITING), {"unit": unit}).all()
        floor = self._floor_effect(list(ids))
        caller = Caller(OURS, account["username"], PASSWORD)
        began = time.perf_counter()
        answer = caller.post("/api/v1/review/bulk/approve", {"ids": ids, "scope_checked": True})
        ours = (time.perf_counter() - began) * 1000
        done = sum(row["status"] == 200 for row in answer["results"])
        assert done, answer["results"][:3]
        return [Figure(f"J6b first effect of {len(ids)} ({done} done)", ours, floor, "<= 2")]

    def _floor_effect(self, ids: list[int]) -> float:
        """Bring the drafts of some files into force with one statement per table."""
        chosen = bindparam("ids", expanding=True)
        tables = [name for name in inspect(self.engine).get_table_names() if name[:4] == "rec_"]
        with self.engine.connect() as connection:
            began = time.perf_counter()
            for name in [*tables, "affiliation"]:
                if name == UNIT_SET:
                    continue
                moved = "" if name == "affiliation" else ", state = 'effective'"
                statement = f"UPDATE {name} SET valid_from = CURRENT_TIMESTAMP{moved}"
                statement += " WHERE valid_from IS NULL AND teacher_id IN :ids"
                connection.execute(text(statement).bindparams(chosen), {"ids": ids})
            for statement in EFFECT:
                connection.execute(text(statement).bindparams(chosen), {"ids": ids})
            connection.rollback()
        return (time.perf_counter() - began) * 1000

    def mixed(self, seconds: float) -> list[Figure]:
        """J9: sixteen clients read lists and files."""
        keys = self._ids("city_accepted", 200) or self._ids("effective", 200)
        ours = self._load(
            lambda: self.sign_in("city_info"),
            ["/teacher/list/", "/teacher/list/?q=%E5%BB%BA", *[f"/teacher/{k}" for k in keys[:8]]],
            seconds,
        )
        floor = self._load(
            lambda: Browser(FLOOR),
            ["/j1", "/j2?authority=1&name=%25%E5%BB%BA%25", *[f"/j4?id={k}" for k in keys[:8]]],
            seconds,
        )
        return [
            Figure("J9 mixed, requests/s", ours[0], floor[0], ">= 0.7", "req/s"),
            Figure("J9 mixed, p95", ours[1], floor[1], "<= 1.5"),
        ]

    def _load(
        self, make: Callable[[], Browser], paths: list[str], seconds: float
    ) -> tuple[float, float]:
        times: list[float] = []
        end = time.perf_counter() + seconds

        def run(number: int) -> None:
            browser, turn = make(), number
            while time.perf_counter() < end:
                began = time.perf_counter()
                browser.get(paths[turn % len(paths)])
                times.append((time.perf_counter() - began) * 1000)
                turn += 1

        threads = [threading.Thread(target=run, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ordered = sorted(times)
        return len(times) / seconds, ordered[int(len(ordered) * 0.95)]

    def page_size(self) -> Figure:
        """J10: kilobytes of HTML of the list (its statements are counted by tests)."""
        kilobytes = len(self.city.get("/teacher/list/")) / 1024
        return Figure("J10 list HTML", kilobytes, None, "<= 40", "KB")


def run(url: str, arguments: argparse.Namespace, folder: Path) -> list[Figure]:
    """Build, serve and measure."""
    environ = {
        **os.environ,
        "APP_ENV": "demo",
        "DATABASE_URL": url,
        "FLOOR_URL": url,
        "FIELD_KEY_FILE": str(folder / "keys.json"),
        "STORAGE_DIR": str(folder / "files"),
        "AUDIT_HEAD_FILE": str(folder / "audit-head"),
        "RATELIMIT_ENABLED": "0",
        "AUTH_RATE_LIMITED": "0",
        "SEARCHES_PER_MINUTE": "1000000",
    }
    size = ["--schools", str(arguments.schools), "--teachers", str(arguments.teachers)]
    began = time.perf_counter()
    for command in (["db", "upgrade"], ["seed"], ["demo", *size]):
        subprocess.run([*FLASK, *command], env=environ, cwd=ROOT, check=True)
    built = time.perf_counter() - began
    listed = subprocess.run(
        [*FLASK, "demo-accounts", "--json"], env=environ, cwd=ROOT, check=True, capture_output=True
    )
    engine = create_engine(url)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    accounts = json.loads(listed.stdout.decode().strip().splitlines()[-1])
    with ExitStack() as stack:
        stack.enter_context(running(gunicorn("tests.bench.floor:app", FLOOR), environ))
        floor_start = first_answer(FLOOR, "/j5")
        ours = stack.enter_context(running(gunicorn("app:create_app()", OURS), environ))
        start = first_answer(OURS, "/healthz")
        bench = Bench(url, accounts)
        return [
            Figure(f"Build of {arguments.teachers} teachers", built, None, "minutes", "s"),
            *bench.lists(),
            bench.file(),
            *bench.tiers(),
            *bench.mixed(arguments.seconds),
            bench.page_size(),
            *bench.decisions(),
            *bench.first_effect(),
            *exchanged(bench, Exchange(OURS, url, environ), arguments.rows),
            Figure("J11 start", start * 1000, floor_start * 1000, "<= 4"),
            Figure("J11 memory per worker", memory_of_workers(ours), None, "<= 150", "MB"),
        ]


def exchanged(bench: Bench, exchange: Exchange, rows: int) -> list[Figure]:
    """J7 and J8: a workbook in, the list of all teachers out."""
    ours, floor, memory = exchange.bring_in(rows, PASSWORD)
    files = bench.scalar("SELECT count(*) FROM teacher WHERE active")
    found = [
        Figure(f"J7 import {rows} from xlsx", ours, floor, "<= 6", "s"),
        Figure("J7 memory of the worker", memory, None, "<= 150", "MB"),
    ]
    ours, plain, memory = exchange.take_out(bench.city)
    found += [
        Figure(f"J8 export {files} x 20 to xlsx", ours, plain, "<= 8", "s"),
        Figure("J8 memory of the worker", memory, None, "<= 150", "MB"),
    ]
    ours, floor = exchange.stream(bench.city)
    return [
        *found,
        Figure("J8 CSV, beside plain xlsx", ours, plain, "<= 1", "s"),
        Figure("J8 CSV, beside plain CSV", ours, floor, "-", "s"),
    ]


def report(figures: list[Figure]) -> str:
    """The table as text."""
    lines = [f"{'job':<34}{'ours':>12}{'floor':>12}{'ratio':>8}   goal"]
    for each in figures:
        floor = "-" if each.floor is None else f"{each.floor:.1f}"
        ratio = "-" if each.ratio is None else f"{each.ratio:.2f}"
        lines.append(
            f"{each.job:<34}{each.ours:>9.1f} {each.unit:<5}{floor:>9}{ratio:>8}   {each.goal}"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, run, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--teachers", type=int, default=300_000)
    parser.add_argument("--schools", type=int, default=4_000)
    parser.add_argument("--rows", type=int, default=10_000, help="of the workbook to import")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--sqlite", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        if arguments.sqlite:
            url = f"sqlite:///{folder / 'bench.db'}"
        else:
            url = stack.enter_context(postgres_url()) or ""
            if not url:
                sys.exit("No PostgreSQL here; use --sqlite.")
        figures = run(url, arguments, folder)
    print(report(figures))
    kept = ROOT / "build" / "bench.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps([asdict(f) | {"ratio": f.ratio} for f in figures], indent=1))


if __name__ == "__main__":
    main()
