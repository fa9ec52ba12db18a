"""Loading the reference data: checked as a whole, repeatable, harmless to the city's edits."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from app.core.errors import Refused
from app.core.reference import SEEDS, structure
from app.exchange.seed_check import SHAPES, check_folder
from app.exchange.seed_loader import BEGINNING, Counts, load_reference
from app.indicators.catalog import REGIONS, Catalog, catalog, forget
from app.models import indicator as tables
from app.models.calendar import SpecialDay
from app.models.parameter import CATALOG_VERSION, Parameter

ALL = (
    tables.IndicatorSet,
    tables.Indicator,
    tables.IndicatorRule,
    tables.Code,
    tables.Region,
    tables.SchoolType,
    tables.CheckRule,
)
Rows = list[dict[str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files that a test may spoil."""
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds", ignore=only_reference))


def only_reference(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name not in SHAPES]


def edit(folder: Path, name: str, change: Callable[[Rows], Any]) -> None:
    path = folder / name
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        headings, rows = list(reader.fieldnames or ()), list(reader)
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, headings, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def cell(number: int, column: str, text: str) -> Callable[[Rows], Any]:
    """Write a text into the cell of a row, counted as people count: the first row is 2."""
    return lambda rows: rows[number - 2].__setitem__(column, text)


def version(session: Any) -> int:
    return int(session.scalar(select(Parameter.value).where(Parameter.key == CATALOG_VERSION)))


def in_force(session: Any, cls: Any, **key: str) -> Any:
    return session.scalars(select(cls).filter_by(valid_to=None, **key)).one()


def test_an_empty_database_gets_everything_as_its_first_version(session):
    for cls in (*ALL, Parameter, SpecialDay):
        session.execute(delete(cls))

    counts = load_reference(session)

    ref = structure()
    codes = sum(len(table) for table in ref.codes.values()) + len(ref.districts)
    assert session.scalar(select(func.count()).select_from(tables.Code)) == codes
    assert session.scalar(select(func.count()).select_from(tables.IndicatorRule)) == len(ref.rules)
    assert session.scalar(select(func.min(tables.Code.valid_from))) == BEGINNING
    assert (counts.changed, counts.retired, counts.kept) == (0, 0, 0)
    assert version(session) == 1


def test_a_second_load_changes_nothing(session):
    before = version(session)

    assert load_reference(session) == Counts()
    assert version(session) == before


def test_the_database_gives_the_catalogue_of_the_files(session):
    stored, shipped = catalog(session), Catalog.from_reference(structure())

    assert stored.sets == shipped.sets
    assert stored.rules == shipped.rules
    assert stored.checks == shipped.checks
    assert stored.school_types == shipped.school_types
    assert {k: dict(v) for k, v in stored.tables.items()} == {
        k: dict(v) for k, v in shipped.tables.items()
    }


def test_the_order_of_sets_and_codes_is_that_of_the_files(session):
    stored, shipped = catalog(session), Catalog.from_reference(structure())

    assert list(stored.sets) == list(shipped.sets)
    for table in set(shipped.tables) - {REGIONS}:
        assert list(stored.codes(table)) == list(shipped.codes(table)), table


def test_a_changed_row_is_closed_and_written_anew(session, folder):
    edit(folder, "code_tables.csv", cell(2, "name_zh", "未知性别"))
    before = version(session)

    counts = load_reference(session, folder)

    assert counts == Counts(changed=1)
    assert version(session) == before + 1
    assert in_force(session, tables.Code, table_name="sex", code="0").name_zh == "未知性别"
    old = select(tables.Code).filter_by(table_name="sex", code="0", name_zh="未知的性别")
    assert session.scalars(old).one().valid_to is not None
    assert catalog(session).label("sex", "0") == "未知性别"


def test_a_row_without_its_line_is_retired_and_keeps_its_name(session, folder):
    edit(
        folder,
        "code_tables.csv",
        lambda rows: rows.pop(
            next(n for n, row in enumerate(rows) if (row["table"], row["code"]) == ("health", "6"))
        ),
    )

    assert load_reference(session, folder) == Counts(retired=1)

    kept = catalog(session)
    assert "6" not in kept.codes("health")
    assert kept.label("health", "6") == "残疾"


def test_a_row_that_comes_back_is_in_force_again(session, folder):
    edit(folder, "districts.csv", lambda rows: rows.pop(-1))
    assert load_reference(session, folder) == Counts(retired=1)

    assert load_reference(session) == Counts(added=1)

    assert "X11102" in catalog(session).codes("@districts")


def test_what_the_city_edited_stays(session, folder):
    row = in_force(
        session, tables.IndicatorRule, set_code="basic", indicator="staff_no", category="higher"
    )
    row.required, row.origin = True, "city"
    session.flush()
    edit(
        folder,
        "indicator_rules.csv",
        lambda rows: [
            row.__setitem__("filled_by", "both") for row in rows if row["indicator"] == "staff_no"
        ],
    )

    counts = load_reference(session, folder)

    assert (counts.changed, counts.kept) == (6, 1)
    assert catalog(session).rule("basic", "staff_no", "higher").required


def test_what_the_city_closed_is_not_opened_again(session):
    closed = (
        update(tables.Code)
        .where(tables.Code.table_name == "health", tables.Code.code == "6")
        .values(valid_to=BEGINNING, origin="city")
    )
    session.execute(closed)

    assert load_reference(session) == Counts(kept=1)


def test_what_the_city_added_stays(session):
    columns = vars(in_force(session, tables.Code, table_name="health", code="6")).copy()
    for name in ("_sa_instance_state", "id"):
        del columns[name]
    session.add(tables.Code(**columns | {"code": "7", "name_zh": "其他", "origin": "city"}))
    session.flush()

    assert load_reference(session) == Counts(kept=1)
    forget()
    assert catalog(session).label("health", "7") == "其他"


def test_a_setting_that_the_city_chose_outlives_a_new_default(session, folder):
    session.get(Parameter, "age_max").value = "65"
    session.flush()
    edit(
        folder,
        "parameters.csv",
        lambda rows: [
            row.__setitem__("value", "72") for row in rows if row["key"] in ("age_max", "age_min")
        ],
    )

    counts = load_reference(session, folder)

    assert (counts.changed, counts.kept) == (2, 1)
    assert catalog(session).parameter("age_max") == 65
    assert catalog(session).parameter("age_min") == 72


SPOILED = [
    ("indicators.csv", cell(2, "set", "nowhere"), 2, "indicator_sets.csv"),
    ("indicators.csv", cell(3, "data_type", "number"), 3, "Use one of"),
    ("indicators.csv", cell(6, "code_table", "nowhere"), 6, "code_tables.csv"),
    ("indicators.csv", cell(6, "code_table", ""), 6, "Name its table"),
    ("indicators.csv", cell(4, "sort", "x"), 4, "whole number"),
    ("indicators.csv", cell(4, "max_length", "long"), 4, "whole number"),
    ("indicators.csv", cell(4, "multi_value", "yes"), 4, "0 or 1"),
    ("indicators.csv", cell(4, "regex", "("), 4, "pattern"),
    ("indicators.csv", cell(4, "max", "tomorrow"), 4, "today"),
    ("indicators.csv", cell(18, "applicable_when", "nothing=1"), 18, "existing field"),
    ("indicators.csv", cell(18, "default_value", "9x"), 18, "Use a code of sex"),
    ("indicator_sets.csv", cell(2, "name_zh", " "), 2, "Fill the cell"),
    ("indicator_rules.csv", cell(5, "category", "nursery"), 5, "school_category"),
    ("indicator_rules.csv", cell(5, "indicator", "nothing"), 5, "Add it to indicators.csv"),
    ("indicator_rules.csv", cell(5, "filled_by", "nobody"), 5, "school, teacher or both"),
    ("indicator_rules.csv", lambda rows: rows.pop(7), 0, "Add the row"),
    ("code_tables.csv", cell(9, "attrs", "{"), 9, "JSON"),
    ("code_tables.csv", cell(3, "code", "0"), 3, "Remove one row"),
    ("code_tables.csv", cell(2, "parent_code", "77"), 2, "Add the parent"),
    ("school_types.csv", cell(2, "category", "nursery"), 2, "school_category"),
    ("districts.csv", cell(3, "parent_code", "999999"), 3, "existing code"),
    ("regions_gbt2260.csv", cell(4, "parent_code", "999999"), 4, "existing code"),
    ("validation_rules.csv", cell(2, "code", "DQ077"), 2, "with a release"),
    ("validation_rules.csv", cell(2, "severity", "fatal"), 2, "error or warning"),
    ("validation_rules.csv", cell(2, "fields", "basic.nothing"), 2, "Name an indicator"),
    ("parameters.csv", cell(3, "value", "many"), 3, "of that kind"),
]


def test_the_shipped_files_have_no_fault():
    assert [str(each) for each in check_folder()] == []


@pytest.mark.parametrize("spoiled", SPOILED, ids=lambda each: f"{each[0]}-{each[3]}")
def test_a_fault_names_file_row_and_remedy(session, folder, spoiled):
    name, change, row, remedy = spoiled
    edit(folder, name, change)

    with pytest.raises(Refused) as caught:
        load_reference(session, folder)

    found = [p for p in caught.value.problems if remedy in p.message]
    assert [p.record for p in found] == [row or None] * len(found)
    assert found[0].message.startswith(f"{name} row {row}:")


def test_a_fault_leaves_the_database_as_it_was(session, folder):
    edit(folder, "indicators.csv", cell(3, "data_type", "number"))
    edit(folder, "code_tables.csv", cell(2, "name_zh", "未知性别"))
    before = version(session)

    with pytest.raises(Refused):
        load_reference(session, folder)

    assert version(session) == before
    assert in_force(session, tables.Code, table_name="sex", code="0").name_zh == "未知的性别"


def test_a_missing_file_is_named(session, folder):
    (folder / "districts.csv").unlink()

    with pytest.raises(Refused) as caught:
        load_reference(session, folder)

    assert "districts.csv" in caught.value.problems[0].message


def test_a_file_in_another_encoding_is_named(session, folder):
    path = folder / "districts.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))

    with pytest.raises(Refused) as caught:
        load_reference(session, folder)

    assert "UTF-8" in caught.value.problems[0].message


def test_a_missing_column_is_named(session, folder):
    path = folder / "districts.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("level", "tier", 1), encoding="utf-8")

    with pytest.raises(Refused) as caught:
        load_reference(session, folder)

    assert "level" in caught.value.problems[0].message


def test_a_row_with_a_stray_comma_is_named(session, folder):
    path = folder / "districts.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[4] += ",,"
    path.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(Refused) as caught:
        load_reference(session, folder)

    assert caught.value.problems[0].record == 5


def test_codes_keep_their_leading_zeros_and_attributes(session):
    row = in_force(session, tables.Code, table_name="ethnic", code="01")

    assert row.name_zh == "汉族"
    rank = in_force(session, tables.Code, table_name="education_level", code="11").attrs
    assert json.dumps(rank, sort_keys=True) == '{"graduated": 1, "rank": 9, "selectable": 1}'
