"""Numbers that look right and cannot belong to anybody."""

from datetime import date

from app.core.id_number import check_digit

# The division 110199 was never assigned, so no resident holds a number of these.
DIVISION = "110199"
SEQUENCES = 500  # Per day of birth and sex: the 17th digit is odd for men, even for women.
# Mobile numbers beginning with 169 and 168 and Beijing lines beginning with 0 are not given out.
MOBILE, EMERGENCY, OFFICE = "169", "168", "010-0"
MAIL_DOMAIN = "example.invalid"
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def id_number(birth: date, sex: str, sequence: int) -> str:
    """The identity number of a made-up person; `sex` "1" male or "2" female.

    Different for every sequence below 500; ValueError from there on.
    """
    if not 0 <= sequence < SEQUENCES:
        raise ValueError("no more identity numbers for this day of birth")
    order = 2 * sequence + (1 if sex == "1" else 0)
    body = f"{DIVISION}{birth:%Y%m%d}{order:03d}"
    return body + check_digit(body)


def mobile(serial: int, prefix: str = MOBILE) -> str:
    """The mobile number of a serial; eight scattered digits that repeat after 10**8."""
    return f"{prefix}{serial * 61_803_399 % 10**8:08d}"


def office_phone(serial: int) -> str:
    """An office line of a serial."""
    return f"{OFFICE}{serial * 618_034 % 10**7:07d}"


def mail(name: str) -> str:
    """An address that no mail server will ever answer for (RFC 2606)."""
    return f"{name}@{MAIL_DOMAIN}"


def certificate_number(year: int, serial: int) -> str:
    """A teacher certificate number: 17 digits, the year first, then the unassigned division."""
    return f"{year:04d}{DIVISION}{serial % 10**7:07d}"


def credit_code(serial: int) -> str:
    """A unified social credit code of a made-up institution with its check character (GB 32100)."""
    body = f"12{DIVISION}{serial % 10**9:09d}"
    total = sum(
        CREDIT_SIGNS.index(sign) * weight for sign, weight in zip(body, CREDIT_WEIGHTS, strict=True)
    )
    return body + CREDIT_SIGNS[-total % 31]
