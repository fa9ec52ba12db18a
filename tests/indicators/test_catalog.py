"""The catalogue: look-ups, rules per category, conditions, and how it follows the database."""

import pytest
from sqlalchemy import event, update

from app.core.reference import structure
from app.indicators import catalog as module
from app.indicators.catalog import Catalog, catalog, forget, touch
from app.indicators.rules import Condition, condition_of, is_core_review, may_fill
from app.models import indicator as tables
from app.models.parameter import Parameter, read_settings, read_value
from tests.indicators.files import reference_catalog

CATALOG = reference_catalog()


def test_a_teacher_has_28_sets_and_a_unit_one():
    assert len(CATALOG.teacher_sets) == 28
    assert [e.code for e in CATALOG.sets.values() if e.entity == "school"] == ["school_basic"]


def test_every_indicator_has_a_rule_in_each_of_seven_categories():
    assert len(CATALOG.categories) == 7
    for item in CATALOG.by_key.values():
        for category in CATALOG.categories:
            assert CATALOG.rule(item.set, item.code, category).category == category


def test_every_help_is_there_in_both_languages():
    helped = [item for item in CATALOG.by_key.values() if item.help_zh or item.help_en]

    assert len(helped) > 100
    assert [item.key for item in helped if not (item.help_zh and item.help_en)] == []


def test_what_names_people_and_the_national_core_is_indispensable():
    keys = {item.key for item in CATALOG.by_key.values() if item.indispensable}

    assert {"basic.name", "basic.id_no", "title.title", "appraisal.result"} <= keys
    assert "basic.staff_no" not in keys
    assert all(
        item.key in keys
        for item in CATALOG.by_key.values()
        if item.core and item.source == "natsys_copy"
    )


def test_a_category_sees_what_it_collects_only():
    sets = {each.code: each for each in CATALOG.category_sets("kindergarten")}

    assert "ach_patent" not in sets
    codes = [item.code for item in sets["basic"].indicators]
    assert "is_preschool_grad" in codes
    assert "is_dual_teacher" not in codes


def test_a_computed_indicator_is_never_required():
    rule = structure().rules["basic", "highest_education", "higher"]
    rules = {**structure().rules, ("basic", "highest_education", "higher"): rule}
    edited = Catalog.from_reference(structure())
    object.__setattr__(edited, "rules", rules)

    assert not edited.required("basic", "highest_education", "higher")
    assert edited.required("basic", "name", "higher")


def test_core_sets_are_filled_by_the_school_and_reviewed_by_the_authority():
    for code in ("title", "treatment", "appraisal", "ethics"):
        for item in CATALOG.indicators(code):
            for category in CATALOG.categories:
                rule = CATALOG.rule(code, item.code, category)
                assert not may_fill(rule, "teacher")
                assert is_core_review(rule) or not rule.collected


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("kind=1", "1", True),
        ("kind=1", "2", False),
        ("kind!=0", "1", True),
        ("kind!=0", "0", False),
        ("kind!=00", "21,00", False),
        ("kind!=00", "21,51", True),
        ("kind=1", True, True),
        ("kind=1", False, False),
        ("kind=1", None, None),
        ("kind!=1", "", None),
    ],
)
def test_conditions_hold_fail_or_stay_open(text, value, holds):
    condition = condition_of("some", text)

    assert condition is not None
    assert condition.holds(lambda _set, _code: value) is holds


def test_a_condition_may_ask_another_set():
    item = CATALOG.indicator("post", "establishment_type")

    assert CATALOG.condition(item) == Condition("basic", "in_establishment", True, "1")
    assert CATALOG.applicable(item, lambda s, c: "1" if s == "basic" else None) is True
    assert CATALOG.applicable(CATALOG.indicator("basic", "name"), lambda _s, _c: None) is True


def test_labels_come_in_both_languages_and_fall_back():
    assert CATALOG.label("sex", "1") == "男性"
    assert CATALOG.label("sex", "1", "en") == "Male"
    assert CATALOG.label("sex", "77") == "77"
    assert CATALOG.label("sex", None) == ""
    assert CATALOG.label("@regions", "130102") == "河北省石家庄市长安区"
    assert CATALOG.label("@regions", "130102", "en") == "河北省石家庄市长安区"
    assert CATALOG.label("@districts", "X11102", "en").startswith("Beijing Economic")
    assert CATALOG.label("@school_types", "211", "en") == "Primary school"
    assert CATALOG.name(CATALOG.set("learning"), "en") == "Education history"


def test_an_unknown_indicator_is_an_error():
    with pytest.raises(KeyError):
        CATALOG.indicator("basic", "shoe_size")


def test_every_parameter_has_its_type_and_both_labels():
    for key, each in read_settings().items():
        assert each.label_zh, key
        assert each.label_en, key
        assert each.typed is not None


@pytest.mark.parametrize(
    ("sort", "text"),
    [
        ("int", "x"),
        ("decimal", "x"),
        ("bool", "yes"),
        ("month", "2026-13"),
        ("month", "2026-9"),
        ("json", "{"),
    ],
)
def test_a_setting_of_another_kind_is_refused(sort, text):
    with pytest.raises(ValueError, match=r".+"):
        read_value(sort, text)


def test_a_setting_refuses_a_value_that_cannot_be_read():
    row = Parameter(key="age_max", kind="int", value="70")

    with pytest.raises(ValueError, match="many"):
        row.value = "many"


def test_the_catalogue_is_read_once(session):
    first = catalog(session)
    statements = []
    listener = lambda *args: statements.append(args[2])  # noqa: E731
    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", listener)

    again = catalog(session)

    event.remove(bind, "before_cursor_execute", listener)
    assert again is first
    assert statements == []


def test_the_version_is_looked_at_again_after_two_seconds(session, monkeypatch):
    first = catalog(session)
    version = str(first.version + 1)
    session.execute(update(Parameter).filter_by(key="catalog_version").values(value=version))

    assert catalog(session) is first

    real = module.monotonic
    monkeypatch.setattr(module, "monotonic", lambda: real() + 3)
    assert catalog(session).version == first.version + 1


def test_an_unchanged_version_keeps_the_catalogue(session, monkeypatch):
    first = catalog(session)
    real = module.monotonic
    monkeypatch.setattr(module, "monotonic", lambda: real() + 3)

    assert catalog(session) is first


def test_an_edit_is_seen_at_once_where_it_was_made(session):
    first = catalog(session)
    age = session.get(Parameter, "age_max")
    age.value = "66"
    session.flush()

    touch(session)

    assert catalog(session).parameter("age_max") == 66
    assert catalog(session).version == first.version + 1


def test_an_edit_that_is_rolled_back_is_forgotten(session):
    first = catalog(session).parameter("age_max")
    session.get(Parameter, "age_max").value = "66"
    session.flush()
    touch(session)
    assert catalog(session).parameter("age_max") == 66

    session.rollback()

    assert catalog(session).parameter("age_max") == first


def test_a_switched_off_check_is_not_in_the_catalogue(session):
    session.execute(update(tables.CheckRule).filter_by(code="DQ016").values(active=False))
    forget()

    assert "DQ016" not in catalog(session).checks


def test_a_database_without_reference_data_answers_with_the_shipped_files(session):
    session.execute(update(Parameter).filter_by(key="catalog_version").values(value="0"))
    forget()

    found = catalog(session)

    assert found.version == 0
    assert found.sets == CATALOG.sets
