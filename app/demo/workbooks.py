"""Workbooks to try the import with, good and hostile, made from a readable list."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from flask_babel import gettext as _
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import system
from app.access.roles import Role
from app.core.clock import today
from app.core.errors import Refused
from app.demo.life import ROLES, Content, Setting, make_life, weighted
from app.demo.names import FOLDER
from app.demo.people import make_content
from app.demo.schools import PlannedUnit
from app.exchange.layout import ABOUT, INSTRUCTIONS, PERSON_ID, PERSON_NAME, layout
from app.exchange.template import FileBook, build_template
from app.indicators.catalog import Catalog
from app.models.account import Account, Assignment
from app.models.teacher import OPEN_STATES, Teacher
from app.models.unit import Unit
from app.services.contents import file_data

LIST = "workbooks.csv"
# Files of the demo take the low numbers of a day of birth, these the high ones.
FIRST_SEQUENCE = 250
FIRST_SERIAL = 50_000_000
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEADINGS, CODES = 1, 2  # Rows of a sheet.
BOMB_MEGABYTES = 200

Entry = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Recipe:
    """A line of the list. `outcome`: taken, rows (some are refused) or refused as a whole;
    `message` is the code of the finding, or a piece of the English words of the refusal."""

    name: str
    category: str
    kind: str
    recipe: str
    rows: int
    holds: str
    outcome: str
    message: str


@dataclass(frozen=True)
class Made:
    """A workbook that was written, and the school and account to import it with."""

    recipe: Recipe
    path: Path
    school_code: str
    username: str


def read_list(folder: Path = FOLDER) -> list[Recipe]:
    """Read the list of workbooks."""
    with (folder / LIST).open(encoding="utf-8", newline="") as stream:
        return [_recipe(row) for row in csv.DictReader(stream)]


def _recipe(row: Mapping[str, str]) -> Recipe:
    texts = {key: value for key, value in row.items() if key != "rows"}
    return Recipe(rows=int(row["rows"]), **texts)


def make_workbooks(session: Session, folder: Path, catalog: Catalog) -> list[Made]:
    """Write all workbooks of the list into a folder, and the list itself with the accounts.

    They fit the loaded demo data: Refused when a category has no school.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with system():
        kitchen = Kitchen(session, catalog)
        made = []
        for number, each in enumerate(read_list(), start=1):
            unit = kitchen.school(each.category)
            path = folder / f"{number:02d}_{each.kind}_{each.name}.xlsx"
            path.write_bytes(RECIPES[each.recipe](kitchen, each))
            made.append(Made(each, path, unit.code, kitchen.username(unit)))
    _write_index(folder, made)
    return made


def _write_index(folder: Path, made: Sequence[Made]) -> None:
    with (folder / "index.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("file", "school_code", "username", "holds", "outcome", "message"))
        for each in made:
            recipe = each.recipe
            out.writerow(
                (
                    each.path.name,
                    each.school_code,
                    each.username,
                    recipe.holds,
                    recipe.outcome,
                    recipe.message,
                )
            )


class Kitchen:
    """What the recipes share: schools, persons that nobody has yet, and files that are open.

    Reads the loaded demo data inside `system()`. Asked for a category that none of their schools
    has, it raises Refused.
    """

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self.session, self.catalog = session, catalog
        self._setting = Setting(catalog, today(), first_sequence=FIRST_SEQUENCE)
        self._rng = Random("workbooks")  # noqa: S311  life-like, not secret
        self._serial = FIRST_SERIAL
        self._schools: dict[str, Unit] = {}

    def school(self, category: str) -> Unit:
        """The school of a category that has the most open files, and not too many in all."""
        if category not in self._schools:
            found = self.session.scalars(
                select(Unit)
                .outerjoin(Teacher, (Teacher.school_id == Unit.id) & Teacher.state.in_(OPEN_STATES))
                .where(Unit.category == category, Unit.kind == "school", Unit.parent_id.is_(None))
                .group_by(Unit.id)
                .order_by(func.count(Teacher.id).desc(), Unit.id)
                .limit(1)
            ).first()
            if found is None:
                raise Refused(
                    _(
                        "The demo data have no school of the category %(category)s.",
                        category=category,
                    )
                )
            self._schools[category] = found
        return self._schools[category]

    def username(self, unit: Unit) -> str:
        """Who imports for a school."""
        found = self.session.scalar(
            select(Account.username)
            .join(Assignment, Assignment.account_id == Account.id)
            .where(Assignment.unit_id == unit.id, Assignment.role == Role.SCHOOL_INFO)
        )
        return found or ""

    def people(self, category: str, count: int) -> list[Content]:
        """New persons of a school of a category."""
        unit = self._planned(self.school(category))
        found = []
        for _each in range(count):
            self._serial += 1
            role = weighted(self._rng, ROLES)
            life = make_life(self._rng, unit, self._setting, self._serial, role)
            found.append(make_content(self._rng, life, unit, self._setting))
        return found

    def _planned(self, unit: Unit) -> PlannedUnit:
        return PlannedUnit(
            id=unit.id,
            code=unit.code,
            name=unit.name,
            name_en=unit.name_en,
            kind=unit.kind,
            district_code=unit.district_code,
            type_code=unit.type_code,
            category=unit.category,
            urban_rural=unit.urban_rural,
            sponsor_type=unit.sponsor_type,
            district_name=self.catalog.label("@districts", unit.district_code),
        )

    def open_files(self, category: str, count: int) -> list[Content]:
        """Files of the school that may still be filled in, as they are."""
        teachers = self.session.scalars(
            select(Teacher)
            .where(
                Teacher.school_id == self.school(category).id,
                Teacher.state.in_(OPEN_STATES),
                Teacher.error_count == 0,
            )
            .order_by(Teacher.id)
            .limit(count)
        ).all()
        files = file_data(self.session, teachers, self.catalog, with_facts=False)
        return [
            {code: [dict(row.values) for row in rows] for code, rows in files[each.id].rows.items()}
            for each in teachers
        ]

    def stranger(self, category: str) -> Teacher:
        """An active teacher of another school."""
        own = self.school(category).id
        found = self.session.scalars(
            select(Teacher).where(Teacher.school_id != own, Teacher.active).limit(1)
        ).first()
        if found is None:
            raise Refused(_("The demo data have no other school with files."))
        return found

    def book(self, category: str, people: Sequence[Content], sets: Sequence[str] = ()) -> bytes:
        """The template of a category, or its sheets of some sets, with the rows of some persons."""
        out = io.BytesIO()
        with FileBook(out, self.catalog, category, sets=sets or None) as book:
            for content in people:
                basic = content["basic"][0]
                person = {PERSON_ID: str(basic["id_no"]), PERSON_NAME: str(basic["name"])}
                for code, rows in content.items():
                    if code in book.sheets:
                        for row in rows:
                            book.add(code, {} if code == "basic" else person, row)
        return out.getvalue()

    def title(self, category: str, set_code: str) -> str:
        """The name of a set's sheet."""
        found = layout(self.catalog, category)
        return next(each.title for each in found if each.set.code == set_code)


# Good ones.


def _insert(kitchen: Kitchen, each: Recipe) -> bytes:
    return kitchen.book(each.category, kitchen.people(each.category, each.rows))


def _changed(kitchen: Kitchen, each: Recipe) -> list[Content]:
    """Open files with another address; nothing but the contact set."""
    found = kitchen.open_files(each.category, each.rows)
    for number, content in enumerate(found):
        contact = dict(content.get("contact", [{}])[0])
        contact["address"] = f"北京市演示区更新路{number + 1}号"
        content["contact"] = [contact]
    return found


def _update(kitchen: Kitchen, each: Recipe) -> bytes:
    return kitchen.book(each.category, _changed(kitchen, each), ["contact"])


def _both(kitchen: Kitchen, each: Recipe) -> bytes:
    new = kitchen.people(each.category, each.rows)
    changed = [
        {code: rows for code, rows in content.items() if code in ("basic", "contact")}
        for content in _changed(kitchen, each)
    ]
    return kitchen.book(each.category, [*new, *changed])


def _basic_only(kitchen: Kitchen, each: Recipe) -> bytes:
    return kitchen.book(each.category, kitchen.people(each.category, each.rows), ["basic"])


def _names_not_codes(kitchen: Kitchen, each: Recipe) -> bytes:
    def rename(book: Any) -> None:
        for sheet in _sheets(book):
            for row in sheet.iter_rows(min_row=CODES + 1):
                for cell in row:
                    _drop_code(kitchen.catalog, str(sheet.cell(CODES, cell.column).value), cell)

    return _edited(_insert(kitchen, each), rename)


def _drop_code(catalog: Catalog, key: str, cell: Any) -> None:
    """“1 居民身份证” becomes “居民身份证”, where no other code has that name."""
    item = catalog.by_key.get(key)
    if item is None or item.data_type != "code" or not isinstance(cell.value, str):
        return
    name = cell.value.partition(" ")[2]
    if [code.name_zh for code in catalog.codes(item.code_table).values()].count(name) == 1:
        cell.value = name


def _other_dates(kitchen: Kitchen, each: Recipe) -> bytes:
    def spell(book: Any) -> None:
        for sheet in _sheets(book):
            for row in sheet.iter_rows(min_row=CODES + 1):
                for cell in row:
                    item = kitchen.catalog.by_key.get(str(sheet.cell(CODES, cell.column).value))
                    if item is not None and isinstance(cell.value, str):
                        cell.value = _spelt(item.data_type, cell.value, cell.row)

    return _edited(_insert(kitchen, each), spell)


def _spelt(data_type: str, text: str, number: int) -> str:
    if data_type == "date":
        year, month, day = (int(part) for part in text.split("-"))
        ways = (
            f"{year}/{month}/{day}",
            f"{year:04d}{month:02d}{day:02d}",
            f"{year}年{month}月{day}日",
        )
        return ways[number % len(ways)]
    if data_type == "year_month":
        year, month = (int(part) for part in text.split("-"))
        ways = (f"{year}.{month:02d}", f"{year:04d}{month:02d}", f"{year}年{month}月")
        return ways[number % len(ways)]
    return text


def _blank_rows(kitchen: Kitchen, each: Recipe) -> bytes:
    def spread(book: Any) -> None:
        for sheet in _sheets(book):
            for row in range(sheet.max_row, CODES + 1, -1):
                sheet.insert_rows(row, 2)

    return _edited(_insert(kitchen, each), spread)


def _hidden_rows(kitchen: Kitchen, each: Recipe) -> bytes:
    def hide(book: Any) -> None:
        for sheet in _sheets(book):
            for row in range(CODES + 1, sheet.max_row + 1, 2):
                sheet.row_dimensions[row].hidden = True

    return _edited(_insert(kitchen, each), hide)


# Hostile or wrong ones.


def _template(kitchen: Kitchen, each: Recipe) -> bytes:
    return build_template(kitchen.catalog, each.category)


def _other_category(kitchen: Kitchen, each: Recipe) -> bytes:
    return kitchen.book("kindergarten", kitchen.people("kindergarten", each.rows))


def _no_basic_sheet(kitchen: Kitchen, each: Recipe) -> bytes:
    title = kitchen.title(each.category, "basic")
    return _edited(_insert(kitchen, each), lambda book: book.remove(book[title]))


def _renamed_heading(kitchen: Kitchen, each: Recipe) -> bytes:
    def rename(book: Any) -> None:
        sheet = book[kitchen.title(each.category, "basic")]
        sheet.cell(HEADINGS, 1).value = "尊姓大名"

    return _edited(_insert(kitchen, each), rename)


def _no_codes(kitchen: Kitchen, each: Recipe) -> bytes:
    def remove(book: Any) -> None:
        for sheet in _sheets(book):
            sheet.delete_rows(CODES)

    return _edited(_insert(kitchen, each), remove)


def _on_basic(kitchen: Kitchen, each: Recipe, code: str, value: Callable[[Any], Any]) -> bytes:
    """A workbook whose column of the basic set holds something else in every row."""

    def change(book: Any) -> None:
        sheet = book[kitchen.title(each.category, "basic")]
        column = _column_of(sheet, f"basic.{code}")
        for row in range(CODES + 1, sheet.max_row + 1):
            cell = sheet.cell(row, column)
            cell.value = value(cell.value)

    return _edited(_basic_only(kitchen, each), change)


def _formulas(kitchen: Kitchen, each: Recipe) -> bytes:
    return _on_basic(kitchen, each, "name", lambda _old: '=CONCATENATE("张","三")')


def _error_cells(kitchen: Kitchen, each: Recipe) -> bytes:
    return _on_basic(kitchen, each, "work_start", lambda _old: "#REF!")


def _number_ids(kitchen: Kitchen, each: Recipe) -> bytes:
    return _on_basic(kitchen, each, "id_no", lambda old: float(f"{old[:15]}000"))


def _wrong_codes(kitchen: Kitchen, each: Recipe) -> bytes:
    return _on_basic(kitchen, each, "staff_category", lambda _old: "ZZ 不存在的类别")


def _merged_cells(kitchen: Kitchen, each: Recipe) -> bytes:
    def merge(book: Any) -> None:
        sheet = book[kitchen.title(each.category, "basic")]
        column = _column_of(sheet, "basic.name")
        sheet.merge_cells(
            start_row=CODES + 1, end_row=sheet.max_row, start_column=column, end_column=column
        )

    return _edited(_basic_only(kitchen, each), merge)


def _duplicates(kitchen: Kitchen, each: Recipe) -> bytes:
    person = kitchen.people(each.category, 1)[0]
    twin: Content = {**person, "basic": [{**person["basic"][0], "staff_no": "9999"}]}
    return kitchen.book(each.category, [person, twin], ["basic"])


def _foreign_id(kitchen: Kitchen, each: Recipe) -> bytes:
    stranger = kitchen.stranger(each.category)
    files = file_data(kitchen.session, [stranger], kitchen.catalog, with_facts=False)
    basic = dict(files[stranger.id].rows["basic"][0].values)
    people = kitchen.people(each.category, each.rows - 1)
    return kitchen.book(each.category, [{"basic": [basic]}, *people], ["basic"])


def _wrong_numbers(kitchen: Kitchen, each: Recipe) -> bytes:
    people = kitchen.people(each.category, each.rows)
    for content in people:
        number = str(content["basic"][0]["id_no"])
        last = "0" if number[-1] != "0" else "1"
        content["basic"][0]["id_no"] = number[:-1] + last
    people[-1]["basic"][0]["id_no"] = "110199199002290173"
    return kitchen.book(each.category, people, ["basic"])


def _retired(kitchen: Kitchen, each: Recipe) -> bytes:
    people = kitchen.people(each.category, each.rows)
    for content in people:
        content["basic"][0]["staff_status"] = "301"
    return kitchen.book(each.category, people, ["basic"])


def _control_characters(kitchen: Kitchen, each: Recipe) -> bytes:
    """Zero-width characters, and a bell as a spreadsheet escapes it."""
    return _on_basic(
        kitchen, each, "name", lambda old: f"\u200b{old[0]}\u2060_x0007_{old[1:]}\ufeff"
    )


def _long_cell(kitchen: Kitchen, each: Recipe) -> bytes:
    book = _basic_only(kitchen, each)
    name = kitchen.title(each.category, "basic")
    # A workbook library refuses to write it, so it goes into the part itself.
    mark = "这里很长"
    marked = _edited(book, lambda open_: _put(open_[name], "basic.former_name", mark))
    return _replaced(marked, mark.encode(), ("长" * 40_000).encode())


def _put(sheet: Any, key: str, value: Any) -> None:
    sheet.cell(CODES + 1, _column_of(sheet, key)).value = value


def _far_cell(kitchen: Kitchen, each: Recipe) -> bytes:
    def stretch(book: Any) -> None:
        book[kitchen.title(each.category, "basic")]["XFD1048576"] = "远"

    return _edited(_basic_only(kitchen, each), stretch)


def _too_many_rows(kitchen: Kitchen, each: Recipe) -> bytes:
    person = kitchen.people(each.category, 1)[0]
    few = {
        code: person["basic"][0][code]
        for code in ("name", "sex", "id_doc_type", "id_no", "birth_date")
    }
    return kitchen.book(each.category, [{"basic": [few]}] * each.rows)


def _too_many_cells(kitchen: Kitchen, each: Recipe) -> bytes:
    book = _basic_only(kitchen, replace(each, rows=2))
    cells = "".join(
        f'<c r="{_letters(n)}{{row}}" t="inlineStr"><is><t>x</t></is></c>' for n in range(16_384)
    )
    rows = "".join(
        f'<row r="{row}">{cells.replace("{row}", str(row))}</row>'
        for row in range(100, 100 + each.rows)
    )
    name = kitchen.title(each.category, "basic")
    return _with_rows(book, name, rows.encode())


def _letters(index: int) -> str:
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def _zip_bomb(kitchen: Kitchen, each: Recipe) -> bytes:
    blank = b" " * 2**20
    return _with_part(_basic_only(kitchen, each), "xl/sharedStrings2.xml", [blank] * BOMB_MEGABYTES)


def _entities(kitchen: Kitchen, each: Recipe) -> bytes:
    levels = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    head = f'<!DOCTYPE x [<!ENTITY e0 "ha">{levels}]>'.encode()
    book = _basic_only(kitchen, each)

    def infect(part: str, content: bytes) -> bytes:
        if not part.startswith("xl/worksheets/sheet"):
            return content
        return content.replace(b"<worksheet", head + b"<worksheet", 1)

    return _rewritten(book, infect)


def _external_link(kitchen: Kitchen, each: Recipe) -> bytes:
    link = b'<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    return _with_part(_basic_only(kitchen, each), "xl/externalLinks/externalLink1.xml", [link])


def _macros(kitchen: Kitchen, each: Recipe) -> bytes:
    return _with_part(_basic_only(kitchen, each), "xl/vbaProject.bin", [OLE, bytes(512)])


def _embedded(kitchen: Kitchen, each: Recipe) -> bytes:
    return _with_part(_basic_only(kitchen, each), "xl/embeddings/oleObject1.bin", [OLE, bytes(512)])


def _encrypted(_kitchen: Kitchen, _each: Recipe) -> bytes:
    """What Excel writes for a workbook with a password begins like an old office file."""
    return OLE + bytes(4096)


def _html(_kitchen: Kitchen, each: Recipe) -> bytes:
    return f"<html><body><table><tr><td>{each.name}</td></tr></table></body></html>".encode()


def _csv(kitchen: Kitchen, each: Recipe) -> bytes:
    people = kitchen.people(each.category, each.rows)
    lines = [f"{person['basic'][0]['name']},{person['basic'][0]['id_no']}" for person in people]
    return "\r\n".join(["姓名,身份证件号", *lines]).encode("utf-8-sig")


def _truncated(kitchen: Kitchen, each: Recipe) -> bytes:
    whole = _insert(kitchen, each)
    return whole[: len(whole) // 2]


RECIPES: Mapping[str, Callable[[Kitchen, Recipe], bytes]] = {
    "insert": _insert,
    "update": _update,
    "both": _both,
    "basic_only": _basic_only,
    "names_not_codes": _names_not_codes,
    "other_dates": _other_dates,
    "blank_rows": _blank_rows,
    "hidden_rows": _hidden_rows,
    "template": _template,
    "other_category": _other_category,
    "no_basic_sheet": _no_basic_sheet,
    "renamed_heading": _renamed_heading,
    "no_codes": _no_codes,
    "formulas": _formulas,
    "error_cells": _error_cells,
    "number_ids": _number_ids,
    "merged_cells": _merged_cells,
    "wrong_codes": _wrong_codes,
    "duplicates": _duplicates,
    "foreign_id": _foreign_id,
    "wrong_numbers": _wrong_numbers,
    "retired": _retired,
    "control_characters": _control_characters,
    "long_cell": _long_cell,
    "far_cell": _far_cell,
    "too_many_rows": _too_many_rows,
    "too_many_cells": _too_many_cells,
    "zip_bomb": _zip_bomb,
    "entities": _entities,
    "external_link": _external_link,
    "macros": _macros,
    "embedded": _embedded,
    "encrypted": _encrypted,
    "html": _html,
    "csv": _csv,
    "truncated": _truncated,
}


def _sheets(book: Any) -> Iterator[Any]:
    """The sheets of the sets."""
    return (sheet for sheet in book.worksheets if sheet.title not in (ABOUT, INSTRUCTIONS))


def _column_of(sheet: Any, key: str) -> int:
    """The number of a column by its code."""
    return next(
        column
        for column in range(1, sheet.max_column + 1)
        if sheet.cell(CODES, column).value == key
    )


def _edited(content: bytes, change: Callable[[Any], Any]) -> bytes:
    """The workbook after somebody opened, changed and saved it."""
    book = load_workbook(io.BytesIO(content))
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _rewritten(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The package with every part passed through a change."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def _replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    return _rewritten(content, lambda _part, data: data.replace(old, new))


def _with_part(content: bytes, name: str, pieces: Sequence[bytes]) -> bytes:
    """The package with one more part, written piece by piece."""
    out = io.BytesIO(content)
    with (
        zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as package,
        package.open(name, "w", force_zip64=True) as part,
    ):
        for piece in pieces:
            part.write(piece)
    return out.getvalue()


def _with_rows(content: bytes, title: str, rows: bytes) -> bytes:
    """The package with rows added at the end of a sheet."""
    book = load_workbook(io.BytesIO(content), read_only=True)
    number = book.sheetnames.index(title) + 1
    book.close()

    def extend(part: str, data: bytes) -> bytes:
        if part != f"xl/worksheets/sheet{number}.xml":
            return data
        return data.replace(b"</sheetData>", rows + b"</sheetData>", 1)

    return _rewritten(content, extend)
