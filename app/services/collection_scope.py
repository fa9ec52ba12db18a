"""采集人员范围: the facts a reviewer looks at before ticking that a person is within the scope."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.reference import Indicator
from app.indicators.catalog import Catalog
from app.indicators.periods import full_months
from app.models.record import TEACHER_SETS
from app.models.teacher import FileProblem, Teacher
from app.services.contents import present

RULES = ("DQ018", "DQ019")
OUTSIDE = "0"
READ = (
    "in_establishment",
    "contract_type",
    "contract_start",
    "contract_end",
    "post_category",
    "current_post_category",
)


@dataclass(frozen=True)
class ScopeFact:
    """One fact by its indicator; `months` is the length of a contract, `fits` None where the fact
    alone decides nothing."""

    indicator: Indicator
    value: Any
    fits: bool | None = None
    months: int | None = None


@dataclass(frozen=True)
class ScopeFacts:
    """What is known of a person's place in the scope, and what the rules find."""

    facts: tuple[ScopeFact, ...]
    findings: tuple[FileProblem, ...]

    @property
    def fits(self) -> bool:
        """Whether the rules of the scope find nothing."""
        return not self.findings


def scope_facts(session: Session, teacher: Teacher, catalog: Catalog) -> ScopeFacts:
    """The establishment, contract and post category of a file, from its present rows."""
    basic = _first(session, teacher, "basic")
    post = _first(session, teacher, "post")
    outside = basic.get("in_establishment") == OUTSIDE
    facts = [
        ScopeFact(catalog.indicator("basic", "staff_status"), teacher.staff_status),
        ScopeFact(
            catalog.indicator("basic", "in_establishment"),
            basic.get("in_establishment"),
            fits=None if outside else True,
        ),
    ]
    if outside:
        facts += _contract(basic, catalog, int(catalog.parameter("contract_months_min")))
    category = post.get("post_category") or basic.get("current_post_category")
    wanted = catalog.parameter("scope_post_categories")
    facts.append(
        ScopeFact(
            catalog.indicator("post", "post_category"),
            category,
            fits=category in wanted if outside and category else None,
        )
    )
    findings = session.scalars(
        select(FileProblem).where(FileProblem.teacher_id == teacher.id, FileProblem.code.in_(RULES))
    )
    return ScopeFacts(tuple(facts), tuple(findings))


def _contract(basic: dict[str, Any], catalog: Catalog, needed: int) -> list[ScopeFact]:
    start, end = basic.get("contract_start"), basic.get("contract_end")
    months = full_months(start, end) if start and end else None
    return [
        ScopeFact(catalog.indicator("basic", "contract_type"), basic.get("contract_type")),
        ScopeFact(catalog.indicator("basic", "contract_start"), start),
        ScopeFact(
            catalog.indicator("basic", "contract_end"),
            end,
            fits=None if months is None else months >= needed,
            months=months,
        ),
    ]


def _first(session: Session, teacher: Teacher, set_code: str) -> dict[str, Any]:
    """The values of the first present row of a set; of posts, the one not ended."""
    cls = TEACHER_SETS[set_code]
    mine = (
        select(cls)
        .where(cls.teacher_id == teacher.id, present(cls, teacher.is_in_force))
        .order_by(cls.id)
    )
    if set_code == "post":
        mine = mine.where(cls.end.is_(None))
    found = session.scalars(mine.limit(1)).first()
    if found is None:
        return {}
    known = cls.__table__.columns
    return {code: getattr(found, code) for code in READ if code in known}
