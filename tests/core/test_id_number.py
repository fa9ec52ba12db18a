"""Identity numbers of GB 11643: the published examples and every single slip."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, id_number
from app.core.id_number import Fault, IdNumberError

MALE = "110199198503150131"


def number(born: date, sequence: int) -> str:
    body = f"110199{born:%Y%m%d}{sequence:03d}"
    return body + id_number.check_digit(body)


NUMBERS = st.builds(
    number, st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.integers(min_value=0, max_value=999)
)


@pytest.mark.parametrize(
    ("text", "birth", "sex"),
    [
        ("11010519491231002X", date(1949, 12, 31), "2"),  # The example of the standard.
        (MALE, date(1985, 3, 15), "1"),
        ("110199198503150481", date(1985, 3, 15), "2"),
        ("11019919781104001X", date(1978, 11, 4), "1"),
    ],
)
def test_valid_number_tells_birth_date_and_sex(text, birth, sex):
    parsed = id_number.parse(text)

    assert (parsed.division, parsed.birth, parsed.sex) == (text[:6], birth, sex)
    assert id_number.is_valid(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("110199198503150132", Fault.CHECK_DIGIT),
        ("110199199002290173", Fault.BIRTH_DATE),  # 29 February of a common year.
        ("110199850315013", Fault.FORMAT),
        ("11019919850315013１", Fault.FORMAT),  # A full-width digit.
        ("11019919781104001x", Fault.FORMAT),
        (MALE + "1", Fault.FORMAT),
        (MALE + "\n", Fault.FORMAT),
        ("", Fault.FORMAT),
    ],
)
def test_faulty_number_is_refused_with_its_fault_and_never_quoted(text, fault):
    with pytest.raises(IdNumberError) as caught:
        id_number.parse(text)

    assert caught.value.fault is fault
    assert not text or text not in str(caught.value)
    assert not id_number.is_valid(text)


def test_all_faults_of_a_number_are_found():
    assert id_number.faults("110199199002290174") == [Fault.CHECK_DIGIT, Fault.BIRTH_DATE]


def test_nobody_is_born_tomorrow():
    text = number(date(2026, 9, 2), 13)

    with clock.frozen(date(2026, 9, 1)):
        assert id_number.faults(text) == [Fault.BIRTH_DATE]
    with clock.frozen(date(2026, 9, 2)):
        assert id_number.is_valid(text)


def test_nobody_is_born_before_1900():
    assert id_number.is_valid(number(date(1900, 1, 1), 1))
    assert id_number.faults(number(date(1899, 12, 31), 1)) == [Fault.BIRTH_DATE]


@given(text=NUMBERS, position=st.integers(0, 16), digit=st.sampled_from("0123456789"))
def test_every_slip_of_one_digit_breaks_the_check_digit(text, position, digit):
    slipped = text[:position] + digit + text[position + 1 :]

    assert (Fault.CHECK_DIGIT in id_number.faults(slipped)) is (slipped != text)


@given(text=NUMBERS, position=st.integers(0, 15))
def test_every_swap_of_neighbours_breaks_the_check_digit(text, position):
    first, second = text[position], text[position + 1]
    swapped = text[:position] + second + first + text[position + 2 :]

    assert (Fault.CHECK_DIGIT in id_number.faults(swapped)) is (first != second)


def test_check_digit_needs_seventeen_digits():
    with pytest.raises(ValueError, match="longer"):
        id_number.check_digit("1101991985031501")


def test_old_number_is_lengthened():
    assert id_number.lengthen("110199850315013") == MALE


def test_only_fifteen_digits_are_lengthened():
    with pytest.raises(IdNumberError):
        id_number.lengthen("11019985031501X")
