"""Reasons of a return stand where they belong: a part, a row, a field, a field of one row (D5)."""

from typing import Any

from sqlalchemy import select

from app.access.actor import acting_as, system
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.workflows.review import REVIEW
from tests.views.pages import sign_in, token_of

SET = "work"


def rows_of(session: Any, file: Any) -> list[str]:
    cls = TEACHER_SETS[SET]
    with system():
        return list(
            session.scalars(select(cls.uuid).where(cls.teacher_id == file.id).order_by(cls.id))
        )


def test_parts_rows_and_fields_are_offered(app: Any, session: Any, world: Any) -> None:
    file = world.teacher("A1", "school_confirmed")
    client, row = sign_in(app, world, "district_info_A"), rows_of(session, file)[0]

    def keys(text: str) -> list[str]:
        answer = client.get(f"/teacher/{file.id}/places", query_string={"q": text})
        world.assert_no_leak(answer, world.actors["district_info_A"], place="file")
        return [each["id"] for each in answer.json["items"]]

    name = world.catalog.set(SET).name_zh
    found = keys(name)
    assert {SET, f"{SET}@{row}", f"{SET}.org_name", f"{SET}.org_name@{row}"} <= set(found)
    assert "treatment" not in [
        each["id"].partition("@")[0]
        for each in sign_in(app, world, "city_assistant")
        .get(f"/teacher/{world.teacher('U', 'school_confirmed').id}/places")
        .json["items"]
    ]


def test_places_of_a_file_outside_the_scope_do_not_exist(
    app: Any, session: Any, world: Any
) -> None:
    foreign = world.teacher("B1", "school_confirmed")

    client = sign_in(app, world, "district_info_A")

    assert client.get(f"/teacher/{foreign.id}/places").status_code == 404


def test_a_reason_for_one_row_stands_at_this_row_alone(app: Any, session: Any, world: Any) -> None:
    file = world.teacher("A1", "school_confirmed")
    client, (first, *_others) = sign_in(app, world, "district_info_A"), rows_of(session, file)
    page = client.get(f"/review/show/{file.id}").text
    places = [f"{SET}@{first}", f"{SET}.position@{first}", SET, "basic.id_no", "post"]
    words = ["整行不符", "职务不符", "缺一段经历", "号码不清", "缺岗位"]
    form = {
        "csrf_token": token_of(page), "reason": "请按各处说明修改",
        "place": places, "place_reason": words,
    }  # fmt: skip

    assert client.post(f"/flow/review/{file.id}/return", data=form).status_code == 302

    with system():
        session.expire_all()
        assert session.get(Teacher, file.id).return_notes["fields"] == dict(
            zip(places, words, strict=True)
        )
    clerk = sign_in(app, world, "school_info_A1")
    part = clerk.get(f"/teacher/{file.id}/set/{SET}").text
    for each in words[:3]:
        assert part.count(each) == 1, each
    assert "请按各处说明修改" in clerk.get(f"/teacher/{file.id}").text


def test_many_files_go_back_with_one_reason_that_each_shows(
    app: Any, session: Any, world: Any
) -> None:
    district = world.actors["district_info_A"]
    both = [world.teacher("A1", "school_confirmed", number) for number in (1, 2)]
    with acting_as(district):
        outcome = REVIEW.perform_many(
            session, {each.id: None for each in both}, "return", district, reason="照片不符合要求"
        )
        session.commit()
    assert sorted(outcome.done) == sorted(each.id for each in both)

    clerk = sign_in(app, world, "school_info_A1")
    for each in both:
        assert "照片不符合要求" in clerk.get(f"/teacher/{each.id}").text


def test_the_dialog_can_ask_for_more_places(app: Any, session: Any, world: Any) -> None:
    file = world.teacher("A1", "school_confirmed")

    page = sign_in(app, world, "district_info_A").get(f"/review/show/{file.id}").text

    assert "data-add-place" in page
    assert "<template>" in page
