"""The flows as tables: every state is used and reachable, codes and labels exist, one writer."""

import ast
from pathlib import Path

import pytest

from app.core.reference import structure
from app.workflows import WORKFLOWS

APP = Path(__file__).resolve().parents[2] / "app"
FLOWS = list(WORKFLOWS.values())
# The rows of the specification that are steps of the engine; those before them open an object.
NUMBERS = {
    "review": [f"1.{n}" for n in range(3, 14)],
    "addition": [f"2.{n}" for n in range(3, 7)],
    "change": [f"3.{n}" for n in range(2, 7)],
    "status_change": ["5.2", "5.2a", "5.2b", "5.2c", "5.3"],
    # An extension is confirmed again: three rows once more, without numbers of their own.
    "rotation": [*(f"6.{n}" for n in range(2, 8)), "6.2a", "6.5a", "6.4a"],
    "transfer": [f"4.{n}" for n in range(2, 11)],
}


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
def test_step_numbers_are_those_of_the_specification_in_its_order(flow) -> None:
    numbers = [step.number for step in flow.steps]

    assert list(dict.fromkeys(numbers)) == NUMBERS[flow.name]
    assert numbers == sorted(numbers, key=numbers.index)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda f: f.name)
def test_a_row_that_stands_twice_is_for_other_states(flow) -> None:
    places = [(step.number, str(state)) for step in flow.steps for state in step.sources]

    assert len(places) == len(set(places))


def test_returns_rejections_and_corrections_need_a_reason() -> None:
    needs = {
        name: {step.name for step in flow.steps if step.needs_reason}
        for name, flow in WORKFLOWS.items()
    }

    assert needs == {
        "review": {"return_to_teacher", "return", "require_correction"},
        "addition": {"reject"},
        "change": {"reject"},
        "status_change": {"reject", "revoke"},
        "rotation": {"reject", "terminate", "reject_extension"},
        "transfer": {"reject", "cancel", "void"},
    }


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
