"""`flask rotate-keys` in a process of its own, to be killed; batches are small and slow."""

import sys
import time
from pathlib import Path

from app.access.scope import system
from app.extensions import db
from app.services import key
from app.services.storage import Storage
from tests.conftest import make_app


def main(url: str, keys: str, folder: str, size: str, pause: str) -> None:
    """Print the place of each batch once it is committed."""
    key.BATCH = int(size)
    app = make_app(url, Path(keys), Path(folder))
    with app.app_context(), system():
        for place, _count in key.rotate(db.session(), Storage.of(app.config)):
            print(place, flush=True)
            time.sleep(float(pause))


if __name__ == "__main__":
    main(*sys.argv[1:])
