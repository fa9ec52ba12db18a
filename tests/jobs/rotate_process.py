"""`flask rotate-keys` in a process of its own, to be killed; batches are small and slow."""

import sys
import time
from pathlib import Path

from app.access.actor import system
from app.extensions import db
from app.services import key
from app.services.storage import Storage
from tests.conftest import make_app

DEADLINE = 600


def main(url: str, keys: str, folder: str, *how: str) -> None:
    """Print the place of each batch once it is committed.

    `how` is the size of a batch, the pause after it in seconds, and the number of the last one:
    after that only a kill ends the process, however busy the machine is (0: it goes to its end).
    """
    size, pause, last = how
    key.BATCH = int(size)
    app = make_app(url, Path(keys), Path(folder))
    with app.app_context(), system():
        rotation = key.rotate(db.session(), Storage.of(app.config))
        for number, (place, _count) in enumerate(rotation, start=1):
            print(place, flush=True)
            time.sleep(DEADLINE if number == int(last) else float(pause))


if __name__ == "__main__":
    main(*sys.argv[1:])
