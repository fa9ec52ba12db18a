"""The checks DQ001 to DQ076, one function each; the registry fills itself from these modules."""

from app.indicators.checks import (
    development,
    employment,
    experience,
    file_wide,
    identity,
    person,
    qualification,
    teaching,
    treatment,
    unit,
)
from app.indicators.checks.registry import CHECKS, Context, Hit, check, run, run_one

__all__ = [
    "CHECKS",
    "Context",
    "Hit",
    "check",
    "development",
    "employment",
    "experience",
    "file_wide",
    "identity",
    "person",
    "qualification",
    "run",
    "run_one",
    "teaching",
    "treatment",
    "unit",
]
