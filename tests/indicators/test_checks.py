"""The checks DQ001 to DQ076, and how they are run."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from app.core.errors import Problem
from app.core.reference import structure
from app.indicators.checks import CHECKS, Context, run, run_one
from app.indicators.values import as_text
from tests.indicators.check_cases import FIRING, SILENT, Case
from tests.indicators.files import context, make_file, reference_catalog


def case_id(case: Case) -> str:
    return f"{case.code} {case.what}"


def context_of(case: Case) -> Context:
    given = dict(case.context)
    if "parameters" in given:
        given["parameters"] = {**reference_catalog().parameters, **given["parameters"]}
    return context(**given)


def findings(case: Case) -> list[Problem]:
    return run_one(case.code, make_file(**case.file), context_of(case))


def place(problem: Problem) -> str:
    return f"{problem.set}.{problem.field}" if problem.field else str(problem.set)


def test_every_rule_of_the_catalogue_is_performed_and_nothing_else():
    assert sorted(CHECKS) == sorted(structure().checks)


def test_every_rule_has_a_firing_and_a_silent_case():
    firing, silent = Counter(c.code for c in FIRING), Counter(c.code for c in SILENT)

    assert sorted(firing) == sorted(silent) == sorted(structure().checks)


@pytest.mark.parametrize("case", FIRING, ids=case_id)
def test_check_finds_what_is_wrong(case: Case):
    found = findings(case)

    assert (case.field, case.severity) in [(place(p), p.severity) for p in found]
    assert {p.code for p in found} == {case.code}


@pytest.mark.parametrize("case", SILENT, ids=case_id)
def test_check_accepts_what_is_right(case: Case):
    assert [(place(p), p.message) for p in findings(case)] == []


def test_a_sound_file_has_no_finding_but_its_invented_division():
    assert [p.code for p in run(make_file(), context(), "all")] == ["DQ004"]


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("save", {"DQ013"}),
        ("submit", {"DQ013", "DQ030"}),
        ("nightly", {"DQ055"}),
        ("all", {"DQ013", "DQ030", "DQ055"}),
    ],
)
def test_a_trigger_runs_its_rules_and_submission_those_of_saving_too(trigger, expected):
    file = make_file(basic={"join_school": "2007-06"}, appraisal={"year": 2024})

    found = {p.code for p in run(file, context(), trigger)}

    assert found - {"DQ004"} == expected


def test_a_run_over_one_set_leaves_other_sets_alone():
    file = make_file(basic={"name": "王1"}, contact={"mobile": "1"}, learning={"end": "2000-01"})

    found = run(file, context(), only_sets={"learning"})

    assert {p.set for p in found} == {"learning"}


def test_required_indicators_are_asked_only_of_the_sets_in_question():
    file = make_file(basic={"staff_category": None}, contact=[])

    found = run(file, context(), "submit", only_sets={"contact"})

    assert [(p.code, place(p)) for p in found] == [("DQ075", "contact.mobile")]


def test_a_rule_that_is_switched_off_does_not_run():
    catalog = reference_catalog()
    without = {code: rule for code, rule in catalog.checks.items() if code != "DQ004"}

    found = run(make_file(), context(catalog=replace(catalog, checks=without)))

    assert found == []


def test_a_rule_takes_its_severity_and_words_from_the_catalogue():
    catalog = reference_catalog()
    edited = replace(
        catalog.checks["DQ013"], severity="warning", message_zh="请核对", message_en="请核对"
    )
    catalog = replace(catalog, checks={"DQ013": edited})

    (found,) = run(make_file(basic={"join_school": "2007-06"}), context(catalog=catalog))

    assert found.severity == "warning"
    assert found.message.startswith("请核对")


def test_a_value_that_does_not_apply_is_not_reported_twice():
    found = run(make_file(basic={"employ_form": "1"}), context())

    assert [p.code for p in found if p.field == "employ_form"] == ["DQ017"]


def test_a_finding_about_a_single_row_set_names_its_record():
    (found,) = run_one("DQ013", make_file(basic={"join_school": "2007-06"}), context())

    assert found.record == "basic1"


def test_the_scope_rule_names_the_condition_that_failed():
    basic = {
        "in_establishment": "0",
        "contract_type": "2",
        "contract_start": date(2025, 9, 1),
        "contract_end": date(2026, 8, 30),
    }

    (found,) = run_one("DQ018", make_file(basic=basic), context())

    assert found.message.endswith("The contract runs 11 months, 12 are needed.")


@pytest.mark.parametrize("case", FIRING, ids=case_id)
def test_a_finding_tells_no_value_that_lists_mask(case: Case):
    file = make_file(**case.file)
    shown = " ".join(p.message for p in findings(case)).replace("for example 13800138000", "")
    told = [
        text
        for set_code, rows in file.rows.items()
        for item in reference_catalog().indicators(set_code)
        for text in (as_text(item, row.get(item.code)) for row in rows)
        if item.masked and len(text) >= 4 and text[:7] in shown
    ]

    assert told == []


def test_a_finding_about_age_does_not_tell_the_birth_month():
    file = make_file(basic={"work_start": "2001-02", "birth_date": date(1964, 12, 31)})

    shown = " ".join(p.message for p in run(file, context(), "all"))

    assert not re.search(r"\b(1964|1980|2024)\b", shown)


def test_a_person_of_sixteen_is_measured_with_the_city_s_age():
    file = make_file(basic={"birth_date": date(2009, 1, 1)})
    older = {**reference_catalog().parameters, "age_min": 18}

    found = run_one("DQ011", file, context(parameters=older))

    assert [place(p) for p in found] == ["basic.birth_date"]
