"""Fixtures of the import and export tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask_babel import force_locale

from app.access.actor import acting_as
from tests.exchange.imports import Importing, make_importing


@pytest.fixture
def importing(session: Any, world: Any, tmp_path: Path) -> Iterator[Importing]:
    """School A1 imports, acting as its information administrator."""
    actor = world.actors["school_info_A1"]
    # The words of findings are compared in English, which needs no translations.
    with acting_as(actor), force_locale("en"):
        yield make_importing(session, actor, tmp_path / "files")
