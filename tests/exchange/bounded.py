"""Reads every hostile workbook under limits of time and memory; run as a program by a test."""

import resource
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.core.errors import Refused  # noqa: E402
from app.exchange.workbook import Workbook  # noqa: E402
from tests.exchange.hostile import PACKAGES, PARTS  # noqa: E402

MEGABYTE = 1024 * 1024
SECONDS = 5
EXTRA = 150 * MEGABYTE


def main() -> None:
    for name, (make, _words) in {**PACKAGES, **PARTS}.items():
        content = make()
        make_room = _size() + EXTRA
        resource.setrlimit(resource.RLIMIT_AS, (make_room, resource.RLIM_INFINITY))
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            with Workbook(content) as book:
                for sheet in book.sheets:
                    for _row in book.rows(sheet):
                        pass
        except Refused:
            pass
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print("ok", name)


def _size() -> int:
    """The address space of this process in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


if __name__ == "__main__":
    main()
