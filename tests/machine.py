"""Finds what tests use besides Python: a Chromium browser, a PostgreSQL started on demand."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHT_BROWSERS = ".cache/ms-playwright/chromium-*/chrome-linux*/chrome"
POSTGRES_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin")
START_LIMIT = 30  # Seconds.
# The cluster need not survive a power cut. It has no port, so two runs never meet.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "listen_addresses": "",
}


class ServiceMissing(Exception):
    """A service that REQUIRE_ALL=1 asks for is not there, or does not start."""


def is_required() -> bool:
    """Say whether a missing service is an error, as in CI, and not a reason to leave tests out."""
    return os.environ.get("REQUIRE_ALL") == "1"


def find_chromium() -> str | None:
    """Return the path of a browser: $CHROMIUM, one on the PATH, or one of Playwright's."""
    candidates = [
        os.environ.get("CHROMIUM"),
        *(shutil.which(name) for name in BROWSERS),
        *(str(path) for path in sorted(Path.home().glob(PLAYWRIGHT_BROWSERS), reverse=True)),
    ]
    found = next(filter(None, candidates), None)
    _insist("Chromium", found)
    return found


@contextmanager
def postgres_url() -> Iterator[str | None]:
    """Yield the URL of a PostgreSQL server that lets us create databases, or None without one.

    $TEST_PG_URL names a running one; otherwise a cluster is made and removed at the end.
    """
    given = os.environ.get("TEST_PG_URL")
    folder = None if given else _find_postgres()
    if folder is None:
        _insist("PostgreSQL", given)
        yield given
        return
    with _cluster(folder) as url:
        yield url


def left_out() -> list[str]:
    """Say in sentences which tests cannot run on this machine, and what to install for them."""
    sentences = []
    if find_chromium() is None:
        sentences.append(
            "Left out: the browser tests. No Chromium found; install it or set CHROMIUM."
        )
    if not os.environ.get("TEST_PG_URL") and _find_postgres() is None:
        sentences.append(
            "Left out: the database tests on PostgreSQL. None found; install it or set TEST_PG_URL."
        )
    return sentences


def _insist(name: str, found: str | None) -> None:
    if found is None and is_required():
        raise ServiceMissing(f"{name} was not found, and REQUIRE_ALL=1 asks for it")


def _find_postgres() -> Path | None:
    """Return the folder of initdb and postgres; Debian keeps them off the PATH, one per version."""
    on_path = shutil.which("initdb")
    folders = [folder for pattern in POSTGRES_FOLDERS for folder in Path("/").glob(pattern)]
    folders.sort(key=_version, reverse=True)
    if on_path:
        folders.insert(0, Path(on_path).resolve().parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def _version(folder: Path) -> int:
    digits = "".join(filter(str.isdigit, folder.parent.name))
    return int(digits or 0)


def _owner() -> str | None:
    """Return the account to run PostgreSQL as: it refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if owner := _owner():
            shutil.chown(home, owner, owner)
        _initialise(folder, home)
        server = _start(folder, home)
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={home}"
        finally:
            server.send_signal(signal.SIGINT)  # "Fast" shutdown: does not wait for connections.
            server.wait(START_LIMIT)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _initialise(folder: Path, home: Path) -> None:
    command = [folder / "initdb", "--pgdata", home / "data", "--username=postgres", "--auth=trust"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    result = subprocess.run(
        command, user=_owner(), cwd=home, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ServiceMissing(f"initdb failed: {result.stderr}")


def _start(folder: Path, home: Path) -> subprocess.Popen:
    command = [folder / "postgres", "-D", home / "data", "-k", home]
    for name, value in SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    log = home / "log"
    with log.open("wb") as output:
        # A session of its own keeps Ctrl-C away until the tests have closed their connections.
        server = subprocess.Popen(
            command, user=_owner(), cwd=home, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + START_LIMIT
    while not _accepts(home):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise ServiceMissing(f"PostgreSQL did not start: {log.read_text()}")
        time.sleep(0.05)
    return server


def _accepts(home: Path) -> bool:
    """Read the last line of the pid file, which says when connections are welcome."""
    pid_file = home / "data" / "postmaster.pid"
    return pid_file.exists() and pid_file.read_text().split()[-1:] == ["ready"]
