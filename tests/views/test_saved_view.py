"""Views of a list that are shared: with whom, by whom, and without what was typed (I3)."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import system
from app.models.saved_view import SavedView
from app.models.unit import Unit
from tests.factories import make_account
from tests.views.figures import token
from tests.views.pages import sign_in


def keep(client: Any, name: str = "硕士", **changes: Any) -> Any:
    form = {
        "csrf_token": token(client),
        "name": name,
        "query": "_flt_0_sex=1&_flt_1_birth_year=1980&q=%E5%BC%A0&_oc_TeacherView=name",
        "is_shared": "1",
    }
    return client.post("/teacher/views", data=form | changes)


def kept(session: Any) -> Any:
    with system():
        session.expire_all()
        return session.scalars(select(SavedView)).first()


@pytest.fixture
def colleague(session: Any, world: Any, monkeypatch: Any) -> str:
    with system():
        school = session.get(Unit, world.units["A1"].id)
    make_account(session, role="school_info", unit=school, username="second_clerk")
    monkeypatch.setitem(world.usernames, "colleague", "second_clerk")
    return "colleague"


def test_colleagues_of_the_role_in_the_unit_open_it_and_nobody_else(
    app: Any, session: Any, world: Any, colleague: str
) -> None:
    assert keep(sign_in(app, world, "school_info_A1")).status_code == 302
    pk = kept(session).id

    other = sign_in(app, world, colleague)
    assert f"?view={pk}" in other.get("/teacher/list/?q=").text
    assert "_flt_0_sex=1" in other.get(f"/teacher/list/?view={pk}").location
    for key in ("school_info_A2", "school_head_A1", "district_info_A"):
        assert f"?view={pk}" not in sign_in(app, world, key).get("/teacher/list/?q=").text, key


def test_what_was_typed_is_left_out(app: Any, session: Any, world: Any) -> None:
    keep(sign_in(app, world, "school_info_A1"))

    query = kept(session).query
    assert "q=" not in query
    assert "_flt_0_sex=1" in query
    assert "_flt_1_birth_year=1980" in query
    assert "_oc_TeacherView=name" in query


def test_a_filter_by_free_text_is_left_out(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "school_info_A1")
    form = {
        "csrf_token": token(client), "name": "证书", "is_shared": "1",
        "query": "_flt_1_org_name=%E5%BC%A0%E4%B8%89",
    }  # fmt: skip

    assert client.post("/record/work/views", data=form).status_code == 302
    assert kept(session).query == ""


def test_ones_own_view_keeps_everything(app: Any, session: Any, world: Any) -> None:
    keep(sign_in(app, world, "school_info_A1"), is_shared="")

    assert "q=" in kept(session).query
    assert kept(session).unit_id is None


@pytest.mark.parametrize("key", ["school_head_A1", "city_assistant"])
def test_only_information_administrators_share(
    app: Any, session: Any, world: Any, key: str
) -> None:
    client = sign_in(app, world, key)

    assert keep(client).status_code == 403
    assert 'name="is_shared"' not in client.get("/teacher/list/?q=").text
    assert kept(session) is None


def test_only_the_owner_changes_or_deletes_it(
    app: Any, session: Any, world: Any, colleague: str
) -> None:
    keep(sign_in(app, world, "school_info_A1"))
    pk, other = kept(session).id, sign_in(app, world, colleague)
    form = {"csrf_token": token(other)}

    assert other.post(f"/teacher/views/{pk}/delete", data=form).status_code == 404
    other.post("/teacher/columns", data=form | {"view": str(pk), "column": ["name", "state"]})
    keep(other, query="_flt_0_sex=2", is_shared="")

    assert kept(session).query.startswith("_flt_0_sex=1")
    assert "state" not in kept(session).columns.split(",") or kept(session).columns.count(",") > 1
    with system():
        assert len(session.scalars(select(SavedView)).all()) == 3


def test_a_view_that_names_what_left_the_scope_leads_to_the_whole_list(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "district_info_A", "en")
    for key, shown in (("A1", True), ("B1", False)):
        query = f"_flt_0_school={world.units[key].id}"
        keep(client, name="Schools", query=query, is_default="1", is_shared="")
        assert kept(session).is_default

        answer = client.get("/teacher/list/", follow_redirects=True)

        assert answer.status_code == 200, key
        assert ("do not see any more" in answer.text) is not shown
        assert (query in answer.request.path + str(answer.request.query_string)) is shown
    # What nobody kept stays absent.
    assert client.get(f"/teacher/list/?{query}").status_code == 404
    assert client.get(f"/teacher/list/?{query}&view=999999").status_code == 404
