"""What goes on in the demonstration beside the collection: who did what to whom, day by day.

A story is told of one teacher of a place, chosen by app/demo/movement.py, which also acts it out.
Values may hold days counted from that of the step: {y-1} is a year, {m+10} a month, {d-3} a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HOME, SAME, OTHER, FAR, OF_CITY = "home", "same", "other", "far", "of_city"
OPEN, ATTACH, SET_ASIDE = "open", "attach", "set_aside"  # Beside the steps of the flows.


@dataclass(frozen=True)
class Step:
    """Something that a party does so many days ago; an opening names the flow it opens."""

    act: str
    party: str
    days: int
    says: Mapping[str, Any] = field(default_factory=dict)
    flow: str = ""


@dataclass(frozen=True)
class Story:
    """Steps about one teacher of a place; `to` is the school that takes or hosts the teacher."""

    place: str
    steps: tuple[Step, ...]
    to: str = ""


def opens(flow: str, party: str, days: int, **says: Any) -> Step:
    """Open a process."""
    return Step(OPEN, party, days, says, flow)


def does(act: str, party: str, days: int, **says: Any) -> Step:
    """Take the process on."""
    return Step(act, party, days, says)


# Transfers: opened by the school that takes (info), about a teacher of the place.


def _applies(days: int, **more: Any) -> Step:
    says = {
        "planned_on": "{d+20}",
        "position": "数学教师",
        "reason": "本校数学学科缺编，经本人申请并与原单位协商",
        **more,
    }
    return opens("transfer", "info", days, **says)


def _on_the_way(days: int, *acts: tuple[str, str], **more: Any) -> tuple[Step, ...]:
    """An application and its steps, a day apart at the most, the last ones at last yesterday."""
    rest = [does(act, party, max(days - n, 1)) for n, (act, party) in enumerate(acts)]
    return (_applies(days, **more), *rest)


_SUBMIT, _ISSUE = ("submit", "info"), ("issue", "authority")
_RELEASE, _CONFIRM = ("release", "sending_head"), ("confirm", "sending_authority")
_ALL = (_SUBMIT, _ISSUE, _RELEASE, _CONFIRM)
_LANGUAGE = {"position": "语文教师", "reason": "夫妻两地分居，申请调入离家较近的学校"}
_ENGLISH = {"position": "英语教师", "reason": "新增班级，需补充英语教师"}
_TAKE = does(
    "take",
    "info",
    1,
    join_month="{m+0}",
    staff_category="11",
    post_category="1",
    post_grade="110",
)

TRANSFERS = (
    Story(OTHER, _on_the_way(2), HOME),
    Story(OTHER, _on_the_way(9, _SUBMIT, **_LANGUAGE), HOME),
    Story(OTHER, _on_the_way(13, *_ALL, **_ENGLISH), HOME),
    Story(
        OTHER,
        (
            *_on_the_way(14, _SUBMIT, _ISSUE, **_LANGUAGE),
            does("reject", "sending_head", 10, reason="该教师本学年任毕业班班主任，暂不同意调出"),
        ),
        HOME,
    ),
    Story(FAR, (*_on_the_way(8, _SUBMIT, _ISSUE, **_ENGLISH), does("withdraw", "info", 4)), HOME),
    Story(SAME, _on_the_way(6, _SUBMIT, _ISSUE), HOME),
    Story(SAME, (*_on_the_way(9, *_ALL), _TAKE), HOME),
    Story(
        FAR,
        (
            *_on_the_way(12, *_ALL, **_ENGLISH),
            does("cancel", "info", 3, reason="该教师因家庭原因放弃调动"),
        ),
        HOME,
    ),
    Story(HOME, (*_on_the_way(10, *_ALL, **_LANGUAGE), _TAKE), OTHER),
    Story(HOME, _on_the_way(7, _SUBMIT, _ISSUE), OTHER),
    Story(HOME, _on_the_way(11, _SUBMIT, _ISSUE, _RELEASE, **_ENGLISH), FAR),
    Story(OTHER, _on_the_way(8, _SUBMIT, **_LANGUAGE), OF_CITY),
    Story(OF_CITY, _on_the_way(9, _SUBMIT, _ISSUE, _RELEASE), OTHER),
)


# Rotations: opened by the school that sends, which is the place.


def _sends(days: int, start: str = "{m+0}", end: str = "{m+10}", **more: Any) -> Step:
    says = {"type": "1", "direction": "3", "full_time": True, "start": start, "planned_end": end}
    return opens("rotation", "info", days, reason="区域内教师交流轮岗年度计划", **says, **more)


_SUBMITS = does("submit", "info", 9)
_GOES = (_SUBMITS, does("confirm", "authority", 4))

ROTATIONS = (
    Story(
        HOME,
        (_sends(10, "{m-10}", "{m+1}"), *_GOES, does("extend", "info", 3, until="{m+7}")),
        OTHER,
    ),
    Story(HOME, (_sends(10, "{m+1}"), _SUBMITS), FAR),
    Story(OTHER, (_sends(10), *_GOES), HOME),
    Story(OTHER, (_sends(2, "{m+2}"),), HOME),
    Story(FAR, (_sends(10, "{m-11}", "{m+0}"), *_GOES, does("end", "info", 1)), HOME),
    Story(
        FAR,
        (
            _sends(12),
            *_GOES,
            does("terminate", "info", 2, reason="接收学校学科调整，双方协商提前结束"),
        ),
        OTHER,
    ),
    Story(
        FAR,
        (_sends(12), _SUBMITS, does("reject", "authority", 6, reason="本年度交流名额已满")),
        HOME,
    ),
    Story(FAR, (_sends(11), _SUBMITS, does("withdraw", "info", 5)), OTHER),
    Story(OF_CITY, (_sends(12), _SUBMITS), OTHER),
)


# Status changes; one of them ends a change that is open.


def _alters(days: int, set_: str, reason: str, **raw: str) -> Step:
    return opens("change", "info", days, set=set_, kind="modify", raw=raw, reason=reason)


def _turns(days: int, status: str, day: str, reason: str, document: str = "") -> Step:
    says = {"to_status": status, "effective_date": day, "reason": reason, "document_no": document}
    return opens("status_change", "info", days, **says)


def _turned(days: int, status: str, reason: str, document: str = "") -> tuple[Step, ...]:
    """Registered and in force on the same day."""
    return (_turns(days, status, "{d+0}", reason, document), does("make_effective", "info", days))


_EARLY = ("因病经鉴定批准提前退休", "京教退审〔{y+0}〕118号")
_EXPIRED = _turned(5, "BJ-310", "聘用合同期满，不再续聘")
_AGAIN = (
    _turns(4, "100", "{d+0}", "重新签订聘用合同"),
    does("make_effective", "info", 4),
)

STATUS_CHANGES = (
    Story(HOME, (_turns(3, "301", "{d+25}", *_EARLY),)),
    Story(HOME, _turned(2, "BJ-212", "生育假")),
    Story(OTHER, (_turns(2, "206", "{d+0}", "参加企业实践一学期"),)),
    Story(OTHER, (_alters(5, "work", "岗位调整", position="教务员"), *_turned(3, "301", *_EARLY))),
    Story(OTHER, _turned(2, "204", "脱产攻读硕士学位")),
    Story(
        OTHER,
        (*_turned(5, "203", "因病需长期治疗"), *_turned(2, "100", "病愈，恢复工作")),
    ),
    Story(
        OTHER,
        (*_turned(4, "306", "本人提出辞职"), does("revoke", "info", 2, reason="登记对象有误")),
    ),
    Story(OTHER, (*_EXPIRED, *_AGAIN)),
    Story(
        FAR,
        (
            *_EXPIRED,
            _turns(4, "100", "{d+24}", "重新签订聘用合同"),
            does("make_effective", "info", 4),
            does("approve", "authority", 2),
        ),
    ),
    Story(FAR, (*_EXPIRED, *_AGAIN, does("reject", "authority", 2, reason="未见新签订的聘用合同"))),
    Story(FAR, (*_EXPIRED, *_AGAIN, does("withdraw", "info", 2))),
    Story(OF_CITY, (*_EXPIRED, *_AGAIN)),
)


# Additions, by teachers and by schools.


def _trained(days: int, project: str) -> Step:
    says = {
        "year": "{y-1}", "type": "08", "level": "2", "project_name": project, "org_name":
        "北辰教师研修中心", "mode": "2", "start_date": "{y-1}-07-11", "end_date": "{y-1}-07-20",
        "hours": "24", "credit": "3", "result": "2",
    }  # fmt: skip
    return opens("addition", "info", days, set="training", raw=says)


def _won(days: int, name: str, grade: str = "2") -> Step:
    says = {
        "type": "1", "is_representative": False, "award_ym": "{m-2}", "name": name, "level": "51",
        "grade": grade, "rank": "1", "country": "156", "org_name": "主管教育行政部门",
    }  # fmt: skip
    return opens("addition", "teacher", days, set="ach_award", raw=says)


_HEAD_AGREES = does("confirm", "head", 5)
_WRONG = "获奖等级与证书不一致，请核对后重新填报"

ADDITIONS = (
    Story(HOME, (_won(9, "青年教师教学基本功展示"),)),
    Story(HOME, (_won(3, "优秀教学设计评选", grade="3"),)),
    Story(HOME, (_trained(7, "班主任专业能力培训"), _HEAD_AGREES)),
    Story(HOME, (_won(7, "教育科研论文评比"), _HEAD_AGREES, does("approve", "authority", 2))),
    Story(HOME, (_won(6, "微课大赛", grade="1"), does("reject", "head", 4, reason=_WRONG))),
    Story(HOME, (_won(5, "优质课评选"), does("withdraw", "teacher", 4))),
    Story(OTHER, (_trained(12, "义务教育新课标培训"), does("confirm", "head", 11))),
    Story(OF_CITY, (_trained(12, "青年教师基本功培训"), does("confirm", "head", 10))),
)


# Changes by schools, and what teachers hinted at.


_TITLE = ("title", "证书编号录入有误，按证书更正")
_NUMBER = {"cert_no": "ZC{y-2}00518273"}
_PHONE = {"phone": "010-02970000"}
_SUBMITTED = (does(ATTACH, "info", 8), does("submit", "info", 8))

CHANGES = (
    Story(HOME, (_alters(2, "contact", "学校总机号码更换", **_PHONE),)),
    Story(HOME, (_alters(9, *_TITLE, **_NUMBER), *_SUBMITTED)),
    Story(
        HOME,
        (
            _alters(9, "contact", "办公电话更换", phone="010-02971111"),
            *_SUBMITTED,
            does("approve", "authority", 3),
        ),
    ),
    Story(
        HOME,
        (
            _alters(10, *_TITLE, **_NUMBER),
            *_SUBMITTED,
            does("reject", "authority", 4, reason="证明材料不清晰，请重新上传证书扫描件"),
        ),
    ),
    Story(
        OTHER,
        (
            _alters(10, "title", "聘任单位名称以聘书为准", org_name="房山区教育人才服务中心"),
            *_SUBMITTED,
            does("withdraw", "info", 6),
        ),
    ),
    Story(OTHER, (_alters(14, *_TITLE, **_NUMBER), *_SUBMITTED)),
    Story(OF_CITY, (_alters(14, *_TITLE, **_NUMBER), *_SUBMITTED)),
)


def _hints(days: int, set_: str, name: str, text: str) -> Step:
    return opens("hint", "teacher", days, set=set_, field=name, text=text)


HINTS = (
    Story(HOME, (_hints(4, "work", "position", "任职岗位应为“数学教师、年级组长”"),)),
    Story(HOME, (_hints(10, "title", "cert_no", "证书编号少了一位，请对照证书核对"),)),
    Story(
        HOME,
        (
            _hints(6, "basic", "native_place", "籍贯与户口簿不一致，请核对"),
            does(SET_ASIDE, "info", 3, reason="已核对人事档案，现有信息无误"),
        ),
    ),
    Story(
        HOME,
        (
            _hints(11, "work", "reference", "证明人姓名有误，应为周明远"),
            _alters(9, "work", "根据本人反映更正", reference="周明远"),
            *_SUBMITTED,
        ),
    ),
)

# Who leaves or is sent comes first: such a person must have nothing else open.
STORIES = (*TRANSFERS, *ROTATIONS, *STATUS_CHANGES, *CHANGES, *HINTS, *ADDITIONS)
