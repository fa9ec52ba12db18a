"""The rules of indicators set online: what may change, what it does to files, how it is undone."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.actor import acting_as, system
from app.core.errors import Forbidden, Malformed, NotFound, Refused, Stale
from app.exchange.seed_loader import load_reference
from app.indicators import catalog as module
from app.indicators.catalog import catalog
from app.models.history import Audit
from app.models.indicator import IndicatorRule
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.services import check
from app.services import indicator as indicators
from app.services.indicator import Effect, Treatment
from tests.factories import make_teacher

REQUIRED = Treatment(True, True, "school", "school_then_authority")
OPTIONAL = Treatment(True, False, "school", "school_then_authority")
NONE = Treatment(False, False, "", "school_then_authority")
CATEGORY = "primary_secondary"


def item_of(session: Any, key: str = "basic.staff_no") -> Any:
    return catalog(session).by_key[key]


def change(session: Any, world: Any, wanted: Any, key: str = "basic.staff_no", **more: Any) -> Any:
    actor = world.actors[more.pop("actor", "city_info")]
    wanted = wanted if isinstance(wanted, dict) else {CATEGORY: wanted}
    with acting_as(actor):
        return indicators.change_rules(session, actor, item_of(session, key), wanted, **more)


def refusal(session: Any, world: Any, key: str, wanted: Treatment) -> str:
    with pytest.raises(Refused) as caught:
        change(session, world, wanted, key)
    (problem,) = caught.value.problems
    return problem.code


def rows_of(session: Any, key: str, category: str = CATEGORY) -> list[Any]:
    set_code, code = key.split(".")
    named = {"set_code": set_code, "indicator": code, "category": category}
    return list(
        session.scalars(select(IndicatorRule).filter_by(**named).order_by(IndicatorRule.id))
    )


def test_a_change_closes_the_rule_and_adds_another_of_the_city(session: Any, world: Any) -> None:
    assert change(session, world, REQUIRED) == [CATEGORY]

    old, new = rows_of(session, "basic.staff_no")
    assert (old.required, old.valid_to, old.origin) == (False, new.valid_from, "seed")
    assert (new.required, new.valid_to, new.origin) == (True, None, "city")
    assert catalog(session).required("basic", "staff_no", CATEGORY)
    assert not catalog(session).required("basic", "staff_no", "kindergarten")


def test_loading_the_shipped_rules_leaves_the_change_alone(session: Any, world: Any) -> None:
    change(session, world, REQUIRED)

    assert load_reference(session).changed == 0
    assert catalog(session).required("basic", "staff_no", CATEGORY)


def test_nothing_changed_is_nothing_written(session: Any, world: Any) -> None:
    change(session, world, REQUIRED)

    assert change(session, world, REQUIRED) == []
    assert len(rows_of(session, "basic.staff_no")) == 2


def test_another_process_sees_the_change_by_the_version_alone(
    session: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this process forgets is of no help to another; that one reads the version again."""
    before = catalog(session)
    monkeypatch.setattr(module, "forget", lambda: None)
    change(session, world, REQUIRED)

    assert catalog(session) is before
    monkeypatch.setattr(module, "RECHECK_SECONDS", 0)
    assert catalog(session).version == before.version + 1
    assert catalog(session).required("basic", "staff_no", CATEGORY)


def test_kept_results_of_files_no_longer_hold(session: Any, world: Any) -> None:
    with system():
        teachers = session.scalars(select(Teacher).limit(5)).all()
        for each in teachers:
            each.checked_content = each.content_version
            each.checked_catalog = catalog(session).version
            each.checked_on = check.today()
    assert check.outdated(teachers, catalog(session)) == []

    change(session, world, REQUIRED)

    assert check.outdated(teachers, catalog(session)) == list(teachers)


@pytest.mark.parametrize("key", ["basic.name", "basic.id_no", "title.title", "ethics.assess_date"])
def test_a_national_core_indicator_cannot_be_switched_off(
    session: Any, world: Any, key: str
) -> None:
    assert refusal(session, world, key, NONE._replace(reviewed_by="authority")) == "national_core"
    assert len(rows_of(session, key)) == 1


def test_another_indicator_can_be_switched_off_and_on(session: Any, world: Any) -> None:
    change(session, world, NONE)
    assert not catalog(session).collected("basic", "staff_no", CATEGORY)

    change(session, world, OPTIONAL)
    assert catalog(session).collected("basic", "staff_no", CATEGORY)


def test_core_information_stays_with_school_and_authority(session: Any, world: Any) -> None:
    own = Treatment(True, True, "school", "authority")

    assert refusal(session, world, "title.title", own._replace(filled_by="both")) == "core"
    school = own._replace(reviewed_by="school_then_authority")
    assert refusal(session, world, "title.title", school) == "core"


def test_somebody_fills_in_what_is_collected(session: Any, world: Any) -> None:
    assert refusal(session, world, "basic.staff_no", REQUIRED._replace(filled_by="")) == "required"
    with pytest.raises(Malformed):
        change(session, world, REQUIRED._replace(filled_by="anybody"))
    with pytest.raises(Malformed):
        change(session, world, {"no_category": REQUIRED})


def test_what_is_computed_is_never_required(session: Any, world: Any) -> None:
    change(session, world, NONE, "basic.highest_education")
    change(session, world, REQUIRED, "basic.highest_education")

    assert not rows_of(session, "basic.highest_education")[-1].required


@pytest.mark.parametrize(
    "key", ["city_system", "district_info_A", "school_info_A1", "teacher_A1", "city_assistant"]
)
def test_only_the_citys_information_administrator_changes_rules(
    session: Any, world: Any, key: str
) -> None:
    row = rows_of(session, "basic.staff_no")[0].id
    actor, item = world.actors[key], item_of(session)

    with pytest.raises(Forbidden):
        change(session, world, REQUIRED, actor=key)
    with pytest.raises(Forbidden):
        indicators.put_back(session, actor, item, row)
    with pytest.raises(Forbidden):
        indicators.change_words(session, actor, item, {"name_zh": "编号"})


def test_who_saw_former_rules_is_told(session: Any, world: Any) -> None:
    seen = indicators.stamp_of(indicators.rules_in_force(session, item_of(session)))
    change(session, world, REQUIRED, seen=seen)

    with pytest.raises(Stale):
        change(session, world, OPTIONAL, seen=seen)


def test_an_earlier_rule_is_put_back_as_a_new_one(session: Any, world: Any) -> None:
    actor = world.actors["city_info"]
    change(session, world, NONE)
    (former,) = indicators.former_rules(session, item_of(session))

    assert indicators.put_back(session, actor, item_of(session), former.id) == CATEGORY

    first, second, third = rows_of(session, "basic.staff_no")
    assert indicators.treatment_of(first) == indicators.treatment_of(third)
    assert second.valid_to == third.valid_from
    with pytest.raises(NotFound):
        indicators.put_back(session, actor, item_of(session), third.id)
    with pytest.raises(NotFound):
        indicators.put_back(session, actor, item_of(session, "basic.former_name"), first.id)


def test_the_audit_log_says_what_was_and_what_is(session: Any, world: Any) -> None:
    change(session, world, REQUIRED, reason="市教委要求")

    with system():
        row = session.scalars(select(Audit).order_by(Audit.id.desc())).first()
    assert (row.act, row.object_id, row.reason) == ("setting", "basic.staff_no", "市教委要求")
    said = row.detail["rules"][CATEGORY]
    assert (said["from"][:2], said["to"][:2]) == ([True, False], [True, True])


def effect(session: Any, world: Any, key: str, wanted: Treatment, who: str = "city_info") -> Effect:
    with acting_as(world.actors[who]):
        known = catalog(session)
        return indicators.effect_of(session, known.by_key[key], {CATEGORY: wanted}, known)


def test_the_trial_counts_the_files_that_lack_the_value(session: Any, world: Any) -> None:
    """All test files of the three schools have a staff number; two fresh ones have none."""
    before = effect(session, world, "basic.staff_no", REQUIRED)
    with system():
        school = session.get(Unit, world.units["A1"].id)
        made = [make_teacher(session, school=school, staff_no=None) for _n in range(2)]
        for each, percent in zip(made, (100, 80), strict=True):
            each.complete_percent = percent
        made.append(make_teacher(session, school=school, staff_no=None))
        made[-1].active = False
        session.flush()

    after = effect(session, world, "basic.staff_no", REQUIRED)
    assert (after.lacking - before.lacking, after.complete - before.complete) == (2, 1)
    # Nothing is written by it, and what is required already makes nobody incomplete.
    assert len(rows_of(session, "basic.staff_no")) == 1
    assert effect(session, world, "basic.staff_no", OPTIONAL) == Effect(0, 0)
    assert effect(session, world, "basic.name", REQUIRED) == Effect(0, 0)
    # Another district sees its own files only.
    assert effect(session, world, "basic.staff_no", REQUIRED, "district_info_B").lacking == 0


def test_the_trial_asks_whether_the_indicator_applies(session: Any, world: Any) -> None:
    """employ_form is asked of those outside the establishment only."""
    item = item_of(session, "basic.employ_form")
    change(session, world, OPTIONAL._replace(filled_by="school"), item.key)

    with system():
        inside = session.scalar(
            select(func.count()).where(Teacher.active, Teacher.in_establishment == "1")
        )
    assert inside
    assert effect(session, world, item.key, REQUIRED).lacking == 0


def test_the_trial_runs_for_every_indicator(session: Any, world: Any) -> None:
    known = catalog(session)
    nothing = {key: replace(rule, required=False) for key, rule in known.rules.items()}
    known = replace(known, rules=nothing)

    for item in known.by_key.values():
        with acting_as(world.actors["district_info_A"]):
            found = indicators.effect_of(session, item, {CATEGORY: REQUIRED}, known)
        assert found.complete <= found.lacking


def test_names_and_help_follow_in_a_new_version(session: Any, world: Any) -> None:
    actor, item = world.actors["city_info"], item_of(session)
    words = {"name_zh": "校内编号", "help_en": "As on the badge."}

    assert indicators.change_words(session, actor, item, words) == ["name_zh", "help_en"]

    changed = item_of(session)
    assert (changed.name_zh, changed.help_en) == ("校内编号", "As on the badge.")
    assert (changed.name_en, changed.max_length) == (item.name_en, item.max_length)
    assert indicators.change_words(session, actor, changed, words) == []
    with pytest.raises(Refused):
        indicators.change_words(session, actor, changed, {"name_en": " "})
    with pytest.raises(Refused):
        indicators.change_words(session, actor, changed, {"name_zh": "长" * 61})
