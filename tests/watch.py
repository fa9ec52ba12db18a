"""Watches the whole suite: where a value of a person must never stand, no marker does (SEC-17).

Every request of every application made in a test passes `Watch.answer`, every log record passes
`Watch.line`; what the process wrote to stderr is read when a test has ended. A test that
deliberately sends a number in an address says so: `@pytest.mark.sends_numbers("why")`.
"""

import html
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import unquote_plus

from flask import request, session

from app.core.logs import redact, trace_of
from app.demo import ids

# The made-up persons of the factories have numbers by rule; those of the world are learnt. A run
# of digits inside a token of hexadecimal characters is none.
MADE = re.compile(
    rf"(?<![0-9A-Fa-f]){ids.DIVISION}(?:19|20)[0-9]{{9}}[0-9Xx](?![0-9A-Fa-f])"
    rf"|(?<![0-9A-Fa-f.])(?:{ids.MOBILE}|{ids.EMERGENCY})[0-9]{{8}}(?![0-9A-Fa-f])"
)
# What a person reads of a header, or what a browser keeps of it.
HEADERS = ("Location", "Content-Location", "Content-Disposition", "Link", "Refresh", "Set-Cookie")
AMOUNT = re.compile(r"[0-9,]+\.[0-9]+")
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
# A form that is refused shows again what was typed into it; its words of refusal are ours.
ERROR = re.compile(
    r'<section class="tm-error-page">.*?</section>'
    r'|(?:invalid-feedback|role="alert")[^>]*>.*?</(?:div|p)>',
    re.DOTALL,
)
TARGET, REQUEST_LINE, ERROR_TEXT = "request target", "log of the server", "error text"
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
SENT = frozenset({TARGET, REQUEST_LINE})


class Leaked(AssertionError):
    """A marker stands where none may."""


class Finding(NamedTuple):
    """Where a marker was seen, and how it reads there."""

    place: str
    marker: str
    around: str

    def __str__(self) -> str:
        return f"{self.place} shows {self.marker}: {self.around}"


class Watch:
    """What is searched for, and what was found since the innermost `during()` began."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self._texts: set[str] = set()
        self._heads = re.compile(r"(?!)")  # Matches nothing, as long as there is no marker.

    def learn(self, world: Any) -> None:
        """Search for the masked and sealed values of a world too."""
        self._texts |= {
            marker.text
            for marker in world.markers
            if world.catalog.indicator(marker.set, marker.field).masked
        }
        heads = {r"[0-9]\.[0-9]" if AMOUNT.fullmatch(t) else re.escape(t[:4]) for t in self._texts}
        self._heads = re.compile("|".join(sorted(heads)))

    @contextmanager
    def during(self, allowed: Iterable[str] = ()) -> Iterator[None]:
        """Raise Leaked at the end when a marker was seen in a place that is not allowed."""
        outer, self.found = self.found, []
        try:
            yield
        finally:
            found, self.found = self.found, outer
        found = [each for each in found if each.place not in allowed]
        if found:
            raise Leaked("\n".join(dict.fromkeys(map(str, found[:10]))))

    @contextmanager
    def hung_on(self, application: Any) -> Iterator[None]:
        """Look at every answer of an application class, and at every log record."""
        with ExitStack() as stack:
            before, handle = application.process_response, logging.Logger.handle

            def process_response(app: Any, response: Any) -> Any:
                response = before(app, response)
                self.answer(request.environ, response)
                self.see("session cookie", repr(dict(session)))  # Signed and packed in the header.
                return response

            def handled(logger: logging.Logger, record: logging.LogRecord) -> None:
                self.line(record)
                handle(logger, record)

            stack.enter_context(
                mock.patch.object(application, "process_response", process_response)
            )
            stack.enter_context(mock.patch.object(logging.Logger, "handle", handled))
            yield

    def answer(self, environ: dict[str, Any], response: Any) -> None:
        """Look at the target of a request, and at the headers and texts of its answer."""
        self.see(TARGET, f"{environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}")
        for name in HEADERS:
            for value in response.headers.getlist(name):
                self.see(name, value)
        is_page, is_refusal = response.mimetype == "text/html", response.status_code >= 400
        if response.is_streamed or response.direct_passthrough or not (is_page or is_refusal):
            return
        body = response.get_data(as_text=True)
        title = TITLE.search(body) if is_page else None
        self.see("page title", title[1] if title else "")
        if is_refusal:
            for text in ERROR.findall(body) if is_page and "<main" in body else [body]:
                self.see(ERROR_TEXT, text)

    def line(self, record: logging.LogRecord) -> None:
        """Look at a log record: message, what it carries, trace.

        What we log is looked at before its numbers are cut. Packages log names as somebody typed
        them, with numbers in them; there the cut line is looked at.
        """
        place = REQUEST_LINE if record.name == "werkzeug" else f"log of {record.name}"
        extras = repr({k: v for k, v in vars(record).items() if k not in STANDARD})
        trace = trace_of(record.exc_info[1]) if record.exc_info else ""
        ours = record.name.partition(".")[0] == "app"
        for text in (record.getMessage(), extras, trace):
            self.see(place, text if ours else redact(text))

    def see(self, place: str, text: str) -> None:
        """Look for a marker in a text, also where it is escaped, or twice as an inner address."""
        once = unquote_plus(html.unescape(text))
        for spelling in dict.fromkeys((text, once, unquote_plus(once))):
            found = self._marker_in(spelling)
            if found:
                at = spelling.index(found)
                around = spelling[max(0, at - 60) : at + len(found) + 60]
                self.found.append(Finding(place, found, around))
                return

    def _marker_in(self, text: str) -> str:
        made = MADE.search(text)
        if made:
            return made[0]
        # Most texts hold not even the beginning of a marker.
        if not self._heads.search(text):
            return ""
        return next(
            (each for each in self._texts if each in text and _stands_alone(each, text)), ""
        )


def _stands_alone(marker: str, text: str) -> bool:
    """An amount may also be the end of a longer one, say a figure of a log line."""
    is_amount = AMOUNT.fullmatch(marker)
    return not is_amount or re.search(rf"(?<![0-9.,]){re.escape(marker)}", text) is not None


WATCH = Watch()
