"""Search of names: grams of one and two characters, pinyin initials, exact ID numbers."""

import os
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from app.core.crypto import normalise, search_indexes
from app.models.teacher import NameGram, Teacher

# The dictionary of phrases takes forty megabytes of every process, and names are no phrases.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "1")
from pypinyin import Style, lazy_pinyin  # noqa: E402  (reads the two lines above)

# Readings of characters as surnames that differ from their usual reading.
SURNAMES = {
    "单": "s", "曾": "z", "仇": "q", "解": "x", "朴": "p", "区": "o", "查": "z", "盖": "g",
    "任": "r", "尉": "y", "缪": "m", "宓": "m", "秘": "b", "乜": "n", "冼": "x", "洗": "x",
    "燕": "y", "员": "y", "翟": "z", "祭": "z", "召": "s", "黑": "h", "洪": "h", "折": "s",
    "覃": "q", "种": "c", "重": "c", "晁": "c", "乐": "y", "石": "s",
}  # fmt: skip
MAX_GRAM = 2
# So many pieces leave next to nobody, and each is a join: planning of a hundred takes minutes.
MAX_PIECES = 3
ID_LENGTHS = (15, 18)


def initials(name: str) -> str:
    """The pinyin initials of a name in lower case; surnames by their own readings."""
    letters = [part[:1] for part in lazy_pinyin(name, style=Style.FIRST_LETTER, errors="default")]
    if name[:1] in SURNAMES and letters:
        letters[0] = SURNAMES[name[0]]
    return "".join(letters).lower()[:50]


def grams(name: str) -> set[str]:
    """Every piece of one and two characters of a name."""
    plain = "".join(name.split())
    return {plain[i : i + n] for n in range(1, MAX_GRAM + 1) for i in range(len(plain) - n + 1)}


def index(session: Session, teachers: Sequence[Teacher]) -> None:
    """Bring pinyin and grams of files whose name changed up to date."""
    indexed: dict[int, set[str]] = {t.id: set() for t in teachers}
    rows = select(NameGram.teacher_id, NameGram.gram).where(NameGram.teacher_id.in_(list(indexed)))
    for key, gram in session.execute(rows):
        indexed[key].add(gram)
    # The initials alone do not tell: 张伟 and 章伟 share theirs.
    stale = {t.id: t for t in teachers if not t.pinyin or indexed[t.id] != grams(t.name)}
    if not stale:
        return
    session.execute(delete(NameGram).where(NameGram.teacher_id.in_(list(stale))))
    for teacher in stale.values():
        teacher.pinyin = initials(teacher.name)
    session.execute(insert(NameGram), gram_rows((t.id, t.name) for t in stale.values()))


def gram_rows(names: Any) -> list[dict[str, Any]]:
    """Rows of name_gram for (teacher id, name) pairs."""
    return [{"gram": gram, "teacher_id": key} for key, name in names for gram in grams(name)]


def matches(text: str) -> ColumnElement[bool]:
    """The condition that a teacher fits what was typed into a search box.

    An ID number matches exactly by blind index, ten digits the teacher number, latin letters
    the pinyin initials, anything else a piece of the name.
    """
    number = normalise(text, "idcard")
    if len(number) in ID_LENGTHS and number[:-1].isdigit():
        return Teacher.has_number(search_indexes(number, "idcard"))
    typed = "".join(text.split())
    if typed.isdigit():
        return Teacher.teacher_no == typed
    if typed.isascii() and typed.isalpha():
        low = typed.lower()
        by_initials = (Teacher.pinyin >= low) & (Teacher.pinyin < low + "{")
        return or_(by_initials, func.lower(Teacher.name) == low)
    pieces = (
        [typed]
        if len(typed) <= MAX_GRAM
        else list(dict.fromkeys(typed[i : i + 2] for i in range(len(typed) - 1)))[:MAX_PIECES]
    )
    found: ColumnElement[bool] = Teacher.id.in_(
        select(NameGram.teacher_id).where(NameGram.gram == pieces[0])
    )
    for piece in pieces[1:]:
        found = found & Teacher.id.in_(select(NameGram.teacher_id).where(NameGram.gram == piece))
    if len(typed) > MAX_GRAM:
        found = found & Teacher.name.contains(typed, autoescape=True)
    return found
