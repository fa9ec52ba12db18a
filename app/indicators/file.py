"""A teacher's file as plain values: what checks, derivation and completeness look at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    """One record: plain values by indicator code (values.py says which Python types).

    `entered_at_school` is the id of the school where the record was written; None means the
    school of the file. Records of an earlier school are history that this school cannot mend.
    """

    uuid: str
    values: Mapping[str, Any]
    entered_at_school: int | None = None

    def get(self, code: str) -> Any:
        """The value of an indicator; None when blank."""
        return self.values.get(code)


@dataclass(frozen=True)
class SchoolFacts:
    """The unit to which the file belongs, as far as rules ask about it.

    `district` and `authority` are codes of districts.csv, `main_school` tells whether an
    attached class hangs under a main school.
    """

    id: int
    code: str
    name: str
    category: str
    type_code: str
    urban_rural: str = ""
    district: str = ""
    authority: str = ""
    main_school: bool = False


@dataclass(frozen=True)
class Facts:
    """What only the database knows; services fetch it for many files at once (DQ007 and others).

    `open_process` is the kind of the open personnel process ("transfer", "rotation", …).
    `early_work_allowed` is the district's leave to have worked before 16 (DQ012),
    `off_post_since` the day since which the staff status is "not on post".
    `rule_credits` are the credits that the conversion rule gives, by project number;
    `retirement_exempt` says that staying on was registered, `in_force` that the file is effective.
    """

    same_school_active: bool = False
    same_school_inactive: bool = False
    other_school_name: str | None = None
    near_duplicate: bool = False
    mobile_shared: bool = False
    shared_cert_nos: frozenset[str] = frozenset()
    open_process: str | None = None
    rule_credits: Mapping[str, Decimal] = field(default_factory=lambda: NOTHING)
    retirement_exempt: bool = False
    early_work_allowed: bool = False
    off_post_since: date | None = None
    in_force: bool = False


@dataclass(frozen=True)
class FileData:
    """One file. `status` is the staff status (人员状态), which the teacher's own row holds.

    `none_sets` are the multi-row sets for which "none to report" was answered. For the file of a
    unit (school_basic) `teacher_id` is None.
    """

    teacher_id: int | None
    school: SchoolFacts
    status: str
    rows: Mapping[str, tuple[Row, ...]]
    none_sets: frozenset[str] = frozenset()
    facts: Facts = field(default_factory=Facts)

    def all(self, set_code: str) -> tuple[Row, ...]:
        """The records of a set."""
        return self.rows.get(set_code, ())

    def first(self, set_code: str) -> Row | None:
        """The record of a single-row set; None while nothing was entered."""
        rows = self.rows.get(set_code, ())
        return rows[0] if rows else None

    def value(self, set_code: str, code: str) -> Any:
        """The value of an indicator of a single-row set; None when blank."""
        if code == "staff_status" and set_code == "basic":
            return self.status
        rows = self.rows.get(set_code, ())
        return rows[0].values.get(code) if rows else None

    def reader(self, set_code: str, row: Row) -> Callable[[str, str], Any]:
        """How conditions read: the record itself for its own set, else the single-row set."""

        def read(asked: str, code: str) -> Any:
            if asked == set_code and not (set_code == "basic" and code == "staff_status"):
                return row.values.get(code)
            return self.value(asked, code)

        return read
