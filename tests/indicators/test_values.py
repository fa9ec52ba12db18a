"""Reading, showing and masking single values."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.core.reference import Indicator
from app.indicators.values import (
    BadValue,
    as_text,
    codes_for,
    default_of,
    display,
    is_masked,
    mask,
    parse,
)
from tests.indicators.files import TODAY, reference_catalog

CATALOG = reference_catalog()
INDICATORS = list(CATALOG.by_key.values())
TYPED = {
    "decimal": st.decimals(0, 999, places=2),
    "date": st.dates(date(1990, 1, 1), date(2020, 12, 31)),
    "bool": st.booleans(),
    "email": st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.cn", fullmatch=True),
    "year_month": st.dates(date(1990, 1, 1), date(2020, 12, 31)).map("{:%Y-%m}".format),
}
BLANKS = st.text(" \u3000\t", max_size=2)


def of(key: str) -> Indicator:
    return CATALOG.by_key[key]


def read(key: str, raw: object, **kwargs: str) -> object:
    with clock.frozen(TODAY):
        return parse(of(key), raw, CATALOG, **kwargs)


def refusal(key: str, raw: object) -> BadValue:
    with pytest.raises(BadValue) as caught:
        read(key, raw)
    return caught.value


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("basic.sex", "1", "1"),
        ("basic.sex", "１", "1"),
        ("basic.sex", "男性", "1"),
        ("basic.sex", "1 男性", "1"),
        ("basic.sex", " 1\u3000男性 ", "1"),
        ("basic.sex", "male", "1"),
        ("title.title", "bj-s3", "BJ-S3"),
        ("skill.language", "EN", "en"),
        ("basic.political_status", "01、05", "01,05"),
        ("basic.political_status", "05；01，05", "05,01"),
        ("basic.political_status", ["01", "05 中国民主同盟盟员"], "01,05"),
        ("post.school_post", "校长（园长、院长）", "21"),
        ("post.school_post", "21 校长（园长、院长）；51", "21,51"),
        ("basic.native_place", "东城区", "110101"),
        ("basic.native_place", "北京市朝阳区", "110105"),
        ("basic.native_place", "110103", "110103"),
        ("school_basic.authority", "燕山地区", "X11101"),
        ("school_basic.school_type", "211 小学", "211"),
        ("basic.birth_date", "1985-03-15", date(1985, 3, 15)),
        ("basic.birth_date", "1985/3/15", date(1985, 3, 15)),
        ("basic.birth_date", "1985.03.15", date(1985, 3, 15)),
        ("basic.birth_date", "19850315", date(1985, 3, 15)),
        ("basic.birth_date", "１９８５年３月１５日", date(1985, 3, 15)),
        ("basic.birth_date", "1985-03-15 00:00:00", date(1985, 3, 15)),
        ("basic.birth_date", datetime(1985, 3, 15, tzinfo=UTC), date(1985, 3, 15)),
        ("basic.birth_date", 31121, date(1985, 3, 15)),
        ("basic.birth_date", 19850315, date(1985, 3, 15)),
        ("basic.work_start", "2016-09", "2016-09"),
        ("basic.work_start", "2016.9", "2016-09"),
        ("basic.work_start", "201609", "2016-09"),
        ("basic.work_start", "2016年9月", "2016-09"),
        ("basic.work_start", "2016-09-01", "2016-09"),
        ("basic.work_start", 201609, "2016-09"),
        ("basic.work_start", date(2016, 9, 30), "2016-09"),
        ("basic.is_special_grade", "是", True),
        ("basic.is_special_grade", "否", False),
        ("basic.is_special_grade", "YES", True),
        ("basic.is_special_grade", "0 否", False),
        ("basic.is_special_grade", 1, True),
        ("treatment.year", "2025", 2025),
        ("treatment.year", 2025.0, 2025),
        ("treatment.annual_income", "12,345.6", Decimal("12345.60")),
        ("treatment.annual_income", "１２３ 元", Decimal("123.00")),
        ("treatment.annual_income", 0.1 + 0.2, Decimal("0.30")),
        ("basic.id_no", "110199 19781104 001x", "11019919781104001X"),
        ("contact.mobile", "+86 138-0013-8000", "13800138000"),
        ("contact.phone", "010—62345678转801", "010-62345678-801"),
        ("contact.email", " a@b.cn", "a@b.cn"),
        ("basic.name", "\u3000王小明\u200b", "王小明"),
        ("basic.name", "买买提•阿不都拉", "买买提·阿不都拉"),
        ("work.org_name", "示范小学（东校区）", "示范小学（东校区）"),
        ("basic.former_name", " \u3000", None),
        ("basic.health", [], None),
    ],
)
def test_what_clerks_write_is_read(key, raw, value):
    assert read(key, raw) == value


@pytest.mark.parametrize(
    ("key", "raw", "code", "remedy"),
    [
        ("basic.sex", "x", "DQ076", "in the list"),
        ("basic.sex", "1 女性", "DQ076", "correct one of them"),
        ("basic.sex", 1, "VALUE", "Format the cell as text"),
        ("basic.sex", ["1", "2"], "VALUE", "Only one value"),
        ("basic.native_place", "朝阳区", "DQ076", "Write the code"),
        ("basic.native_place", "河北省", "DQ076", "entries below"),
        ("basic.native_place", "天上", "DQ076", "GB/T 2260"),
        ("learning.education", "10", "DQ076", "entries below"),
        ("basic.political_status", "01,13", "DQ015", "Remove one"),
        ("treatment.insurance", "0、1", "DQ052", "Remove one"),
        ("teaching.stage", "0,2", "DQ045", "Remove one"),
        ("post.school_post", "00,21", "VALUE", "Remove one"),
        ("basic.birth_date", "1985-02-30", "VALUE", "2026-09-01"),
        ("basic.birth_date", "2026-10-16", "DQ011", "2026-10-15"),
        ("basic.birth_date", "85-03-15", "VALUE", "2026-09-01"),
        ("basic.work_start", "2026-11", "VALUE", "2026-10"),
        ("basic.work_start", "2016-13", "VALUE", "2026-09"),
        ("basic.work_start", 2016.1, "VALUE", "as text"),
        ("basic.is_special_grade", "也许", "VALUE", "是"),
        ("treatment.year", 2026, "DQ049", "2025"),
        ("treatment.year", "12.5", "VALUE", "whole number"),
        ("treatment.year", True, "VALUE", "whole number"),
        ("treatment.annual_income", "1万", "VALUE", "digits"),
        ("treatment.annual_income", "1.005", "VALUE", "two decimal places"),
        ("training.hours", "-1", "DQ059", "0"),
        ("basic.id_no", 110199198503150131, "VALUE", "Format the cell as text"),
        ("basic.id_no", "110199*", "DQ001", "digits and letters"),
        ("contact.mobile", "1380013800", "DQ068", "11 digits"),
        ("contact.phone", "abc", "VALUE", "010-62345678"),
        ("school_basic.admin_phone", "12", "VALUE", "010-62345678"),
        ("contact.email", "a@b", "VALUE", "name@example.com"),
        ("basic.name", "王" * 51, "VALUE", "At most 50"),
        ("basic.name", date(2020, 1, 1), "VALUE", "Format the cell as text"),
        ("school_basic.credit_code", "91110101", "VALUE", "expected form"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_remedy(key, raw, code, remedy):
    bad = refusal(key, raw)

    assert bad.code == code
    assert remedy in bad.message


def test_a_refusal_is_a_finding_about_its_field():
    problem = refusal("contact.mobile", "1").problem(of("contact.mobile"), "r1")

    assert (problem.code, problem.set, problem.field, problem.record) == (
        "DQ068",
        "contact",
        "mobile",
        "r1",
    )
    assert problem.is_error


def test_a_refusal_does_not_repeat_a_personal_value():
    assert "138" not in refusal("contact.mobile", "1380999").message.replace("13800138000", "")
    assert "G/1" not in refusal("basic.id_no", "G/1*").message


def test_a_university_reads_staff_sources_from_its_own_table():
    assert read("basic.staff_source", "应届博士生", category="higher") == "13"
    assert read("basic.staff_source", "城镇非应届毕业生") == "13"


@given(st.data())
def test_every_value_survives_its_own_spelling(data):
    indicator = data.draw(st.sampled_from(INDICATORS))
    value = data.draw(values_of(indicator))

    assert read(indicator.key, as_text(indicator, value)) == value


@given(st.data(), BLANKS, BLANKS)
def test_blanks_around_an_entry_change_nothing(data, before, after):
    indicator = data.draw(st.sampled_from(INDICATORS))
    value = data.draw(values_of(indicator))

    assert read(indicator.key, before + as_text(indicator, value) + after) == value


@given(st.data())
def test_a_code_is_read_from_its_item_in_a_drop_down_list(data):
    indicator = data.draw(st.sampled_from([i for i in INDICATORS if i.data_type == "code"]))
    code = data.draw(st.sampled_from(codes_for(indicator, None, CATALOG)))

    assert read(indicator.key, f"{code.code} {code.name_zh}") == code.code


@given(st.sampled_from(INDICATORS), st.text(max_size=30) | st.integers() | st.floats() | st.dates())
def test_any_entry_is_read_or_refused(indicator, raw):
    try:
        value = read(indicator.key, raw)
    except BadValue:
        return

    assert value is None or read(indicator.key, as_text(indicator, value)) == value


def values_of(indicator: Indicator) -> st.SearchStrategy[object]:
    if indicator.data_type == "code":
        codes = [
            code.code
            for code in codes_for(indicator, None, CATALOG)
            if not code.attrs.get("exclusive")
        ]
        if not indicator.multi_value:
            return st.sampled_from(codes)
        return st.lists(st.sampled_from(codes), min_size=1, max_size=4, unique=True).map(",".join)
    if indicator.data_type == "int":
        return st.integers(2000, 2020) if indicator.max.endswith("_year") else st.integers(0, 60)
    if indicator.data_type == "idcard":
        return st.from_regex(r"[0-9A-Z]{1,20}", fullmatch=True)
    if indicator.data_type == "phone":
        return st.from_regex(
            r"1[3-9][0-9]{9}" if indicator.regex.startswith("^1") else r"0[1-9]{2}-[1-9]{8}",
            fullmatch=True,
        )
    if indicator.data_type == "text":
        if indicator.regex:
            return st.just("91110101MA01ABCD2X")
        size = min(indicator.max_length or 20, 20)
        return st.text("王小明A1（）·、", min_size=1, max_size=size)
    return TYPED[indicator.data_type]


def test_defaults_of_all_indicators_can_be_read():
    for indicator in INDICATORS:
        value = default_of(indicator, CATALOG)
        assert (value is None) == (not indicator.default), indicator.key


@pytest.mark.parametrize(
    ("key", "value", "lang", "shown"),
    [
        ("basic.sex", "1", "zh", "男性"),
        ("basic.sex", "1", "en", "Male"),
        ("basic.political_status", "01,05", "zh", "中国共产党党员、中国民主同盟盟员"),
        ("basic.political_status", "01,05", "en", "CPC member, CDL member"),
        ("basic.native_place", "110101", "zh", "北京市东城区"),
        ("basic.is_special_grade", True, "zh", "是"),
        ("basic.is_special_grade", False, "en", "No"),
        ("basic.birth_date", date(1985, 3, 15), "zh", "1985-03-15"),
        ("treatment.annual_income", Decimal(12), "zh", "12.00"),
        ("basic.health", "8", "zh", "8"),
        ("basic.health", None, "zh", ""),
    ],
)
def test_values_are_shown_in_the_reader_s_language(key, value, lang, shown):
    assert display(of(key), value, CATALOG, lang) == shown


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("basic.name", "王小明", "王小明"),
        ("basic.id_no", "110199198503150131", "**************0131"),
        ("basic.id_no", "E1234567", "******67"),
        ("basic.birth_date", date(1985, 3, 15), "1985-**-**"),
        ("contact.mobile", "13800138000", "138****8000"),
        ("contact.phone", "62345678", "******78"),
        ("contact.email", "wang@example.cn", "w***@example.cn"),
        ("contact.address", "某街1号", "***"),
        ("treatment.annual_income", Decimal(120000), "***"),
        ("ethics.punish_type", "0", "***"),
        ("ethics.punish_reason", None, "***"),
        ("contact.address", None, ""),
    ],
)
def test_masks_keep_only_what_may_be_seen(key, value, shown):
    assert mask(of(key), value, keep=4) == shown


@pytest.mark.parametrize(
    ("options", "shown"), [({}, "*" * 18), ({"keep": 0}, "*" * 18), ({"keep": 1}, "*" * 17 + "X")]
)
def test_beside_the_year_one_character_of_the_number_is_kept_else_none(options, shown):
    assert mask(of("basic.id_no"), "11019919781104001X", **options) == shown


def test_a_mask_that_comes_back_is_recognised():
    shown = {
        "basic.id_no": "110199198503150131",
        "basic.birth_date": date(1985, 3, 15),
        "contact.mobile": "13800138000",
        "contact.email": "wang@example.cn",
        "treatment.annual_income": Decimal(1),
    }

    assert all(is_masked(of(key), mask(of(key), value)) for key, value in shown.items())
    assert not is_masked(of("basic.name"), "**")


def test_choices_leave_out_what_the_category_cannot_choose():
    def offered(key: str, category: str) -> set[str]:
        return {code.code for code in codes_for(of(key), category, CATALOG)}

    assert "20" not in offered("learning.education", "higher")
    assert "011" not in offered("title.title", "kindergarten")
    assert "011" in offered("title.title", "higher")
    assert "BJ-81" in offered("teaching.subject", "kindergarten")
    assert "13" not in offered("teaching.subject", "kindergarten")
    assert "13" in offered("qualification.subject", "kindergarten")
    assert offered("teaching.stage", "kindergarten") == {"0", "1", "Z"}
    assert offered("teaching.status", "higher") == {"10", "20", "99"}
    assert "0" not in offered("post.post_category", "higher")
    assert "0" in offered("post.concurrent_category", "higher")
    assert "301" not in offered("basic.staff_status", "higher")
    assert "111" in offered("basic.staff_source", "higher")
