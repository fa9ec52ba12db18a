"""Derived indicators."""

from app.indicators.derive import derive, derive_rows
from tests.indicators.files import TODAY, make_file, reference_catalog

CATALOG = reference_catalog()


def derived(**sets):
    return derive(make_file(**sets), CATALOG, TODAY)


def test_the_highest_completed_education_counts():
    found = derived(
        learning=[
            {"education": "14", "education_org": "甲", "end": "2010-07"},
            {"education": "21", "education_org": "乙", "end": "2020-07"},
            {"education": "13", "education_org": "丙", "end": "2022-07"},
        ]
    )

    assert found["basic.highest_education"] == "14"
    assert found["basic.highest_education_org"] == "甲"


def test_an_uncompleted_education_counts_where_no_other_is():
    assert derived(learning={"education": "23"})["basic.highest_education"] == "23"


def test_the_highest_degree_brings_its_name_and_institution():
    found = derived(
        learning=[
            {},
            {"degree_level": "3", "degree": "342", "degree_org": "甲", "education": "21"},
            {"degree_level": "0", "degree": None},
        ]
    )

    assert found["basic.highest_degree_level"] == "3"
    assert found["basic.highest_degree"] == "342"
    assert found["basic.highest_degree_org"] == "甲"


def test_without_a_degree_only_that_is_said():
    found = derived(learning={"degree_level": "0", "degree": "407"})

    assert found["basic.highest_degree_level"] == "0"
    assert found["basic.highest_degree"] is None


def test_the_present_post_is_the_latest_in_force():
    found = derived(
        post=[
            {"post_grade": "111", "start": "2008-09", "end": "2012-08"},
            {"post_grade": "110", "start": "2012-09"},
            {"post_grade": "109", "start": "2026-11"},
        ]
    )

    assert found["basic.current_post_grade"] == "110"
    assert found["basic.current_post_category"] == "1"


def test_the_present_title_is_the_highest_in_force():
    found = derived(
        title=[
            {"title": "BJ-S3", "start": "2020-09"},
            {"title": "BJ-S2", "start": "2018-09"},
            {"title": "BJ-S1", "start": "2010-09", "end": "2015-09"},
            {"title": "0", "start": None},
        ]
    )

    assert found["basic.current_title"] == "BJ-S2"


def test_no_title_is_derived_as_none():
    assert derived(title={"title": "0", "start": None})["basic.current_title"] == "0"
    assert derived(title=[])["basic.current_title"] is None


def test_the_highest_backbone_type_in_force_counts():
    found = derived(
        backbone=[{"type": "41"}, {"type": "32"}, {"type": "31"}, {"type": "22", "end": "2020-08"}]
    )

    assert found["bj_ext.backbone_highest"] == "31"
    assert found["basic.is_county_backbone"] is True


def test_a_school_backbone_does_not_mark_the_basic_file():
    assert "basic.is_county_backbone" not in derived(backbone={"type": "41"})


def test_years_of_teaching_count_from_the_first_school():
    assert derived()["bj_ext.teach_years"] == 19
    assert derived(bj_ext={"first_teach_date": "2010-11"})["bj_ext.teach_years"] == 15
    assert derived(work=[], basic={"join_school": "2026-11"})["bj_ext.teach_years"] == 0
    assert derived(work=[], basic={"join_school": None})["bj_ext.teach_years"] is None


def test_what_a_category_does_not_collect_is_not_derived():
    found = derived(school={"category": "higher", "type_code": "411"}, backbone={})

    assert "bj_ext.backbone_highest" not in found
    assert "basic.highest_education" in found


def test_every_derived_key_is_a_computed_indicator_but_the_hint():
    keys = set(derived(backbone={})) - {"basic.is_county_backbone"}

    assert all(CATALOG.by_key[key].computed for key in keys)
    of_teachers = [i for entry in CATALOG.teacher_sets for i in entry.indicators]
    missing = {i.key for i in of_teachers if i.derived_from} - keys
    assert missing == {"basic.teacher_no", "basic.edu_id", "backbone.level"}


def test_the_backbone_level_follows_from_the_type():
    found = derive_rows(
        make_file(backbone=[{"type": "23"}, {"type": "99"}, {"type": None}]), CATALOG
    )

    assert found == {"backbone1": {"level": "2"}, "backbone2": {"level": None}}
