"""Rules for tests themselves: none leaves rows behind for the next one on its database."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
# What rolls back, or has a database of its own.
ROLLED_BACK = {"session", "live_app"}


def leaving(source: str) -> Iterator[str]:
    """The tests of a module that sign in on the shared database without rolling back."""
    functions = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef)]
    arguments = {each.name: [arg.arg for arg in each.args.args] for each in functions}
    for each in functions:
        if not each.name.startswith("test_") or "sign_in" not in ast.unparse(each):
            continue
        asked: set[str] = set()
        todo = list(arguments[each.name])
        while todo:
            name = todo.pop()
            if name not in asked:
                asked.add(name)
                todo += arguments.get(name, [])
        if "app" in asked and not asked & ROLLED_BACK:
            yield each.name


def test_a_test_that_signs_in_on_the_shared_database_rolls_back() -> None:
    found = {
        path.name: names
        for path in sorted(TESTS.rglob("test_*.py"))
        if (names := list(leaving(path.read_text(encoding="utf-8"))))
    }

    assert not found


def test_a_test_that_does_not_is_found() -> None:
    planted = "def test_x(app, world):\n    sign_in(app, world, 'a').get('/')\n"

    assert list(leaving(planted)) == ["test_x"]
    assert not list(leaving(planted.replace("world)", "session)", 1)))
