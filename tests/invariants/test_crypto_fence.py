"""One place of cryptography, one place where sealed values are read for people (SEC-39)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
CRYPTO = "core/crypto.py"
LIBRARIES = {"cryptography", "Crypto", "Cryptodome", "nacl", "gmssl", "OpenSSL"}
# Who opens seals besides the place that answers an error for a cell: each says itself what a
# broken one means there, or checks the keys.
OPENERS = {
    "core/sealed.py", "exchange/teacher_import/staging.py", "services/compare.py",
    "services/key.py", "services/report.py", "services/storage.py", "views/health.py",
}  # fmt: skip
TOOLS = {"import_module", "__import__"}


def imported(source: str) -> Iterator[tuple[str, str]]:
    """Module and name of everything that a source imports, wherever in it and however."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", each.name) for each in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            if called in TOOLS and isinstance(first, ast.Constant):
                yield str(first.value), ""


def sources() -> dict[str, str]:
    """The sources of the application by path."""
    return {
        path.relative_to(APP).as_posix(): path.read_text(encoding="utf-8")
        for path in APP.rglob("*.py")
    }


def uses_library(source: str) -> bool:
    return any(module.partition(".")[0] in LIBRARIES for module, _name in imported(source))


def opens_seals(source: str) -> bool:
    names = {name for module, name in imported(source) if module == "app.core.crypto"}
    return bool(names & {"unseal", "*"}) or "crypto.unseal" in source


@pytest.mark.parametrize(
    "source",
    [
        "import cryptography",
        "from cryptography.fernet import Fernet",
        "def f():\n    from cryptography.hazmat import primitives as p",
        "import importlib\nimportlib.import_module('cryptography.x509')",
        "__import__('nacl.secret')",
    ],
)
def test_the_fence_sees_an_import_in_every_form(source: str) -> None:
    assert uses_library(source)
    assert not uses_library("from app.core.crypto import seal\nimport cryptic")


def test_only_one_file_imports_a_library_of_cryptography() -> None:
    assert [path for path, source in sources().items() if uses_library(source)] == [CRYPTO]


def test_nobody_opens_a_seal_without_an_answer_for_a_broken_one() -> None:
    assert {path for path, source in sources().items() if opens_seals(source)} == OPENERS
