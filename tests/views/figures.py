"""Reads pages as a person does: the figures that are links, and how many rows a list shows."""

import html
import re
from typing import Any, NamedTuple

TILE = re.compile(r'<a class="card tm-tile" href="([^"]+)"><span>(.*?)</span><b[^>]*>([\d,]+)</b>')
TODO = re.compile(
    r'<li><a href="([^"]+)">.*?<span>(.*?)</span><b(?: class="tm-late")?>([\d,]+)</b>', re.DOTALL
)
LEGEND = re.compile(
    r'<a href="([^"]+)"><i class="tm-swatch[^"]*"></i><span>(.*?)</span><b>([\d,]+)</b>'
)
LEFT = re.compile(r'<h2><a href="([^"]+)">([^<]*)<span class="tm-number">(\d+)</span></a></h2>')
FOOT = re.compile(r"\d+–\d+ of ([\d,]+)")
TASKS = re.compile(r'<ul class="tm-tasks">(.*?)</ul>', re.DOTALL)
LINKED = re.compile(r'<a href="([^"]+)"(?: class="tm-count-bad")?>([\d,]+)</a>')


class Found(NamedTuple):
    """A figure of a page: where it leads and what it says."""

    href: str
    label: str
    count: int


def _found(pattern: re.Pattern[str], page: str) -> list[Found]:
    return [
        Found(html.unescape(href), re.sub(r"<[^>]+>", " ", label), int(number.replace(",", "")))
        for href, label, number in pattern.findall(page)
    ]


def figures(page: str) -> list[Found]:
    """All figures of a page that are links: tiles, what waits, states, parts left."""
    lists = re.findall(r'<ul class="tm-todo">(.*?)</ul>', page, re.DOTALL)
    return [
        *_found(TILE, page),
        *(each for todo in lists for each in _found(TODO, todo)),
        *_found(LEGEND, page),
        *_found(LEFT, page),
    ]


def linked(page: str) -> list[tuple[str, int]]:
    """All numbers of the table of a page that lead to a list."""
    body = re.search(r"<tbody>(.*)</t(?:body|foot)>", page, re.DOTALL)
    return [
        (html.unescape(href), int(number.replace(",", "")))
        for href, number in LINKED.findall(body[1] if body else "")
    ]


def token(client: Any) -> str:
    """The token that every page of a signed-in person has in its head, forms or none."""
    page = client.get("/notices/list/").text
    return re.search(r'<meta name="csrf-token" content="([^"]+)">', page)[1]  # type: ignore[index]


def rows_behind(client: Any, href: str) -> int:
    """How many rows the list at an address says it has, in English."""
    answer = client.get(href, follow_redirects=True)
    assert answer.status_code == 200, (href, answer.status_code)
    if href.startswith("/my-file"):
        return TASKS.search(answer.text)[1].count("<li>")  # type: ignore[index]
    found = FOOT.search(answer.text)
    return int(found[1].replace(",", "")) if found else 0
