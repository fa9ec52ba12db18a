"""Random lives of files: nothing that may happen breaks what must hold (REL-04)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.workflows.lives import Tally, reality

STEPS = 6  # Of one sequence at most.
FAR_ENDS = 2  # So many ends of flows may be too far off for two hundred sequences.


def lead(session: Any, world: Any, examples: int, *, derandomize: bool) -> Tally:
    """Let sequences happen with the switch of status changes off, then on, so many examples each;
    what hypothesis tries beside them counts as a sequence, too."""
    tally = Tally()
    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=derandomize,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    for machine in reality(session, world, tally):
        run_state_machine_as_test(machine, settings=chosen)
    return tally


@pytest.mark.wide
def test_lives_at_random_break_nothing(session: Any, world: Any) -> None:
    tally = lead(session, world, 100, derandomize=True)

    assert tally.sequences >= 200
    assert len(tally.missing()) <= FAR_ENDS, (tally.missing(), str(tally))


@pytest.mark.slow
def test_many_more_lives_break_nothing(session: Any, world: Any, capsys: Any) -> None:
    tally = lead(session, world, 1_000, derandomize=False)

    with capsys.disabled():
        print(f"\nlives: {tally}")
    assert tally.sequences >= 2_000
    assert tally.missing() == set()
