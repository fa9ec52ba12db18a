"""The guide tells every flow as it is: drawing and table come from the flow's own definition."""

import html
import re
from typing import Any

import pytest
from flask_babel import force_locale

from app.access.roles import Role
from app.views.guide import PEOPLE
from app.workflows import WORKFLOWS
from app.workflows.diagram import arrows, dot
from tests.views.pages import sign_in

FLOWS = list(WORKFLOWS.values())
by_name = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


@by_name
def test_whoever_takes_a_step_or_is_told_of_it_has_a_name(flow: Any) -> None:
    names = {party.name for step in flow.steps for party in step.by}
    names |= {name for step in flow.steps for telling in step.tells for name in telling.to}

    assert names <= PEOPLE.keys()


@by_name
def test_the_drawing_has_every_state_and_every_step(flow: Any) -> None:
    text = dot(flow, lambda state: f"<{state}>")

    for state in flow.state_codes():
        assert f"&lt;{state}&gt;" in text
    for step in flow.steps:
        for source in step.sources:
            for target in step.targets or (source,):
                assert re.search(rf"^{source} -> {target} \[.*{step.number} ", text, re.MULTILINE)


@by_name
def test_an_arrow_joins_two_states_once_however_many_steps_it_stands_for(flow: Any) -> None:
    steps = sum(len(step.sources) * max(1, len(step.targets)) for step in flow.steps)

    assert sum(map(len, arrows(flow).values())) == steps


@by_name
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_of_a_flow_tells_its_steps_and_shows_its_drawing(
    app: Any, session: Any, world: Any, flow: Any, language: str
) -> None:
    client = sign_in(app, world, "teacher_A1", language=language)

    answer = client.get(f"/guide/flows/{flow.name}")

    page = text_of(answer.text)
    with app.app_context(), force_locale(language):
        labels = {f"{step.number} {step.label}" for step in flow.steps}
    assert labels <= {
        " ".join(each.split()) for each in re.findall(r"\d\.\d+[a-z]?\s+[^\n]+", page)
    }
    drawing = re.search(r'<img src="([^"]+/flow-[^"]+)"', answer.text)[1]
    assert f"flow-{flow.name}-{language}" in drawing
    with client.get(drawing) as sent:
        assert sent.mimetype == "image/svg+xml"


@pytest.mark.parametrize("role", Role)
def test_everybody_reads_the_guide_and_finds_it_in_the_menu(
    app: Any, session: Any, world: Any, role: Role
) -> None:
    key = next(key for key, actor in world.actors.items() if actor.role == role)
    client = sign_in(app, world, key)

    page = client.get("/guide/flows/").text

    assert all(f"/guide/flows/{flow.name}" in page for flow in FLOWS)
    assert 'href="/guide/flows/"' in client.get("/").text


def test_a_flow_that_does_not_exist_is_not_found_and_strangers_sign_in_first(
    app: Any, session: Any, world: Any
) -> None:
    assert sign_in(app, world, "city_info").get("/guide/flows/nothing").status_code == 404
    assert app.test_client().get("/guide/flows/review").status_code == 302
