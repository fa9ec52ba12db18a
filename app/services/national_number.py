"""The national teacher number (全国教师编号), which the Ministry gives: the city enters it in pairs
with the teacher number, after a look at what would be written."""

import re
from collections import Counter
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import WRITE, may_open
from app.core.errors import Forbidden, Malformed, Refused, Stale
from app.models.teacher import Teacher
from app.services import audit

MOST = 2000
RESOURCE = "NationalNumber"
# The Ministry publishes no format: letters and digits that fit the column.
FORM = re.compile(r"[0-9A-Z]{6,20}")
BETWEEN = re.compile(r"[\s,，;；]+")


class Line(NamedTuple):
    """One line of what was entered, and what it would do; `problem` says why it cannot."""

    row: int
    teacher_no: str
    national_no: str
    name: str = ""
    before: str = ""
    problem: str = ""


def read_lines(text: str) -> list[tuple[int, list[str]]]:
    """Split what was pasted into rows of cells; blank rows are left out. Malformed if too many."""
    rows = [
        (number, [cell for cell in BETWEEN.split(line.strip()) if cell])
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if len(rows) > MOST:
        raise Malformed(_("At most %(number)s lines at a time.", number=MOST))
    return rows


def preview(session: Session, text: str) -> list[Line]:
    """Say line by line what would be written, in two statements; nothing is written."""
    rows = read_lines(text)
    pairs = [(cells[0], cells[1].upper()) for _row, cells in rows if len(cells) == 2]
    numbers, wanted = [own for own, _n in pairs], [national for _o, national in pairs]
    columns = (Teacher.teacher_no, Teacher.name, Teacher.national_no)
    known = {
        row.teacher_no: row
        for row in session.execute(select(*columns).where(Teacher.teacher_no.in_(numbers)))
    }
    holders = dict(
        session.execute(
            select(Teacher.national_no, Teacher.teacher_no).where(Teacher.national_no.in_(wanted))
        ).all()
    )
    often = Counter(numbers) + Counter(wanted)
    lines = []
    for row, cells in rows:
        if len(cells) != 2:
            words = _("Write the teacher number and the national number.")
            own, national = (cells + ["", ""])[:2]
            lines.append(Line(row, own, national, problem=words))
            continue
        own, national = cells[0], cells[1].upper()
        found = known.get(own)
        problem = ""
        if found is None:
            problem = _("No file has this teacher number.")
        elif not FORM.fullmatch(national):
            problem = _("A national number has 6 to 20 letters and digits.")
        elif often[own] > 1 or often[national] > 1:
            problem = _("This number stands in more than one line.")
        elif holders.get(national, own) != own:
            problem = _("Another file has this national number.")
        name, before = (found.name, found.national_no or "") if found else ("", "")
        lines.append(Line(row, own, national, name, before, problem))
    return lines


def save(session: Session, actor: Actor, text: str) -> int:
    """Write the numbers, all or none; returns how many files changed. Forbidden, Malformed,
    Refused while a line has a problem, Stale when another gave a number meanwhile."""
    if not may_open(actor.role, RESOURCE, WRITE):
        raise Forbidden()
    lines = preview(session, text)
    if not lines or any(line.problem for line in lines):
        raise Refused(_("Mend the lines with problems first. Nothing was written."))
    changed = {line.teacher_no: line for line in lines if line.before != line.national_no}
    teachers = session.scalars(select(Teacher).where(Teacher.teacher_no.in_(changed))).all()
    for teacher in teachers:
        teacher.national_no = changed[str(teacher.teacher_no)].national_no
    try:
        session.flush()
    except IntegrityError:
        raise Stale() from None
    for teacher in teachers:
        line = changed[str(teacher.teacher_no)]
        detail = {"national_no": {"from": line.before, "to": line.national_no}}
        audit.record(session, "change", actor=actor, object=teacher, detail=detail)
    return len(teachers)
