"""Every table has an answer to "who sees its rows", and every way around the scope is listed."""

import ast
from pathlib import Path

from flask_appbuilder import Model

from app import models
from app.access.scope import RULES

APP = Path(__file__).resolve().parents[2] / "app"

# Tables that hold nothing about a person or belong to a scoped parent that is loaded first.
PUBLIC = {
    "assert_parent": {"contributor", "none_answer", "name_gram", "open_process", "import_row"},
    "history": {"transition", "audit_seal"},
    "reference": {
        "indicator_set", "indicator", "indicator_rule", "code", "region", "school_type",
        "check_rule", "parameter", "number_sequence", "round", "round_extension", "district",
    },
    "own": {"submit_key"},
}  # fmt: skip

# Where the scope is left, with the reason.
UNSCOPED = {
    "access/scope.py": "resolves the actor before there is a scope",
    "services/check.py": "a duplicate counts wherever it lies; yes or no comes out of it",
    "services/monitor.py": "when schools in scope were urged, in the audit log",
    "services/job.py": "claims and fenced progress of workers, before there is an actor",
    "services/export_right.py": "approvers lie in other accounts and units; may_approve() decides",
    "exchange/teacher_import/checking.py": "the count of look-ups of the account, from the log",
    "demo/accounts.py": "lists the demonstration's accounts for the operator",
    "services/notice.py": "recipients lie in other units",
    "services/reveal.py": "the count of reveals of the account itself, in the audit log",
    "services/round.py": "the particulars of the unit of a file in scope",
    "services/file.py": "the particulars of the unit of a file in scope",
    "workflows/parties.py": "the heads of the school of a file in scope",
    "cli.py": "the operator's count of files",
}


def test_every_mapped_class_is_scoped_or_public() -> None:
    models.load_all()
    listed = set().union(*PUBLIC.values())
    forgotten = []
    for mapper in Model.registry.mappers:
        table = mapper.local_table.name
        scoped = any(cls in RULES for cls in mapper.class_.__mro__)
        if not scoped and table not in listed and not table.startswith("ab_"):
            forgotten.append(table)

    assert not forgotten


def _uses(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "unscoped":
            return True
        if isinstance(node, ast.Constant) and node.value == "unscoped":
            return True
    return False


def test_the_scope_is_left_only_where_it_is_explained() -> None:
    found = {str(path.relative_to(APP)) for path in APP.rglob("*.py") if _uses(path)}

    assert found <= set(UNSCOPED)


def test_no_place_is_explained_that_does_not_exist() -> None:
    assert {name for name in UNSCOPED if not _uses(APP / name)} == set()
