"""Messages are compared in English, whether or not an application is at work."""

from collections.abc import Iterator

import pytest
from flask_babel import force_locale


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Speak English where an application would speak Chinese."""
    with force_locale("en"):
        yield
