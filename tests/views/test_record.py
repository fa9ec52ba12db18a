"""Lists of the rows of each set: scope, masks, limits, search and export."""

import io
import re
from typing import Any

import openpyxl
import pytest

from app.views.record import RECORD_VIEWS
from tests.variety import statements
from tests.views.pages import sign_in, token_of

ROW = re.compile(r'<td class="[^"]*tm-first[^"]*"[^>]*><a href="/teacher/(\d+)#')
# 教师基本信息、学习经历、工作经历、岗位聘任、教育教学、培训研修、交流轮岗、获奖情况 (S20).
BLOCKS = (
    "basic", "learning", "work", "post", "teaching", "training", "rotation", "ach_award",
)  # fmt: skip
SETS = [view.set_code for view in RECORD_VIEWS]


def test_the_eight_blocks_exist_and_are_searched(app: Any, session: Any, world: Any) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, "district_info_A")

    index = client.get("/record/list/").text
    found = {
        code: ROW.findall(client.get(f"/record/{code}/list/", query_string={"q": ref.name}).text)
        for code in BLOCKS
    }

    assert all(f'href="/record/{code}/list/"' in index for code in BLOCKS)
    filled = {code for code in BLOCKS if code in ref.values}
    assert {code for code, rows in found.items() if rows} == filled
    assert all(set(rows) <= {str(ref.id)} for rows in found.values())


@pytest.mark.wide
@pytest.mark.parametrize("key", ["city_assistant", "district_info_A", "school_head_A1"])
def test_each_list_shows_its_scope_with_masks(app: Any, session: Any, world: Any, key: str) -> None:
    client, actor = sign_in(app, world, key), world.actors[key]
    hidden = {"treatment", "ethics"} if key == "city_assistant" else set()

    for code in SETS:
        answer = client.get(f"/record/{code}/list/")
        assert answer.status_code == (404 if code in hidden else 200), code
        world.assert_no_leak(answer, actor, place="list")


@pytest.mark.parametrize("key", ["teacher_A1", "school_system_A1", "city_audit"])
def test_they_are_closed_to_others(app: Any, session: Any, world: Any, key: str) -> None:
    client = sign_in(app, world, key)

    for path in ("/record/list/", "/record/learning/list/"):
        assert client.get(path).status_code == 403


def test_masked_columns_are_masked_when_chosen_and_exported(
    app: Any, session: Any, world: Any
) -> None:
    client, actor = sign_in(app, world, "school_info_A1"), world.actors["school_info_A1"]
    token = token_of(client.get("/record/learning/list/").text)
    form = {"csrf_token": token, "column": ["teacher", "cert_no", "major"], "query": "",
            "format": "xlsx", "purpose": "核对学历"}  # fmt: skip

    client.post("/record/learning/columns", data=form)
    shown = client.get("/record/learning/list/")
    answer = client.post("/record/learning/export", data=form, buffered=True)

    rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert len(rows) - 2 == len(ROW.findall(shown.text))
    assert {row[2] for row in rows[2:]} == {"***"}
    for page in (shown, answer):
        world.assert_no_leak(page, actor, place="list")


@pytest.mark.parametrize(
    "query", ["_flt_0_cert_no=x", "_flt_0_teacher_id=1", "_flt_0_entered_by=1", "_oc_{v}=major"]
)
def test_they_refuse_what_they_do_not_offer(app: Any, session: Any, world: Any, query: str) -> None:
    client = sign_in(app, world, "school_info_A1")

    answer = client.get(f"/record/learning/list/?{query.format(v='RecordLearningView')}")

    assert answer.status_code == 400


def test_a_filter_by_a_code_finds_its_rows(app: Any, session: Any, world: Any) -> None:
    ref = world.teacher("A1", "effective")
    client = sign_in(app, world, "school_info_A1")
    code = ref.values["learning"]["education"]

    with_code = client.get(f"/record/learning/list/?_flt_0_education={code}").text
    without = client.get("/record/learning/list/?_flt_0_education=90").text

    assert str(ref.id) in ROW.findall(with_code)
    assert not ROW.findall(without)


def test_they_need_as_many_statements_for_many_rows_as_for_few(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "district_info_A")
    client.get("/record/learning/list/")
    counts = []
    for size in (1, 100):
        with statements() as seen:
            client.get(f"/record/learning/list/?psize_RecordLearningView={size}")
        counts.append(len(seen))

    assert counts[0] == counts[1] <= 8, "\n".join(seen)
