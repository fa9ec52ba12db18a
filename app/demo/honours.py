"""What some lives have to tell: achievements, programmes, backbone terms, stays elsewhere."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from app.demo.life import BACKBONES, Content, Life, Setting, Values, month, weighted
from app.demo.names import words
from app.demo.schools import PlannedUnit


def make_honours(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Content:
    """What some have to tell: achievements, programmes, backbone terms, stays elsewhere."""
    found: Content = {}
    likely = 1.6 if unit.category == "higher" else 1.0
    if not life.teaches:
        return found
    if life.level in (1, 2, 3) and rng.random() < 0.16:
        found["backbone"] = [_backbone(rng, life, unit, setting)]
    for code, share, make in _OCCASIONAL:
        if rng.random() < share * likely:
            found[code] = [make(rng, life, unit, setting)]
    return found


def _past(rng: Random, life: Life, setting: Setting, years: int = 6) -> int:
    """A month since joining, not further back than some years, and before this one."""
    first = max(life.joined + 1, setting.this_month - years * 12)
    return min(first + rng.randrange(0, years * 12), setting.this_month - 1)


def _backbone(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Values:
    kind = weighted(rng, BACKBONES)
    start = setting.this_month - rng.randrange(2, 30)
    return {
        "type": kind,
        "level": setting.catalog.codes("backbone_type")[kind].attrs.get("backbone_level"),
        "subject": life.subject,
        "start": month(start),
        "end": month(start + 35),
        "org_name": unit.name if kind == "41" else "主管教育行政部门",
        "doc_no": f"京教演示〔{start // 12}〕{rng.randrange(1, 90)}号",
    }


def _project(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Values:
    start = _past(rng, life, setting)
    return {
        "type": "3",
        "is_representative": rng.random() < 0.5,
        "name": f"{rng.choice(words().phrases['topic'])}研究",
        "approve_no": f"YS{start // 12}{rng.randrange(1000):03d}",
        "area": "教育学",
        "funding": Decimal(rng.randrange(0, 20)),
        "start": month(start),
        "end": month(start + 24),
        "role": rng.choice(("110", "120", "130")),
        "rank": rng.choice("1123"),
        "source": rng.choice(("13", "18", "19")),
        "level": rng.choice(("23", "43", "60")),
    }


def _paper(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    first = rng.randrange(1, 90)
    return {
        "name": f"{rng.choice(words().phrases['topic'])}的思考与实践",
        "is_representative": rng.random() < 0.5,
        "journal": rng.choice(words().phrases["journal"]),
        "publish_ym": month(_past(rng, life, setting)),
        "issue": str(rng.randrange(1, 13)),
        "start_page": first,
        "end_page": first + rng.randrange(2, 6),
        "role": rng.choice(("10", "11")),
        "area": "教育学",
        "indexed": rng.choice("0000679"),
    }


def _award(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    return {
        "type": "1",
        "is_representative": rng.random() < 0.5,
        "award_ym": month(_past(rng, life, setting)),
        "name": rng.choice(words().phrases["award"]),
        "level": rng.choice(("43", "51", "60", "31")),
        "grade": rng.choice("2334"),
        "rank": "1",
        "country": "156",
        "org_name": "主管教育行政部门",
    }


def _student_award(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    return {
        "name": f"学生{rng.choice(words().phrases['student_award'])}",
        "is_representative": False,
        "role": rng.choice("12"),
        "grade": rng.choice(("一等奖", "二等奖", "三等奖")),
        "level": rng.choice(("43", "51", "31")),
        "award_ym": month(_past(rng, life, setting)),
        "work_desc": "承担赛前辅导与组织工作。",
    }


def _writing(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    words_ = rng.randrange(80, 300) * 1000
    when = _past(rng, life, setting)
    return {
        "type": rng.choice(("12", "14", "15")),
        "is_representative": True,
        "name": f"《{rng.choice(words().phrases['topic'])}》",
        "area": "教育学",
        "publish_date": date(when // 12, when % 12 + 1, 15),
        "publisher": rng.choice(words().phrases["publisher"]),
        "isbn": f"979-0-0000-{rng.randrange(10000):04d}-0",
        "role": rng.choice(("220", "230", "240")),
        "words": words_,
        "own_words": words_ // rng.randrange(2, 8),
    }


def _literary(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "type": rng.choice(("41", "42", "43", "44")),
        "is_representative": False,
        "name": rng.choice(words().phrases["work"]),
        "role": "1",
        "finish_date": date(when // 12, when % 12 + 1, 20),
        "finish_place": "北京",
        "work_desc": "独立创作。",
    }


def _patent(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "type": rng.choice(("2", "3")),
        "is_representative": False,
        "name": "一种可调节的教学演示装置",
        "area": "教育技术",
        "approve_date": date(when // 12, when % 12 + 1, 10),
        "role": rng.choice("123"),
        "number": f"YS{when // 12}{rng.randrange(10**7):07d}",
    }


def _report(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "topic": f"{rng.choice(words().phrases['topic'])}调研报告",
        "is_representative": False,
        "role": rng.choice("23"),
        "report_date": date(when // 12, when % 12 + 1, 5),
        "client": "主管教育行政部门",
    }


def _standard(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "standard_no": f"YS/T {rng.randrange(100, 999)}-{when // 12}",
        "standard_name": rng.choice(words().phrases["standard"]),
        "is_representative": False,
        "role": "3",
        "publish_date": date(when // 12, when % 12 + 1, 1),
        "publish_org": "标准化演示机构",
    }


def _medical(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "name": "演示用医药证书",
        "is_representative": False,
        "cert_no": f"YSYZ{rng.randrange(10**6):06d}",
        "role": "3",
        "approve_date": date(when // 12, when % 12 + 1, 1),
        "valid_period": "5年",
    }


def _talent(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    return {
        "project": rng.choice(("12", "14", "15", "21")),
        "year": setting.day.year - rng.randrange(0, 5),
    }


def _overseas(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    begin = date(when // 12, when % 12 + 1, 1)
    return {
        "has_overseas": True,
        "start_date": begin,
        "end_date": min(begin + timedelta(days=rng.randrange(20, 200)), setting.day),
        "country": rng.choice(("826", "840", "036", "276", "392", "702")),
        "org_name": rng.choice(words().phrases["country_org"]),
        "project_name": "教师海外研修项目",
        "project_org": "主管教育行政部门",
        "type": rng.choice("23"),
    }


def _rotation(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Values:
    start = _past(rng, life, setting, years=4)
    return {
        "type": rng.choice("1367"),
        "transfer_personnel": False,
        "start": month(start),
        "end": month(min(start + 12, setting.this_month)),
        "from_org": unit.name,
        "to_org": rng.choice(words().phrases["employer"]),
        "direction": rng.choice("239"),
        "is_full_rotation": rng.random() < 0.6,
    }


_OCCASIONAL = (
    ("ach_project", 0.08, _project),
    ("ach_paper", 0.16, _paper),
    ("ach_award", 0.14, _award),
    ("ach_student", 0.09, _student_award),
    ("ach_writing", 0.03, _writing),
    ("ach_literary", 0.01, _literary),
    ("ach_patent", 0.012, _patent),
    ("ach_report", 0.02, _report),
    ("ach_standard", 0.01, _standard),
    ("ach_medical", 0.004, _medical),
    ("talent", 0.006, _talent),
    ("overseas", 0.025, _overseas),
    ("rotation", 0.035, _rotation),
)
