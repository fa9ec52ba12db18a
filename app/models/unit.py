"""Units of every kind: the city, districts, schools, providers and bases, and who is in charge."""

from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship


class UnitKind(StrEnum):
    """What a unit is; the tier of its accounts follows from it."""

    CITY = "city"
    DISTRICT = "district"
    SCHOOL = "school"
    PROVIDER = "provider"
    BASE = "base"


class Unit(Model):
    """A unit. Scope follows `authority_id` (who decides), never the address (`district_code`)."""

    __tablename__ = "unit"
    __table_args__ = (
        CheckConstraint(
            "kind <> 'school' OR authority_id IS NOT NULL", name="school_has_authority"
        ),
        CheckConstraint("kind <> 'school' OR category IS NOT NULL", name="school_has_category"),
        Index("ix_unit_authority", "authority_id", "category"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(100), index=True)
    name_en: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(10))
    type_code: Mapped[str | None] = mapped_column(String(3))
    category: Mapped[str | None] = mapped_column(String(24))
    district_code: Mapped[str | None] = mapped_column(String(10), index=True)
    urban_rural: Mapped[str | None] = mapped_column(String(3))
    sponsor_type: Mapped[str | None] = mapped_column(String(10))
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    # The city opens the first collection of a unit; modules follow its first effective file.
    first_effective: Mapped[bool] = mapped_column(Boolean, default=False)

    authority: Mapped["Unit | None"] = relationship(
        remote_side=[id], foreign_keys=[authority_id], lazy="raise_on_sql"
    )

    def __repr__(self) -> str:
        return self.name or ""
