"""The shipped reference files as typed rows."""

import shutil
from pathlib import Path

import pytest

from app.core.reference import SEEDS, read_reference, split_condition, structure

REF = structure()


def test_the_counts_are_those_of_the_domain():
    assert len(REF.sets) == 29
    assert sum(len(each.indicators) for each in REF.sets.values()) == 309
    assert len(REF.rules) == 2163
    assert len(REF.checks) == 76
    assert len(REF.codes) == 98
    assert sum(len(table) for table in REF.codes.values()) == 1371
    assert (len(REF.districts), len(REF.school_types), len(REF.regions)) == (19, 50, 3660)


def test_codes_are_texts_with_their_leading_zeros():
    assert REF.codes["ethnic"]["01"].name_zh == "汉族"
    assert all(isinstance(code, str) for table in REF.codes.values() for code in table)


def test_sets_and_indicators_stand_in_display_order():
    assert [each.sort for each in REF.sets.values()] == sorted(e.sort for e in REF.sets.values())
    for each in REF.sets.values():
        assert [i.sort for i in each.indicators] == sorted(i.sort for i in each.indicators)


def test_only_the_four_sets_of_the_seed_are_core():
    core = [each.code for each in REF.sets.values() if each.core]

    assert core == ["title", "treatment", "appraisal", "ethics"]
    assert {item.set for each in REF.sets.values() for item in each.indicators if item.core} == set(
        core
    )


def test_three_indicators_are_sealed_and_pay_is_only_masked():
    sealed = {item.key for each in REF.sets.values() for item in each.indicators if item.sealed}

    assert sealed == {"basic.id_no", "contact.mobile", "contact.emergency_phone"}
    income = REF.indicator("treatment", "annual_income")
    assert income.masked
    assert not income.sealed


def test_the_activity_of_staff_states_is_known():
    states = REF.codes["on_duty_status"]

    assert states["100"].active is True
    assert states["301"].active is False
    assert REF.codes["sex"]["1"].active is None


def test_attributes_cannot_be_changed():
    with pytest.raises(TypeError):
        REF.codes["education_level"]["11"].attrs["rank"] = 1  # type: ignore[index]


def test_an_indicator_is_found_by_its_code_or_not_at_all():
    assert REF.indicator("basic", "id_no").key == "basic.id_no"
    with pytest.raises(KeyError, match="basic.nothing"):
        REF.indicator("basic", "nothing")


def test_conditions_are_split_at_their_sign():
    assert split_condition("in_establishment=0") == ("in_establishment", True, "0")
    assert split_condition("school_post != 00") == ("school_post", False, "00")


def test_every_set_of_the_catalogue_has_an_indicator():
    assert all(each.indicators for each in REF.sets.values())


def test_a_folder_is_read_by_itself(tmp_path: Path):
    folder = Path(shutil.copytree(SEEDS, tmp_path / "seeds"))
    path = folder / "districts.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace("东城区", "新城区", 1), encoding="utf-8"
    )

    assert read_reference(folder).districts["110101"].name_zh == "新城区"
    assert REF.districts["110101"].name_zh == "东城区"
