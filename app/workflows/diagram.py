"""The state diagram of a flow in the language of Graphviz, drawn from the flow's own table."""

from collections.abc import Callable, Mapping
from html import escape

from app.workflows.engine import Step, Workflow

# Points. Graphviz does not know how wide Chinese is set, so every label brings its own box.
WIDE, NARROW, LINE, MARGIN = 13, 7, 17, 12
FIRST_WIDE = "\u2e80"  # From here on a character is as wide as it is high.
FONT = 'fontname="sans-serif"; fontsize=13'
HEAD = f"""
rankdir=TB; bgcolor="transparent"; pad=0.1; nodesep=0.45; ranksep=0.5;
node [shape=box; style="rounded,filled"; fillcolor="#eef4fd"; color="#9db8e0";
      fontcolor="#16325c"; {FONT}];
edge [color="#64748b"; fontcolor="#334155"; arrowsize=0.7; {FONT}];
start [shape=circle; width=0.14; label=""; fillcolor="#334155"; color="#334155"];
"""
ENDS = 'fillcolor="#f1f5f9"; color="#94a3b8"; peripheries=2'
BOX = """<<TABLE BORDER="0" CELLPADDING="0" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}">\
<TR><TD>{text}</TD></TR></TABLE>>"""


def dot(flow: Workflow, state_label: Callable[[str], str]) -> str:
    """The diagram as DOT text: a node per state, an arrow per step that moves it.

    The words are those of the present language; `state_label` names a state. Steps of the system
    itself are dashed, states that end the process have a double frame.
    """
    states = flow.state_codes()
    lines = [f"digraph {flow.name} {{", HEAD, f"start -> {states[0]};"]
    for state in states:
        ends = ENDS if state in flow.terminal else ""
        lines.append(f"{state} [label={_boxed([state_label(state)])}; {ends}];")
    for (source, target), steps in arrows(flow).items():
        labels = [f"{step.number} {step.label}" for step in steps]
        dashed = "style=dashed;" if all(is_the_systems(step) for step in steps) else ""
        lines.append(f"{source} -> {target} [label={_boxed(labels)}; {dashed}];")
    return "\n".join([*lines, "}", ""])


def arrows(flow: Workflow) -> Mapping[tuple[str, str], list[Step]]:
    """The steps between each two states, in the order of the table; one that keeps the state goes
    back to it."""
    found: dict[tuple[str, str], list[Step]] = {}
    for step in flow.steps:
        for source in map(str, step.sources):
            for target in step.targets or (source,):
                found.setdefault((source, target), []).append(step)
    return found


def is_the_systems(step: Step) -> bool:
    """Whether nobody but the system takes the step."""
    return all(party.is_system for party in step.by)


def _boxed(lines: list[str]) -> str:
    """A label of some lines in a box that is wide enough for them in any script."""
    width = max(sum(WIDE if each >= FIRST_WIDE else NARROW for each in line) for line in lines)
    text = "<BR/>".join(map(escape, lines))
    return BOX.format(width=width + MARGIN, height=LINE * len(lines) + 2, text=text)
