"""The flows as tables: every state is used and reachable, codes and labels exist, one writer."""

import ast
from pathlib import Path

import pytest

from app.core.reference import structure
from app.workflows import WORKFLOWS

APP = Path(__file__).resolve().parents[2] / "app"
FLOWS = list(WORKFLOWS.values())
# Rows of the specification that are no step of the engine: opening and filling a file.
NO_STEP = {"review": {"1.1", "1.2"}}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda f: f.name)
def test_states_equal_the_code_table(flow) -> None:
    assert {str(s) for s in flow.states} == set(structure().codes[flow.state_table])


@pytest.mark.parametrize("flow", FLOWS, ids=lambda f: f.name)
def test_every_state_but_the_first_is_reached_and_only_terminal_ones_have_no_exit(flow) -> None:
    left = {str(s) for step in flow.steps for s in step.sources}
    states = [str(s) for s in flow.states]
    dead = {s for s in states if s not in left}

    assert dead == {str(s) for s in flow.terminal}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda f: f.name)
def test_step_numbers_are_those_of_the_specification_and_unique(flow) -> None:
    numbers = [step.number for step in flow.steps]

    assert len(numbers) == len(set(numbers))
    wanted = {f"1.{n}" for n in range(1, 14)} - NO_STEP["review"]
    assert set(numbers) == wanted


def test_returns_and_corrections_need_a_reason() -> None:
    needs = {step.name for step in WORKFLOWS["review"].steps if step.needs_reason}

    assert needs == {"return_to_teacher", "return", "require_correction"}


def test_state_is_written_by_the_engine_alone() -> None:
    writers = set()
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr == "state":
                    owner = ast.unparse(target.value)
                    if owner in ("teacher", "file", "item", "transfer", "self.teacher"):
                        writers.add(str(path.relative_to(APP)))

    assert writers <= {"workflows/engine.py"}
