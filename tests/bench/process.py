"""The processes of the bench: they are started, waited for, measured and ended here."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
# Seconds. A worker ends with the batch under way.
START_LIMIT, END_LIMIT = 120, 60


@contextmanager
def running(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen]:
    """A process that is ended with the block."""
    child = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(END_LIMIT)


def gunicorn(target: str, port: int) -> list[str]:
    """The command that serves an application on a port with two workers."""
    return [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", target]


def wait_until(is_so: Callable[[], bool], what: str, *, seconds: float, pause: float) -> float:
    """Ask again and again; return the seconds it took, TimeoutError after `seconds`."""
    began = time.perf_counter()
    while not is_so():
        if time.perf_counter() - began > seconds:
            raise TimeoutError(f"{what}: not within {seconds:g} seconds")
        time.sleep(pause)
    return time.perf_counter() - began


def peak_memory(child: subprocess.Popen) -> float:
    """The largest resident set that a process has had, in MB."""
    return _megabytes(child.pid, "VmHWM")


def memory_of_workers(child: subprocess.Popen) -> float:
    """The resident set of the largest child of a process now, in MB; 0 without one."""
    found = subprocess.run(
        ["pgrep", "-P", str(child.pid)], capture_output=True, text=True, check=False
    )
    return max((_megabytes(int(pid), "VmRSS") for pid in found.stdout.split()), default=0.0)


def _megabytes(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"{field}:\s+(\d+)", status)
    if found is None:
        raise RuntimeError(f"process {pid} has no {field}: it has ended")
    return int(found[1]) / 1024
