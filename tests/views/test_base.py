"""What every view inherits: clean refusals, nothing written twice, acts inside the scope."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import system
from app.models.round import Round
from app.models.saved_view import SavedView
from app.models.unit import Unit
from app.views.base import BaseModelView, BaseView
from app.views.datamodel import Datamodel
from tests.views.pages import sign_in, token_of

FORM = {
    "name": "2026 秋季采集",
    "opens_on": "2026-09-01",
    "school_deadline": "2026-10-01",
    "authority_deadline": "2026-10-15",
    "city_deadline": "2026-11-01",
}
SUBMIT_KEY = re.compile(r'name="submit_key" value="([^"]+)"')


@pytest.fixture
def city(app: Any, session: Any, world: Any) -> Any:
    return sign_in(app, world, "city_info")


def blank(client: Any, address: str) -> dict[str, str]:
    """The hidden fields of a form page."""
    page = client.get(address).text
    return {"csrf_token": token_of(page), "submit_key": SUBMIT_KEY.search(page)[1]}


def add_round(client: Any, **fields: Any) -> Any:
    return client.post("/rounds/add", data=blank(client, "/rounds/add") | FORM | fields)


def rounds_named(session: Any, name: str) -> int:
    with system():
        return session.scalar(select(func.count()).where(Round.name == name))


@pytest.mark.parametrize(
    "missing", ["class_permission_name", "list_columns", "search_columns", "order_columns"]
)
def test_a_view_that_leaves_a_declaration_out_cannot_be_defined(missing: str) -> None:
    whole = {
        "datamodel": Datamodel(Unit),
        "class_permission_name": "Unit",
        "list_columns": ["name"],
        "search_columns": [],
        "order_columns": [],
    }
    del whole[missing]

    with pytest.raises(TypeError, match=missing):
        type("Probe", (BaseModelView,), whole)


def test_a_view_without_a_permission_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="class_permission_name"):
        type("Probe", (BaseView,), {})


@pytest.mark.parametrize(
    "query",
    [
        "page_RoundView=abc",
        "_oc_RoundView=closed_at",
        "_flt_0_authority_id=1",
        "_flt_0_opens_on=tomorrow",
        "_flt_7_nothing=1",
        "psize_RoundView=-5",
    ],
)
def test_an_address_that_asks_for_what_is_not_offered_is_refused(city: Any, query: str) -> None:
    assert city.get(f"/rounds/list/?{query}").status_code == 400


@pytest.mark.parametrize("key", ["999999", "abc", "99999999999999999999", "-1"])
def test_a_row_that_is_not_there_is_not_found(city: Any, key: str) -> None:
    assert city.get(f"/rounds/show/{key}").status_code == 404


def test_the_repeat_of_a_form_gives_the_first_result(city: Any, session: Any) -> None:
    form = blank(city, "/rounds/add") | FORM

    first = city.post("/rounds/add", data=form)
    again = city.post("/rounds/add", data=form)

    assert first.status_code == again.status_code == 302
    assert again.headers["Location"] == first.headers["Location"]
    assert rounds_named(session, FORM["name"]) == 1


def test_a_constraint_is_told_without_the_words_of_the_database(city: Any, session: Any) -> None:
    add_round(city)

    answer = add_round(city, opens_on="2026-09-02")

    assert answer.status_code == 422
    assert "UNIQUE" not in answer.text.upper()
    assert "INSERT" not in answer.text
    assert 'value="2026-09-02"' in answer.text, "what was typed is still there"
    assert rounds_named(session, FORM["name"]) == 1


def test_a_form_with_a_mistake_keeps_what_was_typed(city: Any, session: Any) -> None:
    answer = add_round(city, name="", opens_on="2026-08-20")

    assert answer.status_code == 422
    assert 'value="2026-08-20"' in answer.text
    assert 'href="#name"' in answer.text, "the summary leads to the field"


@pytest.mark.parametrize("place", ["https://example.org/", "//example.org/", "javascript:alert(1)"])
def test_saving_never_leads_to_another_site(city: Any, place: str) -> None:
    answer = add_round(city, next=place)

    assert "example.org" not in answer.headers["Location"]
    assert "javascript" not in answer.headers["Location"]


def test_an_act_that_does_not_exist_is_not_found(city: Any) -> None:
    token = token_of(city.get("/rounds/add").text)

    answer = city.post("/rounds/action/explode/1", data={"csrf_token": token})

    assert answer.status_code == 404


def test_an_act_is_never_performed_by_following_a_link(city: Any, session: Any) -> None:
    place = add_round(city).headers["Location"].rsplit("/", 1)[1]

    answer = city.get(f"/rounds/action/close/{place}")

    assert answer.status_code == 405
    with system():
        assert not session.get(Round, int(place)).closed


def files_form(client: Any, **fields: Any) -> dict[str, Any]:
    """The form under the list of files, with everything selected."""
    page = client.get("/teacher/list/").text
    count = re.search(r'name="count" value="(\d+)"', page)[1]
    checksum = re.search(r'name="checksum" value="([^"]+)"', page)[1]
    form = {"csrf_token": token_of(page), "select_all": "1", "filter": "", "action": "x"}
    return form | {"count": count, "checksum": checksum} | fields


def some_act(app: Any) -> str:
    view = next(v for v in app.appbuilder.baseviews if type(v).__name__ == "TeacherView")
    return next(name for name, act in view.actions.items() if act.multiple)


@pytest.mark.parametrize("moved", [{"count": "1"}, {"checksum": "1"}, {"filter": "q=nobody"}])
def test_an_act_on_everything_is_refused_when_the_set_has_changed(
    app: Any, session: Any, world: Any, moved: dict[str, str]
) -> None:
    client = sign_in(app, world, "school_info_A1")
    form = files_form(client, action=some_act(app), **moved)

    assert client.post("/teacher/action_post", data=form).status_code == 409


def test_rows_of_others_in_a_selection_are_as_if_they_did_not_exist(
    app: Any, session: Any, world: Any
) -> None:
    from app.models.teacher import Teacher

    with system():
        foreign = session.scalar(
            select(Teacher.id).where(Teacher.school_id != world.actors["school_info_A1"].unit_id)
        )
    client = sign_in(app, world, "school_info_A1")
    form = files_form(client, action=some_act(app), select_all="", rowid=str(foreign))

    assert client.post("/teacher/action_post", data=form).status_code == 404


def test_a_saved_view_brings_filter_and_columns_back(city: Any, session: Any) -> None:
    token = token_of(city.get("/units/list/").text)
    form = {"csrf_token": token, "name": "学校", "query": "_flt_0_kind=school&page_UnitView=3"}

    kept = city.post("/units/views", data=form | {"column": ["name", "code"]})
    page = city.get(kept.headers["Location"]).text

    assert "_flt_0_kind" in kept.headers["Location"]
    assert "page_UnitView" not in kept.headers["Location"], "a view has no place in the list"
    assert len(re.findall(r'<th scope="col"', page)) == 2


def test_a_view_kept_by_somebody_else_is_not_found(
    app: Any, session: Any, world: Any, city: Any
) -> None:
    token = token_of(city.get("/units/list/").text)
    city.post("/units/views", data={"csrf_token": token, "name": "学校", "query": ""})
    with system():
        pk = session.scalar(select(SavedView.id))
    other = sign_in(app, world, "district_info_A")

    token = token_of(other.get("/units/list/").text)
    answer = other.post(f"/units/views/{pk}/delete", data={"csrf_token": token})

    assert answer.status_code == 404


def test_the_answers_of_a_remote_select_are_few_and_inside_the_scope(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "district_info_A")

    items = client.get("/units/choices").json["items"]

    assert 0 < len(items) <= 20
    with system():
        allowed = select(Unit.id).where(
            Unit.authority_id == world.actors["district_info_B"].unit_id
        )
        foreign = {str(key) for key in session.scalars(allowed.where(Unit.kind == "school"))}
    assert not foreign & {item["id"] for item in items}


def test_two_requests_at_once_do_not_share_their_filters(app: Any) -> None:
    """The view is one object for all threads; its filters belong to the request."""
    view = next(v for v in app.appbuilder.baseviews if type(v).__name__ == "UnitView")
    column = view.search_columns[0]

    def ask(number: int) -> bool:
        with app.test_request_context("/"):
            for _turn in range(50):
                view._filters.clear_filters()
                view._filters.add_argument(column, 0, [str(number)])
                if [values for _flt, values in view._filters.get_filters_values()] != [
                    [str(number)]
                ]:
                    return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(64)))
