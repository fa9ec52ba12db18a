"""Every spelling of a number is one number, whoever writes, searches, imports or refuses a second
file; and one function says so (SEC-40)."""

import ast
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from app.access.actor import acting_as, system
from app.core import crypto
from app.core.address import names_a_person
from app.core.crypto import Suite
from app.core.errors import Refused
from app.core.id_number import check_digit
from app.core.keys import TextKeys, new_key, read_ring
from app.models.teacher import Teacher
from app.services import file as files
from app.services import search
from tests.exchange.imports import filled, make_importing
from tests.invariants.test_crypto_fence import sources
from tests.views.api_caller import Caller
from tests.views.pages import sign_in
from tests.views.test_record_form import save

CLERK = "school_info_A1"
NUMBER = "11010119870606123X"
BASIC = {"name": "王新", "id_doc_type": "1", "id_no": NUMBER, "sex": "1",
         "birth_date": "1987-06-06"}  # fmt: skip
WIDE = str.maketrans({c: chr(ord(c) + 0xFEE0) for c in "0123456789Xx+-"})
SPELLINGS = {
    "full width": NUMBER.translate(WIDE),
    "full width, lower x": NUMBER.lower().translate(WIDE),
    "lower x": NUMBER.lower(),
    "blanks": f" {NUMBER[:6]} {NUMBER[6:14]}\t{NUMBER[14:]} ",
    "blanks of other kinds": f"\u3000{NUMBER[:6]}\u00a0{NUMBER[6:14]}\u2009{NUMBER[14:]}\u202f",
    "invisible characters": f"\ufeff{NUMBER[:6]}\u200b{NUMBER[6:14]}\u2060{NUMBER[14:]}\u200e",
    "digits of formulas": "".join(chr(0x1D7CE + int(c)) if c.isdigit() else "ｘ" for c in NUMBER),
}
RINGS = {
    suite: read_ring(
        TextKeys(
            json.dumps(
                {
                    "keys": [
                        new_key("field", 1, suite),
                        new_key("index", 1, suite),
                        new_key("audit", 1, suite),
                    ]
                }
            )
        ),
        suite=suite,
    )
    for suite in Suite
}
BLANKS = st.text(st.characters(categories=["Zs", "Zl", "Zp", "Cc", "Cf"]), max_size=2)
# All characters that are another shape of one that stands in a number.
SHAPES: dict[str, list[str]] = {}
for _point in range(0x80, 0x20000):
    _plain = unicodedata.normalize("NFKC", chr(_point))
    if len(_plain) == 1 and _plain in "0123456789Xx+-":
        SHAPES.setdefault(_plain.upper(), []).append(chr(_point))


@st.composite
def spelled(draw: Any, text: str, *, letters: bool = True) -> str:
    """Draw a text as people and programs may write it."""
    typed = draw(BLANKS)
    for char in text:
        shapes = [char, *SHAPES.get(char.upper(), ())]
        shapes += [char.lower()] if letters else []
        typed += draw(st.sampled_from(shapes)) + draw(BLANKS)
    return typed


@st.composite
def numbers(draw: Any) -> str:
    """Draw a resident identity number with its check digit."""
    body = draw(st.from_regex(r"[1-8][0-9]{5}19[0-9]{2}0[1-9]1[0-9]{4}", fullmatch=True))
    return body + check_digit(body)


MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
COUNTRY = st.sampled_from(["", "+86", "0086", "86", "+86-", "86-", "(+86)", "+86 "])


@pytest.mark.parametrize("suite", list(Suite))
class TestIndex:
    @given(data=st.data(), number=numbers())
    def test_every_spelling_of_an_identity_number_gives_one(
        self, suite: Suite, data: Any, number: str
    ) -> None:
        typed = data.draw(spelled(number))

        with crypto.using(RINGS[suite]):
            assert crypto.blind_index(typed, "idcard") == crypto.blind_index(number, "idcard")

    @given(data=st.data(), number=MOBILES, country=COUNTRY)
    def test_every_spelling_of_a_mobile_gives_one(
        self, suite: Suite, data: Any, number: str, country: str
    ) -> None:
        parted = data.draw(st.sampled_from([number, f"{number[:3]}-{number[3:7]}-{number[7:]}"]))
        typed = data.draw(spelled(country.strip() + parted, letters=False))

        with crypto.using(RINGS[suite]):
            assert crypto.blind_index(typed, "phone") == crypto.blind_index(number, "phone")

    @given(data=st.data(), first=numbers(), second=numbers())
    def test_different_numbers_give_different_ones_however_spelled(
        self, suite: Suite, data: Any, first: str, second: str
    ) -> None:
        assume(first != second)
        one, other = data.draw(spelled(first)), data.draw(spelled(second))

        with crypto.using(RINGS[suite]):
            assert crypto.blind_index(one, "idcard") != crypto.blind_index(other, "idcard")

    @given(first=MOBILES, second=MOBILES, country=COUNTRY)
    def test_different_mobiles_give_different_ones(
        self, suite: Suite, first: str, second: str, country: str
    ) -> None:
        assume(first != second)

        with crypto.using(RINGS[suite]):
            assert crypto.blind_index(country + first, "phone") != crypto.blind_index(
                second, "phone"
            )

    @given(number=numbers(), at=st.integers(0, 16))
    def test_one_digit_makes_another_number(self, suite: Suite, number: str, at: int) -> None:
        changed = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]

        with crypto.using(RINGS[suite]):
            assert crypto.blind_index(changed, "idcard") != crypto.blind_index(number, "idcard")


@pytest.fixture
def opened(session: Any, world: Any) -> Teacher:
    """The file that has the number."""
    actor = world.actors[CLERK]
    with acting_as(actor):
        teacher = files.create_file(session, actor, BASIC, catalog=world.catalog)
        session.commit()
    return teacher


def count(session: Any) -> int:
    """How many files there are."""
    session.expire_all()
    with system():
        return session.scalar(select(func.count()).select_from(Teacher))


def stored_number(session: Any, teacher: Teacher) -> str:
    """The number as the record of a file says it."""
    with system():
        return files.records(session, teacher, "basic")[0].value("id_no")


@pytest.mark.parametrize("how", SPELLINGS)
class TestDuplicate:
    def test_is_refused_by_the_form(
        self, app: Any, session: Any, world: Any, opened: Teacher, how: str
    ) -> None:  # noqa: PLR0917
        before = count(session)

        answer = save(
            sign_in(app, world, CLERK), "/teacher/new", **BASIC | {"id_no": SPELLINGS[how]}
        )

        assert answer.status_code == 422
        assert "该身份证件号在本校已有档案" in answer.text
        assert count(session) == before

    def test_is_refused_by_the_interface(
        self, client: Any, session: Any, world: Any, opened: Teacher, how: str
    ) -> None:  # noqa: PLR0917
        before = count(session)
        caller = Caller(client, world.usernames[CLERK])

        answer = caller.post("/teacher/", {"basic": BASIC | {"id_no": SPELLINGS[how]}})

        assert answer.status_code == 422
        assert [each["code"] for each in answer.json["errors"]] == ["DQ007"]
        assert count(session) == before

    def test_is_the_same_file_to_an_import(
        self, session: Any, world: Any, opened: Teacher, tmp_path: Any, how: str
    ) -> None:  # noqa: PLR0917
        actor = world.actors[CLERK]
        before = count(session)
        with acting_as(actor):
            importing = make_importing(session, actor, tmp_path)
            row = {"id_no": SPELLINGS[how], "name": BASIC["name"]}
            content = {"basic": [row], "contact": [{"email": "neu@example.com"}]}
            batch = importing.run(filled(importing.catalog, importing.school.category, [content]))

        assert (batch.inserted + batch.updated, batch.bad) == (1, 0)
        assert stored_number(session, opened) == NUMBER
        assert count(session) == before

    def test_is_refused_by_the_index_alone(
        self, session: Any, world: Any, opened: Teacher, how: str
    ) -> None:
        with system():
            table = Teacher.__table__
            kept = session.execute(select(table).where(table.c.id == opened.id)).one()._asdict()
            row = {k: v for k, v in kept.items() if k != "id"} | {"uuid": "f" * 32, "id_no": b"x"}
            row |= crypto.index_columns("id_no", SPELLINGS[how], "idcard")

            with pytest.raises(IntegrityError) as clash, session.begin_nested():
                session.execute(insert(table).values(row))
            # Without the index nothing of it is in the way: the same row for somebody else.
            session.execute(
                insert(table).values(row | crypto.index_columns("id_no", "1", "idcard"))
            )

        assert "id_no" in str(clash.value.orig)

    def test_is_found_by_the_search(self, session: Any, opened: Teacher, how: str) -> None:
        with system():
            found = session.scalars(select(Teacher.id).where(search.matches(SPELLINGS[how])))

            assert list(found) == [opened.id]

    def test_does_not_stay_in_an_address(self, how: str) -> None:
        assert names_a_person(SPELLINGS[how])


class TestOneFunction:
    def test_nothing_else_makes_an_index_or_knows_its_key(self) -> None:
        users: dict[str, set[str]] = {}
        for path, source in sources().items():
            for node in ast.walk(ast.parse(source)):
                name = getattr(node, "attr", getattr(node, "id", ""))
                if name in {"index_key", "index_keys", "_SPELLING", "_visible"}:
                    users.setdefault(name, set()).add(path)

        # services/key.py counts which keys are in use.
        assert users == {
            "index_key": {"core/crypto.py", "services/key.py"},
            "index_keys": {"core/crypto.py"},
            "_SPELLING": {"core/crypto.py"},
            "_visible": {"core/crypto.py"},
        }

    def test_when_it_takes_one_more_spelling_everybody_does(
        self, session: Any, world: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        actor, known, plain = world.actors[CLERK], world.catalog, crypto.normalise
        # The letter O for a zero, which nothing takes as yet.
        monkeypatch.setattr(
            crypto, "normalise", lambda text, kind: plain(text, kind).replace("O", "0")
        )
        monkeypatch.setattr(search, "normalise", crypto.normalise)
        odd = NUMBER.replace("0", "O")

        with acting_as(actor):
            teacher = files.create_file(session, actor, BASIC | {"id_no": odd}, catalog=known)
            session.commit()
            with pytest.raises(Refused) as refusal:
                files.create_file(session, actor, BASIC, catalog=known)
            importing = make_importing(session, actor, tmp_path)
            content = {
                "basic": [{"id_no": odd, "name": BASIC["name"]}],
                "contact": [{"email": "neu@example.com"}],
            }
            batch = importing.run(filled(importing.catalog, importing.school.category, [content]))
            found = list(session.scalars(select(Teacher.id).where(search.matches(odd))))
            number = stored_number(session, teacher)

        assert [problem.code for problem in refusal.value.problems] == ["DQ007"]
        assert (batch.inserted + batch.updated, batch.bad) == (1, 0)
        assert found == [teacher.id]
        assert number == NUMBER
