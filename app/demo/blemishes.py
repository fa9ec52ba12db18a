"""Faults on purpose: what some files get wrong, and which check says so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random

from app.demo.life import Content, Life, Setting, month

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Blemish:
    """A fault: the check that finds it, and how it is made. `make` tells whether it fitted."""

    check: str
    severity: str
    make: Callable[[Content, Life, Setting], bool]


def spoil(rng: Random, content: Content, life: Life, setting: Setting, severity: str) -> str | None:
    """Make one fault of a severity; returns the check that finds it, None when none fitted."""
    chosen = [each for each in BLEMISHES if each.severity == severity]
    rng.shuffle(chosen)
    for each in chosen:
        if each.make(content, life, setting):
            return each.check
    return None


def leave_out(rng: Random, content: Content) -> list[str]:
    """What a file that is still being filled in lacks: some sets, some required values."""
    optional = [code for code in content if code not in ("basic", "bj_ext")]
    begun = rng.random() < 0.3
    missing = rng.sample(optional, k=len(optional) - 2 if begun else min(len(optional), 7))
    for code in missing:
        del content[code]
    for name in ("it_ability", "staff_source", "is_normal_grad", "ethnic"):
        if rng.random() < 0.3:
            content["basic"][0].pop(name, None)
    return missing


def _early_post(content: Content, life: Life, _setting: Setting) -> bool:
    content["post"][0]["start"] = month(life.joined - 14)
    return True


def _foreign_degree(content: Content, _life: Life, _setting: Setting) -> bool:
    row = content["learning"][0]
    if row.get("degree_level") != "4":
        return False
    row["degree"] = "304"
    return True


def _title_backwards(content: Content, _life: Life, _setting: Setting) -> bool:
    rows = [row for row in content["title"] if row.get("end")]
    if not rows:
        return False
    rows[0]["end"] = f"{int(rows[0]['start'][:4]) - 1}-09"
    return True


def _work_backwards(content: Content, _life: Life, _setting: Setting) -> bool:
    if len(content["work"]) < 2:
        return False
    row = content["work"][0]
    row["end"] = f"{int(row['start'][:4]) - 1}-12"
    return True


def _no_hours(content: Content, life: Life, _setting: Setting) -> bool:
    rows = content["teaching"]
    if not life.teaches or "weekly_hours" not in rows[-1]:
        return False
    del rows[-1]["weekly_hours"]
    return True


def _no_mobile(content: Content, _life: Life, _setting: Setting) -> bool:
    content["contact"][0].pop("mobile", None)
    return True


def _unknown_code(content: Content, _life: Life, _setting: Setting) -> bool:
    content["basic"][0]["staff_source"] = "77"
    return True


def _pay_differs(content: Content, _life: Life, _setting: Setting) -> bool:
    rows = content.get("treatment")
    if not rows:
        return False
    rows[-1]["annual_income"] = Decimal(int(rows[-1]["annual_income"]) * 17 // 10)
    return True


def _many_hours(content: Content, life: Life, _setting: Setting) -> bool:
    rows = content["teaching"]
    if not life.teaches or "weekly_hours" not in rows[-1]:
        return False
    rows[-1]["weekly_hours"] = 34
    return True


def _old_certificate(content: Content, life: Life, _setting: Setting) -> bool:
    rows = content.get("qualification")
    if not rows:
        return False
    rows[0]["cert_no"] = f"京教资{life.serial:07d}"
    return True


def _gap_in_work(content: Content, life: Life, _setting: Setting) -> bool:
    rows = content["work"]
    studied = any(row["end"] > month(life.began) for row in content["learning"])
    if len(rows) < 2 or life.joined - life.began < 36 or studied:
        return False
    rows[0]["end"] = month(life.joined - 24)
    return True


def _grade_above_title(content: Content, life: Life, _setting: Setting) -> bool:
    if life.level != 3 or life.role not in ("teacher", "head"):
        return False
    content["post"][-1]["post_grade"] = "106"
    return True


def _weak_mandarin(content: Content, life: Life, _setting: Setting) -> bool:
    if life.role != "teacher":
        return False
    content["skill"][0]["mandarin_level"] = "5"
    return True


def _league_member(content: Content, life: Life, setting: Setting) -> bool:
    if life.birth > setting.day - timedelta(days=29 * 366):
        return False
    content["basic"][0] |= {"political_status": "03", "party_date": month(life.studied - 60)}
    return True


BLEMISHES = (
    Blemish("DQ031", ERROR, _early_post),
    Blemish("DQ023", ERROR, _foreign_degree),
    Blemish("DQ036", ERROR, _title_backwards),
    Blemish("DQ028", ERROR, _work_backwards),
    Blemish("DQ045", ERROR, _no_hours),
    Blemish("DQ075", ERROR, _no_mobile),
    Blemish("DQ076", ERROR, _unknown_code),
    Blemish("DQ050", WARNING, _pay_differs),
    Blemish("DQ046", WARNING, _many_hours),
    Blemish("DQ043", WARNING, _old_certificate),
    Blemish("DQ029", WARNING, _gap_in_work),
    Blemish("DQ035", WARNING, _grade_above_title),
    Blemish("DQ067", WARNING, _weak_mandarin),
    Blemish("DQ016", WARNING, _league_member),
)
