"""No mask can be solved: what one reader sees of one file on one page or in one answer leaves at
least 500 resident identity numbers that fit (SEC-11).

Sequence numbers run from 000 to 999, the even ones for women: GB 11643 asks for three digits and
excludes none, and the system accepts all. So division, day and sex leave exactly 500 numbers, and
every further character of a mask leaves fewer.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import islice, product
from typing import Any

import pytest

from app.access.actor import acting_as
from app.core.clock import today
from app.core.id_number import check_digit
from app.exchange.file_export import plan_of
from app.views.record import RECORD_VIEWS
from tests.exchange.imports import edited, exported, make_importing, put
from tests.exchange.test_export import begin, export
from tests.invariants.test_leaks import pages
from tests.views.pages import sign_in, token_of
from tests.views.test_api import Caller
from tests.worlds import TeacherRef, sees, texts_of

pytestmark = pytest.mark.wide

ENOUGH = 500
DISTRICTS = (
    "110101", "110102", "110105", "110106", "110107", "110108", "110109", "110111", "110112",
    "110113", "110114", "110115", "110116", "110117", "110118", "110119",
)  # fmt: skip
FIRST, LAST = date(1950, 1, 1), date(2008, 12, 31)  # Nobody older or younger teaches.
READERS = (
    "city_info", "city_assistant", "district_info_A", "school_info_A1", "school_head_A1",
)  # fmt: skip
# Pages of words and codes, and answers to keys that are pressed.
NO_PERSONS = ("/codes", "/indicators", "/parameters", "/import/template", "/home/charts")
STATES = ("draft", "submitted", "returned", "school_confirmed", "effective", "reported")
# 18 characters of which some are hidden.
MASKED = re.compile(r"(?<![0-9X*])(?=[0-9X]*\*)[0-9X*]{18}(?![0-9X*])")


def fitting(
    known: dict[int, str], sex: str, *, birth: date | None, year: int | None, place: str | None
) -> Iterator[str]:
    """The numbers of GB 11643 that fit what is known: characters by position, sex, birth, place."""

    def fit(parts: Sequence[str], start: int, end: int) -> Sequence[str]:
        shown = {at - start: each for at, each in known.items() if start <= at < end}
        return [part for part in parts if all(part[at] == each for at, each in shown.items())]

    divisions = fit((place,) if place else DISTRICTS, 0, 6)
    days = fit([f"{birth:%Y%m%d}"] if birth else _days(year), 6, 14)
    sequences = fit([f"{number:03d}" for number in range(sex == "1", 1000, 2)], 14, 17)
    for division, day, sequence in product(divisions, days, sequences):
        body = f"{division}{day}{sequence}"
        number = body + check_digit(body)
        if known.get(17, number[17]) == number[17]:
            yield number


@cache
def _days(year: int | None) -> tuple[str, ...]:
    first = date(year, 1, 1) if year else FIRST
    last = date(year, 12, 31) if year else LAST
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(f"{day:%Y%m%d}" for day in days)


def left(text: str, ref: TeacherRef, known: Any, masks: Iterable[str] | None = None) -> int:
    """How many numbers fit what a text shows of a file, counted up to ENOUGH.

    Sex stands on every page. A year or a place that stands anywhere counts as this person's.
    """
    basic = ref.values["basic"]
    seen: dict[int, str] = {}
    for mask in set(MASKED.findall(text)) if masks is None else masks:
        shown = {at: each for at, each in enumerate(mask) if each != "*"}
        if all(ref.id_no[at] == each for at, each in shown.items()) and len(shown) > len(seen):
            seen = shown
    birth, place = basic["birth_date"], basic["birth_place"]
    names = {place, known.label("@regions", place), known.label("@regions", place, "en")}
    spelled = (birth.isoformat(), f"{birth.year}年{birth.month}月{birth.day}日", f"{birth:%Y%m%d}")
    if ref.id_no in text:
        return 1
    found = fitting(
        seen,
        basic["sex"],
        birth=birth if any(each in text for each in spelled) else None,
        year=birth.year if re.search(rf"(?<!\d){birth.year}(?!\d)", text) else None,
        place=place if any(name in text for name in names if name) else None,
    )
    return len(list(islice(found, ENOUGH)))


def plain(*answers: Any) -> str:
    """Everything that can be read in some answers."""
    return "\n".join(dict.fromkeys(text for answer in answers for text in texts_of(answer)))


def solved(world: Any, actor: Any, where: str, *answers: Any) -> list[str]:
    """The files in scope whose number can be worked out from some answers taken together."""
    text = plain(*answers)
    masks = set(MASKED.findall(text))
    own = [each for each in world.teachers.values() if sees(actor, each)]
    return [
        f"{where}: {n} numbers fit {each.key}"
        for each in own
        if (each.name in text) and (n := left(text, each, world.catalog, masks)) < ENOUGH
    ]


@pytest.mark.parametrize(
    ("mask", "beside", "fits"),
    [
        ("*" * 18, "{birth} {place}", ENOUGH),
        ("*" * 17 + "{0[17]}", "{birth} {place}", 45),
        ("*" * 14 + "{0[14]}{0[15]}{0[16]}{0[17]}", "{birth}", 2),
        ("*" * 14 + "{0[14]}{0[15]}{0[16]}{0[17]}", "{year}-**-** {place}", 34),
        ("*" * 17 + "{0[17]}", "{year}-**-** {place}", ENOUGH),
        ("*" * 14 + "{0[14]}{0[15]}{0[16]}{0[17]}", "", ENOUGH),
        ("{0}", "", 1),
    ],
)
def test_the_count_tells_a_good_mask_from_a_bad_one(
    world: Any, mask: str, beside: str, fits: int
) -> None:
    ref = world.teacher("A1", "effective")
    basic = ref.values["basic"]
    birth, place = basic["birth_date"], basic["birth_place"]
    text = mask.format(ref.id_no) + " " + beside.format(birth=birth, year=birth.year, place=place)

    counted = left(text, ref, world.catalog)

    assert counted == ENOUGH if fits == ENOUGH else 1 <= counted <= fits * 1.5


@pytest.mark.parametrize("key", READERS)
def test_files_forms_reviews_and_history_leave_enough_numbers(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client, actor = sign_in(app, world, key), world.actors[key]
    found = []

    for state in STATES:
        ref = world.teacher("A1", state)
        base = f"/teacher/{ref.id}"
        codes = [e.code for e in world.catalog.teacher_sets if state == "draft"] or ["basic"]
        sets = [f"{base}/set/{code}" for code in codes]
        days = [f"{base}/set/basic?on={today() - timedelta(days=1)}", f"{base}?on={today()}"]
        parts = [base, *sets, f"{base}/set/basic/edit", f"{base}/history", *days]
        parts += [f"/review/show/{ref.id}"]
        # Whoever opens the file may open all of it: the parts count as one page.
        found += solved(world, actor, base, *(client.get(path) for path in parts))

    assert found == []


@pytest.mark.parametrize("key", ["city_assistant", "district_info_A", "school_info_A1"])
def test_lists_and_their_exports_leave_enough_numbers(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client, actor = sign_in(app, world, key), world.actors[key]
    year = world.teacher("A1", "effective").values["basic"]["birth_date"].year
    found = []

    for path in (each for each in pages(app) if not each.startswith(NO_PERSONS)):
        found += solved(world, actor, path, client.get(path, buffered=True))
    for query in (f"_flt_0_birth_year={year}", "psize_TeacherView=100"):
        page = client.get(f"/teacher/list/?{query}")
        sent = {"csrf_token": token_of(page.text), "column": ["name", "sex", "id_no"]}
        sent |= {"query": query, "format": "csv", "purpose": "核对名单"}
        answer = client.post("/teacher/export", data=sent, buffered=True)
        assert answer.mimetype == "text/csv"
        found += solved(world, actor, query, page, answer)

    assert found == []


@pytest.mark.parametrize("key", READERS)
def test_record_lists_with_every_column_leave_enough_numbers(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client, actor = sign_in(app, world, key), world.actors[key]
    view = next(each for each in RECORD_VIEWS if each.set_code == "basic")
    path = "/record/basic"
    sent = {"csrf_token": token_of(client.get(f"{path}/list/").text), "query": "",
            "column": [*view.list_columns, *view.optional_columns],
            "format": "csv", "purpose": "核对名单"}  # fmt: skip

    client.post(f"{path}/columns", data=sent)
    page = client.get(f"{path}/list/?psize_{view.__name__}=100")
    answer = client.post(f"{path}/export", data=sent, buffered=True)

    assert "-**-**" in page.text
    assert answer.mimetype == "text/csv"
    assert solved(world, actor, path, page, answer) == []


@pytest.mark.parametrize("key", READERS)
def test_answers_of_the_api_leave_enough_numbers(
    client: Any, session: Any, world: Any, key: str
) -> None:
    caller, actor = Caller(client, world.usernames[key]), world.actors[key]
    refs = [world.teacher("A1", state) for state in STATES]
    found = []

    for ref in refs:
        answers = [
            caller.get(path)
            for path in (f"/teacher/{ref.id}", f"/teacher/{ref.id}/basic", f"/review/{ref.id}")
        ]
        assert answers[1].status_code == 200
        found += solved(world, actor, "api", *answers, ref.name)
    found += solved(world, actor, "api list", caller.get("/teacher/", q="(page_size:100)"))

    assert found == []


def test_what_an_inspector_prints_and_exports_leaves_enough_numbers(
    app: Any, session: Any, world: Any
) -> None:
    key = "city_assistant"
    client, actor = sign_in(app, world, key), world.actors[key]
    ids = [each.id for each in world.of("A1")]
    form = {"id": ids, "kind": "form", "purpose": "抽查"}
    form["csrf_token"] = token_of(client.get("/teacher/list/").text)

    printed = client.post("/print/sheet", data=form)
    with acting_as(actor), app.test_request_context():
        exported = export.send(begin(session, actor, plan_of(ids)))

    assert printed.status_code == 200
    for each in (printed, exported):
        assert solved(world, actor, "leaves", each) == []
        world.assert_no_leak(each, actor)


def test_the_preview_of_an_import_leaves_enough_numbers(
    app: Any, session: Any, world: Any, tmp_path: Any
) -> None:
    key = "school_info_A1"
    client, actor = sign_in(app, world, key), world.actors[key]
    with acting_as(actor):
        importing = make_importing(session, actor, tmp_path)
        teachers = importing.teachers()
        wrong = put("basic", "basic.birth_date", "1971-02-03")
        batch = importing.upload(edited(exported(importing, *teachers), wrong))
        uuid = batch.uuid

    page = client.get(f"/import/{uuid}")

    assert page.status_code == 200
    assert MASKED.search(page.text)
    assert solved(world, actor, "preview", page) == []
