"""Every message has its Chinese words, with the same placeholders, and none is fuzzy."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from config import ROOT

KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None}
METHODS = [("app/**.py", "python"), ("app/templates/**.html", "jinja2")]
PLACE = re.compile(r"%\((\w+)\)[sd]")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SIGNS = re.compile(r"^[\W\d_]*$")


@cache
def ids() -> frozenset[str]:
    """The message ids of code and templates."""
    found = extract_from_dir(str(ROOT), METHODS, keywords=KEYWORDS)
    return frozenset(m if isinstance(m, str) else m[0] for _f, _l, m, _c, _x in found if m)


@cache
def words() -> dict[str, str]:
    """The Chinese catalogue."""
    path = Path(ROOT) / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as stream:
        catalog = read_po(stream, locale="zh")
    assert not any(message.fuzzy for message in catalog if message.id)
    return {message.id: message.string for message in catalog if message.id}


def test_there_are_messages() -> None:
    assert len(ids()) > 1000


def test_every_message_has_its_chinese_words() -> None:
    assert sorted(each for each in ids() if not words().get(each)) == []


def test_placeholders_are_the_same_in_both_languages() -> None:
    different = [
        each
        for each, chinese in words().items()
        if each in ids() and set(PLACE.findall(each)) != set(PLACE.findall(chinese))
    ]

    assert different == []


def test_chinese_words_are_chinese() -> None:
    foreign = [
        each
        for each, chinese in words().items()
        if each in ids() and not CHINESE.search(chinese) and not SIGNS.match(PLACE.sub("", chinese))
    ]

    assert foreign == []


@pytest.mark.parametrize("text", ["用户", "请"])
def test_message_ids_are_english(text: str) -> None:
    assert [each for each in ids() if text in each] == []
