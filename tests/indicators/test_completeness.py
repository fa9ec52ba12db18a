"""How complete a file is."""

import pytest

from app.indicators.completeness import completeness, overall_percent, percent
from tests.indicators.files import make_file, reference_catalog

CATALOG = reference_catalog()


def of(set_code: str, file, **kwargs):
    return next(each for each in completeness(file, CATALOG, **kwargs) if each.set == set_code)


def test_a_sound_file_is_complete():
    assert percent(make_file(), CATALOG) == 100
    assert all(each.is_complete for each in completeness(make_file(), CATALOG))


def test_only_sets_of_the_school_s_category_are_asked():
    school = {"category": "higher", "type_code": "411"}

    asked = {each.set for each in completeness(make_file(school=school), CATALOG)}

    assert "backbone" not in asked
    assert "ach_medical" in asked
    assert "ach_medical" not in {each.set for each in completeness(make_file(), CATALOG)}


def test_a_missing_indicator_is_named_with_its_record():
    file = make_file(learning=[{}, {"major": None}])

    found = of("learning", file)

    assert found.missing == (("learning2", "major"),)
    assert (found.required, found.filled) == (18, 17)


def test_a_single_row_set_without_a_record_misses_each_indicator():
    found = of("contact", make_file(contact=[]))

    assert found.missing == ((None, "mobile"),)
    assert not found.answered


def test_a_multi_row_set_without_a_record_misses_its_answer():
    found = of("ach_paper", make_file(none_sets=frozenset()))

    assert (found.required, found.filled, found.missing) == (1, 0, ((None, None),))


def test_none_to_report_is_an_answer():
    found = of("ach_paper", make_file())

    assert found.answered
    assert found.is_complete


@pytest.mark.parametrize("set_code", ["learning", "post", "work", "teaching"])
def test_none_to_report_is_no_answer_where_everybody_has_a_record(set_code):
    found = of(set_code, make_file(**{set_code: []}))

    assert found.answered
    assert found.missing == ((None, None),)


def test_who_is_no_teacher_may_have_nothing_to_teach():
    file = make_file(basic={"staff_category": "13"}, teaching=[])

    assert of("teaching", file).is_complete


@pytest.mark.parametrize("set_code", ["title", "treatment", "appraisal", "ethics"])
def test_a_newcomer_has_nothing_in_the_core_sets(set_code):
    assert of(set_code, make_file(**{set_code: []})).is_complete


def test_a_record_that_says_none_needs_nothing_else():
    found = of("ach_project", make_file(ach_project={"type": "0"}))

    assert (found.required, found.filled) == (1, 1)


def test_a_conditional_indicator_counts_when_its_condition_is_met():
    sanction = {"punish_type": "11", "punish_reason": "03"}

    assert of("ethics", make_file(ethics=sanction)).missing == (("ethics1", "punish_happen_date"),)


def test_a_condition_that_is_open_asks_for_nothing_yet():
    found = of("learning", make_file(learning={"education": None, "major": None}))

    assert found.missing == (("learning1", "education"),)


def test_the_staff_status_of_the_teacher_counts():
    assert of("basic", make_file(status="")).missing == (("basic1", "staff_status"),)


def test_a_switch_that_is_off_is_an_answer():
    assert of("basic", make_file(basic={"is_normal_grad": False})).is_complete


def test_on_the_teacher_s_side_the_school_s_indicators_do_not_count():
    file = make_file(
        basic={"staff_category": None, "ethnic": None}, title=[], none_sets=frozenset()
    )

    assert of("basic", file, side="teacher").missing == (("basic1", "ethnic"),)
    assert of("title", file, side="teacher").required == 0


def test_the_percentage_reaches_100_only_when_nothing_is_missing():
    file = make_file(learning=[{}] * 60 + [{"major": None}])

    assert percent(file, CATALOG) == 99
    assert overall_percent([]) == 100
