"""`flask nightly` in a process of its own, started by a word and held at a place to be killed."""

import sys
import time
from pathlib import Path
from typing import Any

from app.jobs import nightly
from app.jobs.worker import JobContext
from tests.conftest import make_app

BATCH = 10  # So small that a night over the test world has several.
HELD_AT = 2  # The batch at which it is held.


def hold(place: str) -> None:
    """Stop within a batch, before it is committed, or right after it."""
    target: Any = {"batch": nightly.check, "step": JobContext}[place]
    name = {"batch": "keep_nightly", "step": "step"}[place]
    real, calls = getattr(target, name), []

    def held(*args: Any) -> None:
        real(*args)
        if place == "batch" or args[0].job.name == "check_by_night":
            calls.append(1)
        if len(calls) == HELD_AT:
            say("held")
            time.sleep(600)

    setattr(target, name, held)


def say(word: str) -> None:
    """Tell the test how far it is."""
    print(word, flush=True)


def main(url: str, keys: str, folder: str, place: str = "") -> None:
    """Carry out today's nightly jobs once the test says so."""
    nightly.BATCH = BATCH
    if place:
        hold(place)
    app = make_app(url, Path(keys), Path(folder))
    say("ready")
    sys.stdin.readline()
    with app.app_context():
        app.cli.commands["nightly"].main([], standalone_mode=False)
    say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
