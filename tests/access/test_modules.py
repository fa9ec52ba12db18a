"""The switches of the business modules: by category, and only after the first collection."""

from typing import Any

import pytest

from app.access.modules import Module, Switch, is_on, switch_of
from app.indicators.catalog import catalog, touch
from app.models.parameter import Parameter
from app.models.unit import Unit

OFF_AT_FIRST = {"vocational", "higher"}


def school(category: str | None, *, collected: bool = True) -> Unit:
    return Unit(category=category, first_effective=collected)


@pytest.mark.parametrize("module", Module)
def test_basic_education_has_the_modules_and_others_have_not_yet(
    session: Any, module: Module
) -> None:
    known = catalog(session)

    for category in known.categories:
        assert is_on(module, school(category), known) == (category not in OFF_AT_FIRST)


def test_no_module_opens_before_the_first_collection_is_in_effect(session: Any) -> None:
    known = catalog(session)
    waiting, other = school("special", collected=False), school("higher", collected=False)

    assert switch_of(Module.TRANSFER, waiting, known) is Switch.NOT_COLLECTED
    assert switch_of(Module.TRANSFER, other, known) is Switch.CATEGORY_OFF
    assert is_on(Module.TRANSFER, school(None, collected=False), known)


def test_the_parameter_switches_a_category_with_the_next_catalogue(session: Any) -> None:
    assert not is_on(Module.ROTATION, school("higher"), catalog(session))

    session.get(Parameter, "module_categories").value = "higher"
    touch(session)
    session.flush()

    known = catalog(session)
    assert is_on(Module.ROTATION, school("higher"), known)
    assert not is_on(Module.ROTATION, school("special"), known)


def test_an_unknown_module_is_a_mistake_of_the_program(session: Any) -> None:
    with pytest.raises(ValueError, match="nothing"):
        is_on("nothing", school("special"), catalog(session))  # type: ignore[arg-type]
