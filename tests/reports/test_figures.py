"""Figures equal what is counted by hand, in every scope, in one statement each."""

from typing import Any

import pytest

from app.access.actor import acting_as, system
from app.core.clock import today
from app.indicators.catalog import catalog
from app.models.teacher import Teacher
from app.models.unit import Unit
from app.reports import dimensions as by
from app.reports.dimensions import Words
from app.reports.figures import REST, count_by, drawn
from tests.variety import counted, statements, vary, visible

ACTORS = (
    "city_info",
    "city_assistant",
    "district_info_A",
    "district_info_B",
    "school_info_A1",
    "school_head_U",
)
PARENTS = {"11": "10", "14": "10", "21": "20", "31": "30", "0": "0", "90": "90"}
LEVELS = {"BJ-S1": "1", "BJ-S3": "3", "013": "3", "0": "0", "011": "1", "054": "4", "gone": "gone"}


def plain(column: str) -> Any:
    return lambda row: None if row[column] in (None, "") else row[column]


def age(row: dict[str, Any]) -> Any:
    if row["birth_year"] is None:
        return None
    years = today().year - row["birth_year"]
    if years < 25:
        return 0
    return 60 if years >= 60 else years // 5 * 5


CASES = {
    "state": (by.STATE, plain("state")),
    "sex": (by.SEX, plain("sex")),
    "age": (by.AGE, age),
    "education": (by.EDUCATION, plain("education")),
    "education_level": (by.EDUCATION_LEVEL, lambda row: PARENTS.get(row["education"])),
    "degree": (by.DEGREE, plain("degree_level")),
    "title": (by.TITLE, plain("title")),
    "title_level": (by.TITLE_LEVEL, lambda row: LEVELS.get(row["title"])),
    "post": (by.POST, plain("post_category")),
    "staff": (by.STAFF, plain("staff_category")),
    "establishment": (by.ESTABLISHMENT, plain("in_establishment")),
    "subject": (by.SUBJECT, plain("subject")),
    "stage": (by.STAGE, plain("stage")),
    "backbone": (by.BACKBONE, plain("backbone")),
    "authority": (by.AUTHORITY, plain("authority_id")),
    "school": (by.SCHOOL, plain("school_id")),
}


@pytest.fixture
def rows(session: Any, world: Any) -> list[dict[str, Any]]:
    return vary(session, world)


@pytest.fixture
def words(session: Any) -> Words:
    return Words(catalog(session), "zh")


def numbers(figures: Any) -> dict[tuple[Any, ...], int]:
    """Figures as a plain dict, cells of two dimensions without the empty ones."""
    if not figures.series:
        return {(bar.key,): bar.whole.number for bar in figures.bars}
    keys = [key for key, _name in figures.series]
    return {
        (bar.key, key): cell.number
        for bar in figures.bars
        for key, cell in zip(keys, bar.parts, strict=True)
        if cell.number
    }


@pytest.mark.parametrize("name", CASES)
def test_figures_equal_a_count_by_hand_in_every_scope(
    session: Any, world: Any, rows: Any, words: Words, name: str
) -> None:
    dimension, bar = CASES[name]
    for actor in (world.actors[key] for key in ACTORS):
        with acting_as(actor):
            figures = count_by(session.query(Teacher), dimension, words=words)

        own = visible(rows, world, actor)
        assert numbers(figures) == counted(own, bar)
        assert figures.total == len(own) > 0


@pytest.mark.parametrize(
    "pair",
    [("age", "sex"), ("subject", "stage"), ("authority", "education_level"), ("school", "state")],
)
def test_two_dimensions_equal_a_count_by_hand_in_every_scope(
    session: Any, world: Any, rows: Any, words: Words, pair: tuple[str, str]
) -> None:
    (one, bar), (two, part) = CASES[pair[0]], CASES[pair[1]]
    for actor in (world.actors[key] for key in ACTORS):
        with acting_as(actor):
            figures = count_by(session.query(Teacher), one, two, words=words)

        own = visible(rows, world, actor)
        assert numbers(figures) == counted(own, bar, part)
        assert {(bar.key,): bar.whole.number for bar in figures.bars} == counted(own, bar)


@pytest.mark.parametrize("name", CASES)
def test_figures_take_one_statement(session: Any, world: Any, words: Words, name: str) -> None:
    with acting_as(world.actor("city_info")), statements() as seen:
        count_by(session.query(Teacher), CASES[name][0], by.SEX, words=words)

    assert len(seen) == 1


def test_nobody_counts_nothing(session: Any, rows: Any, words: Words) -> None:
    assert count_by(session.query(Teacher), by.AUTHORITY, words=words).total == 0


@pytest.mark.parametrize("role", ["city_system", "city_audit"])
def test_a_role_without_files_counts_nothing(
    session: Any, world: Any, rows: Any, words: Words, role: str
) -> None:
    with acting_as(world.actor(role)):
        assert count_by(session.query(Teacher), by.SCHOOL, words=words).total == 0


def test_districts_add_up_to_the_city(session: Any, world: Any, rows: Any, words: Words) -> None:
    with acting_as(world.actor("city_info")):
        city = count_by(session.query(Teacher), by.AUTHORITY, words=words)
    of_authority = {bar.key: bar.whole.number for bar in city.bars}

    for key in ("A", "B"):
        with acting_as(world.actor("district_info", key)):
            own = count_by(session.query(Teacher), by.SCHOOL, words=words)
        assert own.total == of_authority[world.units[key].id]
    assert sum(of_authority.values()) == city.total == len(world.teachers)


def test_figures_of_a_school_do_not_depend_on_others(
    session: Any, world: Any, rows: Any, words: Words
) -> None:
    def figures() -> Any:
        with acting_as(world.actor("school_info", "A1")):
            return count_by(session.query(Teacher), by.TITLE_LEVEL, by.SEX, words=words)

    before = figures()
    with system():
        for ref in (*world.of("A2"), *world.of("B1")):
            session.get(Teacher, ref.id).title = "BJ-S2"
        session.flush()

    assert figures() == before


def test_units_are_counted_inside_their_scope(session: Any, world: Any, words: Words) -> None:
    with acting_as(world.actor("district_info", "A")):
        query = session.query(Unit).filter(Unit.kind == "school")
        figures = count_by(query, by.UNIT_CATEGORY, words=words)

    assert numbers(figures) == {("primary_secondary",): 2}


@pytest.mark.parametrize(
    ("language", "names"),
    [("zh", ["东城区", "朝阳区"]), ("en", ["Dongcheng District", "Chaoyang District"])],
)
def test_authorities_stand_in_their_order_with_short_names(
    session: Any, world: Any, language: str, names: list[str]
) -> None:
    with acting_as(world.actor("city_info")):
        figures = count_by(
            session.query(Teacher), by.AUTHORITY, words=Words(catalog(session), language)
        )

    assert [bar.code for bar in figures.bars] == ["110101", "110105", "110000"]
    assert [bar.name for bar in figures.bars[:2]] == names


def test_a_drawing_gathers_the_smallest_bars(
    session: Any, world: Any, rows: Any, words: Words
) -> None:
    with acting_as(world.actor("city_info")):
        whole = count_by(session.query(Teacher), by.SUBJECT, by.STAGE, words=words)
    small = drawn(whole, 6)

    assert [bar.key for bar in small.bars][:5] == [bar.key for bar in whole.bars][:5]
    assert [bar.key for bar in small.bars][5:] == [REST, None]
    assert sum(bar.whole.number for bar in small.bars) == whole.total
    rest = small.bars[5]
    assert sum(cell.number for cell in rest.parts) == rest.whole.number
    codes = {bar.key for bar in whole.bars if bar.key} - {bar.key for bar in small.bars}
    assert set(rest.whole.tests[0].values) == codes


def test_a_drawing_of_units_leaves_the_smallest_out(
    session: Any, world: Any, rows: Any, words: Words
) -> None:
    with acting_as(world.actor("city_info")):
        whole = count_by(session.query(Teacher), by.SCHOOL, words=words)

    assert drawn(whole, 2).bars == whole.bars[:2]
    assert drawn(whole, None) == whole


def test_a_bar_that_is_not_given_can_be_left_out_of_a_drawing(
    session: Any, world: Any, rows: Any, words: Words
) -> None:
    with acting_as(world.actor("city_info")):
        whole = count_by(session.query(Teacher), by.BACKBONE, words=words)

    assert [bar.key for bar in drawn(whole, None, missing=False).bars] == ["22", "32", "99"]
    assert whole.bars[-1].key is None
