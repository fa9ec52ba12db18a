"""No SQL, HTML or code is made of values; each exception gives its reason (SEC-36)."""

import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.invariants.static_rules import Finding, in_python, in_template

ROOT = Path(__file__).resolve().parents[2]

# (file, how the snippet begins) -> why it is safe. One entry stands for one place.
EXCEPTIONS = {
    ("app/cli.py", "connection.exec_driver_sql(statement)"): (
        "the grants of models.fences: names of our tables, and the role with its quotes doubled"
    ),
    ("app/models/fences.py", "text(statement)"): (
        "triggers from the names of tables and columns that the database itself tells"
    ),
    ("app/models/fences.py", "text(f'DROP TRIGGER {name}{on}')"): (
        "names of triggers that the database itself tells"
    ),
    ("app/models/base.py", "text(where)"): "the conditions of indexes, literals of the models",
    ("app/models/record.py", "literal_column(f\"'{key}'\")"): (
        "the function lets identifiers pass alone; a bound value would not meet the index"
    ),
    ("app/demo/store.py", "self._connection.exec_driver_sql(statement)"): (
        "the definition of a foreign key as PostgreSQL itself tells it"
    ),
    ("app/demo/store.py", "self._connection.exec_driver_sql(f'ALTER TABLE"): (
        "names of keys that PostgreSQL itself tells"
    ),
    ("run.py", "import subprocess"): "starts fixed commands without a shell",
    ("app/templates/appbuilder/general/model/list.html", "table()|safe"): (
        "a block of the same template, rendered with escapes"
    ),
    ("app/templates/appbuilder/general/model/add.html", "widgets.get('add')("): (
        "a widget of Flask-AppBuilder: rendered by a template with escapes, given as plain text"
    ),
    ("app/templates/appbuilder/general/model/edit.html", "widgets.get('edit')("): (
        "a widget, as with add"
    ),
    ("app/templates/appbuilder/general/model/show.html", "shown()|safe"): "a widget, as with add",
    ("app/templates/appbuilder/general/charts/jsonchart.html", "search()|safe"): (
        "a widget, as with add"
    ),
    ("app/templates/appbuilder/general/charts/jsonchart.html", "widgets.get('chart')("): (
        "a widget, as with add"
    ),
    ("app/templates/unit/show.html", "widgets.get('show')()|safe"): "a widget, as with add",
    ("app/templates/round/show.html", "widgets.get('show')()|safe"): "a widget, as with add",
}


def found() -> Iterator[tuple[str, Finding]]:
    """What the rules find in the product, by file."""
    for path in [*sorted((ROOT / "app").rglob("*.py")), ROOT / "config.py", ROOT / "run.py"]:
        for finding in in_python(path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), finding
    for path in sorted((ROOT / "app" / "templates").rglob("*")):
        if path.is_file():
            for finding in in_template(path.read_text(encoding="utf-8")):
                yield path.relative_to(ROOT).as_posix(), finding


def test_nothing_breaks_the_rules_but_the_explained_exceptions() -> None:
    left, unexplained = dict(EXCEPTIONS), []
    for place, finding in found():
        key = next(
            (key for key in left if key[0] == place and finding.snippet.startswith(key[1])), None
        )
        if key is None:
            unexplained.append((place, *finding))
        else:
            del left[key]

    assert unexplained == []
    assert list(left) == [], "an exception that no longer exists"
    assert all(EXCEPTIONS.values())


HEAD = "import os, yaml, sqlalchemy as sa\nfrom sqlalchemy import text, literal_column as lit\n"
HEAD += "from markupsafe import Markup\nONE = 'a'\nBOTH = {'x': 'b', 'y': ONE}\n"
PLANTED = (
    ("sql", "text(f'SELECT {x}')"),
    ("sql", "text('SELECT %s' % x)"),
    ("sql", "text('SELECT {}'.format(x))"),
    ("sql", "text('SELECT ' + x)"),
    ("sql", "text('BEGIN' if y else x)"),
    ("sql", "sa.text(x)"),
    ("sql", "sqlalchemy.sql.text(x)"),
    ("sql", "db.text(x)"),
    ("sql", "lit(x)"),
    ("sql", "sa.literal_column(f'{x}')"),
    ("sql", "connection.exec_driver_sql(f'DROP TABLE {x}')"),
    ("sql", "connection.exec_driver_sql(statement=x)"),
    ("sql", "def f(ONE): text(ONE)"),
    ("markup", "Markup(x)"),
    ("markup", "Markup(f'<b>{x}</b>')"),
    ("markup", "Markup('<b>%s</b>' % x)"),
    ("markup", "markupsafe.Markup(x)"),
    ("pickle", "import pickle"),
    ("pickle", "from pickle import loads"),
    ("pickle", "import shelve"),
    ("marshal", "import marshal"),
    ("subprocess", "import subprocess"),
    ("subprocess", "from subprocess import run"),
    ("yaml.load", "yaml.load(x)"),
    ("yaml.load", "from yaml import load"),
    ("os.system", "os.system(x)"),
    ("os.system", "from os import system"),
    ("eval", "eval(x)"),
    ("exec", "exec(x)"),
    ("autoescape", "Environment(autoescape=False)"),
    ("render_template_string", "flask.render_template_string(x)"),
    ("render_template_string", "app.jinja_env.from_string(x)"),
)
HARMLESS = (
    "text('SELECT 1')",
    "text('SELECT ' 'x' + ONE)",
    "text(BOTH[x])",
    "text('BEGIN' if x else 'COMMIT')",
    "text(f'LOCK {ONE}')",
    "self.text(x)",
    "value.text(f'{x}')",
    "connection.exec_driver_sql('ANALYZE')",
    "Markup()",
    "Markup('<b>{}</b>').format(x)",
    "Markup('<b>%s</b>') % x",
    "import json, unpickled",
    "from os import path",
    "yaml.safe_load(x)",
    "self.exec(x)",
    "model.eval()",
    "Environment(autoescape=True)",
    "column.contains(x, autoescape=True)",
    "render_template('x.html')",
)
PLANTED_IN_TEMPLATES = (
    ("safe", "{{ x|safe }}"),
    ("safe", "{{ x | trim | safe }}"),
    ("safe", "{% if a %}{{ f(b)|safe }}{% endif %}"),
    ("safe", "{% set y = x|safe %}"),
    ("safe", "{% filter safe %}{{ x }}{% endfilter %}"),
    ("autoescape", "{% autoescape false %}{{ x }}{% endautoescape %}"),
    ("autoescape", "{%- autoescape x -%}{{ y }}{%- endautoescape -%}"),
)
HARMLESS_IN_TEMPLATES = (
    "{{ x }}",
    "{{ 'V.list'|safe_url_for }}",
    "{{ x.safe }} |safe",
    "{# {{ x|safe }} #}",
    "{% autoescape true %}{{ x }}{% endautoescape %}",
)


@pytest.mark.parametrize(("rule", "source"), PLANTED)
def test_a_planted_example_is_found(rule: str, source: str) -> None:
    assert [finding.rule for finding in in_python(f"{HEAD}{source}\n")] == [rule]


@pytest.mark.parametrize("source", HARMLESS)
def test_a_harmless_neighbour_is_not_found(source: str) -> None:
    assert list(in_python(f"{HEAD}{source}\n")) == []


@pytest.mark.parametrize(("rule", "source"), PLANTED_IN_TEMPLATES)
def test_a_planted_example_is_found_in_a_template(rule: str, source: str) -> None:
    assert [finding.rule for finding in in_template(source)] == [rule]


@pytest.mark.parametrize("source", HARMLESS_IN_TEMPLATES)
def test_a_harmless_neighbour_is_not_found_in_a_template(source: str) -> None:
    assert list(in_template(source)) == []


TOOLS = """import hashlib, os, pickle, subprocess, yaml
from jinja2 import Environment
from markupsafe import Markup
def f(x, connection):
    connection.execute("SELECT a FROM b WHERE c = " + x)
    subprocess.run(x, shell=True)
    os.system(x)
    pickle.loads(x)
    yaml.load(x)
    eval(x)
    exec(x)
    hashlib.md5(x)
    Markup(x)
    Environment(autoescape=False)
"""
RUFF = ("S608", "S602", "S605", "S301", "S506", "S307", "S102", "S324", "S704", "S701")
BANDIT = ("B608", "B602", "B605", "B301", "B506", "B307", "B102", "B324", "B704", "B701")


@functools.cache
def said_by(tool: str) -> frozenset[str]:
    """The codes that a tool of `make lint` names for the planted module, settings as they are."""
    settings = str(ROOT / "pyproject.toml")
    if tool == "ruff":
        options = ("check", "--no-cache", "--output-format=json", "--stdin-filename=app/x.py", "-")
        printed = subprocess.run(
            [sys.executable, "-m", "ruff", *options],
            input=TOOLS, capture_output=True, text=True, cwd=ROOT, check=False,
        ).stdout  # fmt: skip
        return frozenset(each["code"] for each in json.loads(printed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.py")
        path.write_text(TOOLS, encoding="utf-8")
        printed = subprocess.run(
            [sys.executable, "-m", "bandit", "-q", "-f", "json", "-c", settings, str(path)],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
    return frozenset(each["test_id"] for each in json.loads(printed)["results"])


@pytest.mark.parametrize("code", [*RUFF, *BANDIT])
def test_the_tools_of_lint_find_a_planted_example(code: str) -> None:
    assert code in said_by("ruff" if code in RUFF else "bandit")
