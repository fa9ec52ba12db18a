"""Units, accounts, dictionary, codes, parameters, audit log: who sees and changes what."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.indicators.catalog import catalog
from app.models.history import Audit
from app.models.parameter import Parameter, ParameterKind, read_settings
from app.models.unit import Unit
from app.services import audit
from app.views.parameter import NOT_IN_USE, check_text
from tests.variety import statements
from tests.views.pages import sign_in, token_of

APP = Path(__file__).resolve().parents[2] / "app"

# Pages and the roles that open them; everybody else is refused.
OPEN = {
    "/units/list/": {"city_info", "city_system", "district_info", "district_system",
                     "school_info", "school_head", "city_assistant", "school_system"},
    "/charts/units/chart/": {"city_info", "city_system", "district_info", "district_system",
                             "school_info", "school_head", "city_assistant", "school_system"},
    "/accounts/list/": {"city_system", "district_system", "school_system"},
    "/parameters/list/": {"city_system", "city_info"},
    "/audit/list/": {"city_audit"},
    "/indicators/": {"city_info", "city_system", "city_assistant", "district_info",
                     "district_system", "school_info", "school_head", "school_system", "teacher"},
    "/codes/": {"city_info", "city_system", "city_assistant", "district_info",
                "district_system", "school_info", "school_head", "school_system", "teacher"},
}  # fmt: skip
KEYS = {
    "city_info": "city_info",
    "city_system": "city_system",
    "city_audit": "city_audit",
    "city_assistant": "city_assistant",
    "district_info": "district_info_A",
    "district_system": "district_system_A",
    "school_info": "school_info_A1",
    "school_head": "school_head_A1",
    "school_system": "school_system_A1",
    "teacher": "teacher_A1",
}
UNITS = ("city", "A", "B", "A1", "A2", "B1", "U")


@pytest.mark.parametrize("role", KEYS)
def test_each_role_opens_its_pages_and_no_others(
    app: Any, session: Any, world: Any, role: str
) -> None:
    client = sign_in(app, world, KEYS[role])

    for path, roles in OPEN.items():
        answer = client.get(path)
        assert answer.status_code == (200 if role in roles else 403), path
        world.assert_no_leak(answer, world.actors[KEYS[role]], place="list")


def rows_of(page: str) -> list[str]:
    """The text of the rows of the list on a page."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    return re.findall(r"<tr[^>]*>(.*?)</tr>", body[1], re.DOTALL) if body else []


@pytest.mark.parametrize(
    ("key", "visible"),
    [
        ("city_info", {"city", "A", "B", "A1", "A2", "B1", "U"}),
        ("district_info_A", {"city", "A", "B", "A1", "A2"}),
        ("district_system_B", {"city", "A", "B", "B1"}),
        ("school_head_U", {"city", "A", "B", "U"}),
    ],
)
def test_units_are_those_of_the_scope(
    app: Any, session: Any, world: Any, key: str, visible: set[str]
) -> None:
    client = sign_in(app, world, key)
    page = client.get("/units/list/").text

    for unit in UNITS:
        ref = world.units[unit]
        assert (ref.name in page) == (unit in visible), unit
        shown = client.get(f"/units/show/{ref.id}")
        assert shown.status_code == (200 if unit in visible else 404), unit
    assert client.get("/units/show/987654").status_code == 404


def test_units_can_be_filtered_searched_and_sorted(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")

    def found(query: str) -> int:
        answer = client.get(f"/units/list/?{query}")
        assert answer.status_code == 200, query
        return len(rows_of(answer.text))

    assert found("_flt_0_kind=school") == 4
    assert found("_flt_4_category=higher") == 1
    assert found(f"_flt_0_authority_id={world.units['A'].id}&_flt_0_kind=school") == 2
    assert found("q=31110000A2") == 1
    assert found("q=测试大学") == 1
    assert found("_flt_0_active=n") == 0
    assert found("_oc_UnitView=name&_od_UnitView=desc") == len(UNITS)
    assert client.get("/units/list/?_flt_0_parent_id=1").status_code == 400
    assert client.get("/units/list/?_oc_UnitView=active").status_code == 400


def test_a_school_shows_every_particular_that_its_category_collects(
    app: Any, session: Any, world: Any
) -> None:
    known = catalog(session)
    page = sign_in(app, world, "district_info_A").get(f"/units/show/{world.units['A1'].id}").text

    for item in known.indicators("school_basic"):
        collected = known.collected("school_basic", item.code, "primary_secondary")
        assert (f"<dt>{item.name_zh}</dt>" in page) == collected
    assert world.units["A1"].name in page


def test_the_basic_particulars_are_required_of_schools(session: Any) -> None:
    known = catalog(session)

    for code in ("name", "address", "district", "school_type", "urban_rural", "sponsor_name",
                 "sponsor_type"):  # fmt: skip
        assert known.required("school_basic", code, "primary_secondary"), code


def test_a_school_shows_its_files_by_state_to_those_who_work_with_files(
    app: Any, session: Any, world: Any
) -> None:
    path = f"/units/show/{world.units['A1'].id}"
    link = f"_flt_0_school={world.units['A1'].id}"

    # One list per state, and the one of the open problems.
    assert sign_in(app, world, "district_info_A").get(path).text.count(link) == 7 + 1
    assert link not in sign_in(app, world, "district_system_A").get(path).text


def test_an_authority_shows_how_many_schools_it_has(app: Any, session: Any, world: Any) -> None:
    page = sign_in(app, world, "city_system").get(f"/units/show/{world.units['A'].id}").text

    assert re.search(r"<b>2</b> <span>中小学校</span>", page)


def test_remote_selects_offer_schools_of_the_scope(app: Any, session: Any, world: Any) -> None:
    def names(key: str, path: str) -> set[str]:
        answer = sign_in(app, world, key).get(path)
        return {item["text"] for item in answer.json["items"]}

    schools = {world.units[key].name for key in ("A1", "A2")}
    assert names("district_info_A", "/units/choices") == schools
    assert names("district_info_A", "/units/choices?q=A2") == {world.units["A2"].name}
    assert names("school_info_U", "/units/choices") == {world.units["U"].name}
    assert names("city_system", "/units/any") == {world.units[key].name for key in UNITS}


@pytest.mark.parametrize(
    "case",
    [
        ("city_system", ["school_info_B1", "district_info_A", "teacher_U"], []),
        ("district_system_A", ["school_info_A1", "teacher_A2"], ["school_info_B1", "teacher_U"]),
        ("school_system_A1", ["school_info_A1", "teacher_A1"], ["school_info_A2", "teacher_B1"]),
    ],
)
def test_accounts_are_those_of_the_units_below(
    app: Any, session: Any, world: Any, case: tuple[str, list[str], list[str]]
) -> None:
    key, seen, unseen = case
    client = sign_in(app, world, key)
    page = client.get("/accounts/list/?psize_AccountView=100").text
    shown = set(re.findall(r'data-label="用户名"[^>]*>([^<]+)<', page)) or set(
        re.findall(r'data-label="User name"[^>]*>([^<]+)<', page)
    )

    assert {world.usernames[each] for each in seen} <= shown
    assert not {world.usernames[each] for each in unseen} & shown
    for each in unseen:
        pk = world.actors[each].assignment_id
        assert client.get(f"/accounts/show/{pk}").status_code == 404
    for each in seen:
        answer = client.get(f"/accounts/show/{world.actors[each].assignment_id}")
        assert answer.status_code == 200
        world.assert_no_leak(answer, world.actors[key], place="list")


def test_accounts_are_found_by_user_name(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_system")

    assert len(rows_of(client.get("/accounts/list/?q=school_info_b1").text)) == 1
    assert len(rows_of(client.get("/accounts/list/?_flt_0_role=school_head").text)) == 4
    assert client.get("/accounts/list/?_flt_0_account=1").status_code == 400


def test_the_accounts_of_a_unit_stand_on_its_page(app: Any, session: Any, world: Any) -> None:
    path = f"/units/tab/AccountView/{world.units['A1'].id}"
    found = sign_in(app, world, "district_system_A").get(path)

    assert found.status_code == 200
    assert world.usernames["school_head_A1"] in found.text
    assert world.usernames["school_head_A2"] not in found.text
    assert sign_in(app, world, "district_info_A").get(path).status_code == 403


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_dictionary_shows_every_set_and_indicator(
    app: Any, session: Any, world: Any, language: str
) -> None:
    known = catalog(session)
    client = sign_in(app, world, "teacher_A1", language)
    overview = client.get("/indicators/").text

    for entry in known.sets.values():
        assert known.name(entry, language).replace("&", "&amp;") in overview
        page = client.get(f"/indicators/set/{entry.code}?category=all").text
        for item in entry.indicators:
            assert f'id="{item.key}"' in page
    assert client.get("/indicators/set/nothing").status_code == 404
    assert client.get("/indicators/set/basic?category=nothing").status_code == 400


def test_the_grid_shows_each_rule_of_each_category(app: Any, session: Any, world: Any) -> None:
    known = catalog(session)
    page = sign_in(app, world, "city_info").get("/indicators/matrix?set=all").text
    kinds = re.findall(r'class="tm-rule tm-rule-(\w+)"', page)
    expected = []
    for item in known.by_key.values():
        for category in known.categories:
            if not known.collected(item.set, item.code, category):
                expected.append("none")
            elif item.computed:
                expected.append("computed")
            else:
                needed = known.required(item.set, item.code, category)
                expected.append("required" if needed else "optional")

    assert kinds == expected


def test_a_school_sees_the_rules_of_its_own_category_first(
    app: Any, session: Any, world: Any
) -> None:
    known = catalog(session)
    client = sign_in(app, world, "school_info_U")
    own, everything = (
        set(re.findall(r'<tr id="([^"]+)"', client.get(f"/indicators/set/basic{query}").text))
        for query in ("", "?category=all")
    )

    collected = {
        i.key for i in known.indicators("basic") if known.collected("basic", i.code, "higher")
    }
    assert own == collected
    assert own < everything


def test_the_dictionary_is_searched_by_name_code_and_help(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "city_info")

    assert 'id="basic.highest_education"' in client.get("/indicators/?q=最高学历").text
    assert 'id="basic.highest_education"' in client.get("/indicators/?q=HIGHEST_EDU").text
    assert "tm-empty" in client.get("/indicators/?q=nowhere to be found").text


def test_every_code_table_can_be_browsed(app: Any, session: Any, world: Any) -> None:
    known = catalog(session)
    client = sign_in(app, world, "city_info")
    overview = client.get("/codes/").text

    for name, codes in known.tables.items():
        assert f'href="/codes/{name}"' in overview
        page = client.get(f"/codes/{name}")
        assert page.status_code == 200
        if len(codes) <= 500:
            assert page.text.count('<span class="tm-code">') == len(codes) + 1
    assert client.get("/codes/nothing").status_code == 404


def test_long_and_deep_tables_are_shown_level_by_level(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info")

    top = client.get("/codes/@regions").text
    assert "北京市" in top
    assert "海淀区" not in top
    assert "海淀区" in client.get("/codes/@regions?above=110000").text
    assert "海淀区" in client.get("/codes/@regions?q=海淀").text
    assert client.get("/codes/@regions?above=x").status_code == 404
    assert 'tm-depth-1" data-label' in client.get("/codes/education_level").text


def change(client: Any, key: str, value: str, **more: str) -> Any:
    """Send the form of a parameter as its page gave it."""
    page = client.get(f"/parameters/edit/{key}").text
    was = re.search(r'name="was"[^>]*value="([^"]*)"', page)
    form = {"was": was[1] if was else "", "csrf_token": token_of(page), "value": value, **more}
    return client.post(f"/parameters/edit/{key}", data=form)


def test_a_new_value_is_in_force_at_once_and_on_record(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_system")
    before = catalog(session).version

    answer = change(client, "age_min", "17", reason="按新规定")

    assert answer.status_code == 302
    known = catalog(session)
    assert known.parameter("age_min") == 17
    assert known.version == before + 1
    with system():
        row = session.scalars(select(Audit).where(Audit.act == "setting")).one()
    assert (row.object_id, row.reason) == ("age_min", "按新规定")
    assert row.detail == {"from": "16", "to": "17"}
    assert row.account_id == world.actors["city_system"].account_id


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("age_min", "sixteen"),
        ("age_min", "-1"),
        ("age_min", "1.5"),
        ("age_min", ""),
        ("age_min", "1000001"),
        ("credit_tolerance", "NaN"),
        ("credit_tolerance", "Infinity"),
        ("rotation_auto_end", "perhaps"),
        ("retire_reform_start", "2025-13"),
        ("retire_reform_start", "soon"),
        ("scope_post_categories", "1 2,3"),
        ("stages_by_type", "[]"),
        ("stages_by_type", "{"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_beside_its_field(
    app: Any, session: Any, world: Any, key: str, value: str
) -> None:
    client = sign_in(app, world, "city_system")
    before = session.get(Parameter, key).value

    answer = change(client, key, value)

    assert answer.status_code == 422
    assert 'id="value-error"' in answer.text
    session.expire_all()
    assert session.get(Parameter, key).value == before


def test_a_value_that_somebody_else_has_changed_is_not_overwritten(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "city_system")

    answer = change(client, "age_min", "18", was="15")

    assert answer.status_code == 409
    assert session.get(Parameter, "age_min").value == "16"
    # Both values are on the page, and saving it again takes the one that was typed.
    assert 'value="18"' in answer.text
    assert re.search(r"期间已存为：\s*16", answer.text)
    was = re.search(r'name="was"[^>]*value="([^"]*)"', answer.text)[1]
    assert change(client, "age_min", "18", was=was).status_code == 302
    assert session.get(Parameter, "age_min").value == "18"


def test_only_the_city_system_administrator_changes_parameters(
    app: Any, session: Any, world: Any
) -> None:
    for key in ("city_info", "district_system_A", "city_audit"):
        client = sign_in(app, world, key)
        assert client.get("/parameters/edit/age_min").status_code == 403
        assert change(client, "age_min", "20").status_code in (400, 403)
    assert session.get(Parameter, "age_min").value == "16"


def test_the_counter_of_the_system_cannot_be_edited(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_system")

    assert client.get("/parameters/edit/catalog_version").status_code == 404
    assert "/parameters/edit/catalog_version" not in client.get("/parameters/list/").text
    assert "/parameters/edit/age_min" in client.get("/parameters/list/").text


def test_every_shipped_value_passes_its_own_check() -> None:
    for setting in read_settings().values():
        if setting.kind != ParameterKind.COUNTER:
            check_text(setting.kind, setting.value, setting.value)


def note(session: Any, world: Any, act: str, key: str, **more: Any) -> None:
    with acting_as(world.actors[key]):
        audit.record(session, act, actor=world.actors[key], **more)


def test_the_log_is_filtered_by_act_outcome_time_and_account(
    app: Any, session: Any, world: Any
) -> None:
    note(session, world, "export", "school_info_A1", object=("teacher", 5), reason="核对")
    note(session, world, "open_file", "district_info_A", object=("teacher", 6))
    note(session, world, "open_file", "district_info_A", object=("teacher", 7), outcome="refused")
    client = sign_in(app, world, "city_audit")

    def found(query: str) -> int:
        answer = client.get(f"/audit/list/?{query}")
        assert answer.status_code == 200, query
        return len(rows_of(answer.text))

    assert found("_flt_0_act=export") == 1
    assert found("_flt_4_act=open_file&_flt_0_outcome=refused") == 1
    assert found("q=district_info_a&_flt_0_act=open_file") == 2
    assert found("_flt_2_at=2020-01-01") == 0
    assert found("_flt_0_act=open_file&_flt_1_at=2020-01-01") == 2
    assert client.get("/audit/list/?_flt_0_detail=x").status_code == 400
    assert client.get("/audit/list/?_oc_AuditView=detail").status_code == 400


def test_the_log_shows_names_and_masks_numbers(app: Any, session: Any, world: Any) -> None:
    number = "110199198503150131"
    note(session, world, "change", "school_info_A1", object=("rec_basic", 5), reason=number,
         detail={"set": "basic", "fields": ["id_no"], "typed": number})  # fmt: skip
    client = sign_in(app, world, "city_audit")
    page = client.get("/audit/list/?_flt_0_act=change").text
    (pk,) = re.findall(r"/audit/show/(\d+)", page)
    shown = client.get(f"/audit/show/{pk}").text

    assert world.usernames["school_info_A1"] in page
    assert world.units["A1"].name in page
    assert "教师基本信息 5" in page
    assert number not in page + shown
    assert "0131" in shown


def test_the_log_is_neither_exported_nor_written(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_audit")

    for path in ("/audit/export", "/audit/add", "/audit/edit/1", "/audit/choices"):
        assert client.get(path).status_code == 404, path
    assert "/audit/export" not in client.get("/audit/list/").text


@pytest.mark.parametrize(
    "case",
    [
        ("city_info", "/units/list/", 8),
        ("city_system", "/accounts/list/", 8),
        ("city_system", "/parameters/list/", 8),
        ("city_audit", "/audit/list/", 8),
        ("city_info", "/indicators/matrix?set=all", 4),
        ("city_info", "/codes/", 4),
        ("city_info", "/charts/progress/chart/units", 6),
        ("district_info_A", "/charts/staff/chart/subject", 6),
    ],
)
def test_pages_take_a_constant_number_of_statements(
    app: Any, session: Any, world: Any, case: tuple[str, str, int]
) -> None:
    key, path, most = case
    catalog(session)
    client = sign_in(app, world, key)

    def cost() -> int:
        with statements() as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    before = cost()
    with system():
        for number in range(20):
            session.add(_unit(world, number))
            note(session, world, "open_file", "city_info", object=("teacher", number))
        session.flush()

    assert cost() == before <= most


def _unit(world: Any, number: int) -> Unit:
    return Unit(
        code=f"9{number:05d}",
        name=f"测试单位{number}",
        kind="school",
        category="special",
        type_code="512",
        authority_id=world.units["A"].id,
    )


def test_the_filter_panel_is_loaded_when_it_is_opened_with_its_values(
    app: Any, session: Any, world: Any
) -> None:
    client = sign_in(app, world, "city_info")
    query = "_flt_0_district_code=110105"

    page = client.get(f"/units/list/?{query}").text
    source = re.search(r'data-src="([^"]*/panel[^"]*)"', page)
    assert source is not None
    panel = client.get(source[1].replace("&amp;", "&")).text

    # The page itself carries the filter on, without a control for every column.
    assert '<input type="hidden" name="_flt_0_district_code" value="110105">' in page
    assert "data-operator" not in page
    assert re.findall(r'<option selected value="(\w+)">', panel) == ["110105"]
    assert client.get("/units/panel?_flt_0_id_nothing=1").status_code == 400
    assert sign_in(app, world, "teacher_A1").get("/units/panel").status_code == 403


def test_parameters_that_nothing_reads_say_so(app: Any, session: Any, world: Any) -> None:
    """A setting that the code does not name would change nothing; the list must be true."""
    code = "\n".join(p.read_text("utf-8") for p in APP.rglob("*.py") if p.name != "parameter.py")
    composed = re.compile(r"retire_\w+_(age|step|final)")  # read by group (retirement.py)
    unread = {
        key
        for key, each in read_settings().items()
        if f'"{key}"' not in code
        and each.kind != ParameterKind.COUNTER
        and not composed.fullmatch(key)
    }
    assert unread == NOT_IN_USE

    client = sign_in(app, world, "city_system", "en")
    page = client.get("/parameters/list/").text
    assert page.count("(not in use yet)") >= len(NOT_IN_USE)
    assert "(not in use yet)" in client.get("/parameters/edit/change_needs_head").text
    assert "(not in use yet)" not in client.get("/parameters/edit/module_categories").text


def test_a_school_says_whether_the_modules_are_open(app: Any, session: Any, world: Any) -> None:
    client = sign_in(app, world, "city_info", "en")

    assert "are open to this school" in client.get(f"/units/show/{world.units['A1'].id}").text
    assert "not open to this category" in client.get(f"/units/show/{world.units['U'].id}").text


def test_units_that_no_education_authority_runs_carry_a_flag(
    app: Any, session: Any, world: Any
) -> None:
    with system():
        session.get(Unit, world.units["A1"].id).sponsor_type = "999"
        session.flush()
    client = sign_in(app, world, "city_info", "en")
    flag = "Not an education authority"

    rows = rows_of(client.get("/units/list/?_flt_0_kind=school").text)
    assert [world.units["A1"].name in row for row in rows if flag in row] == [True]
    assert flag in client.get(f"/units/show/{world.units['A1'].id}").text
    assert flag not in client.get(f"/units/show/{world.units['A2'].id}").text
    assert len(rows_of(client.get("/units/list/?_flt_0_run_by=others").text)) == 1
    own = rows_of(client.get("/units/list/?_flt_0_run_by=education").text)
    assert len(own) == 3

    district = sign_in(app, world, "district_info_A", "en")
    queue = rows_of(district.get("/review/list/?_flt_0_run_by=others").text)
    assert queue
    assert all(flag in row and world.units["A1"].name in row for row in queue)
    others = rows_of(district.get("/review/list/?_flt_0_run_by=education").text)
    assert not any(flag in row for row in others)
    waiting = world.teachers["A1_school_confirmed_1"].id
    assert flag in district.get(f"/review/show/{waiting}").text
