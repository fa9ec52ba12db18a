"""Every table has an answer to "who sees its rows", and every way around the scope is listed."""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask_appbuilder import Model
from sqlalchemy import func, select

from app import models
from app.access.actor import system
from app.access.scope import RULES
from app.extensions import db
from tests.invariants.addresses import furnish

APP = Path(__file__).resolve().parents[2] / "app"

# Tables that hold nothing about a person or belong to a scoped parent that is loaded first.
PUBLIC = {
    "assert_parent": {
        "contributor", "none_answer", "name_gram", "open_process", "import_row", "review_claim",
    },
    "history": {"transition", "audit_seal"},
    "keys": {"key_fingerprint"},
    "reference": {
        "indicator_set", "indicator", "indicator_rule", "code", "region", "school_type",
        "check_rule", "parameter", "number_sequence", "round", "round_extension", "district",
        "special_day",
    },
    "own": {"submit_key"},
}  # fmt: skip

# Where the scope is left, with the reason.
UNSCOPED = {
    "access/actor.py": "resolves the actor before there is a scope",
    "access/scope.py": "takes the word at its only place",
    "services/facts.py": "a duplicate counts wherever it lies; yes or no comes out of it",
    "services/identity.py": "a duplicate counts wherever it lies; yes or no comes out of it",
    "services/attachment.py": "evidence of a process in scope may lie at its other side",
    "services/affiliation.py": "a person leaves one school for another by one step",
    "services/grant.py": "a file as it was when it left, for the school that has the grant",
    "services/look_up.py": "the count of look-ups of the account, from the log",
    "services/queue.py": "whether a head leaves alone, asked by the receiving side; yes or no",
    "services/transfer.py": "a person elsewhere by exact number and name; name, school and mask",
    "services/transfer_rotation.py": "rotations of a person elsewhere; whether periods overlap",
    "services/transfer_step.py": "both sides of a transfer; state and place of the file only",
    "services/transfer_take.py": "a file goes from one school to another by one step",
    "services/handover.py": "both sides of a transfer hand over; numbers of records and colleagues",
    "services/exclusive.py": "what is open of a person counts anywhere; kind and school only",
    "services/leaver.py": "roles of who has left, and of the delegates, lie in other accounts",
    "services/status_step.py": "whether a file has moved on, and what moved it; yes or no",
    "services/rotation.py": "a host lies in any district; schools are named by the public register",
    "services/register.py": "names of schools and authorities, by the public register",
    "services/guest.py": "name and category of the school that sends a guest, from the register",
    "services/key.py": "sealed values of all tables, for the operator; place and id come out of it",
    "services/delegation.py": "colleagues of the own unit, and in whose place an act was taken",
    "services/monitor.py": "when schools in scope were urged, in the audit log",
    "services/job.py": "claims and fenced progress of workers, before there is an actor",
    "services/export_right.py": "approvers lie in other accounts and units; may_approve() decides",
    "exchange/teacher_import/checking.py": "whose file elsewhere a workbook has met, for the log",
    "demo/accounts.py": "lists the demonstration's accounts for the operator",
    "services/notice.py": "recipients lie in other units",
    "services/reveal.py": "the count of reveals of the account itself, in the audit log",
    "services/round.py": "the particulars of the unit of a file in scope",
    "services/contents.py": "the particulars of the unit of a file in scope",
    "services/review.py": "whether a file of the school waits, asked also for a teacher's own act",
    "cli.py": "the operator's count of files",
}


# Where work is done as the system itself, which sees and writes everything, with the reason.
AS_SYSTEM = {
    "__init__.py": "production asks at its start for accounts of the demonstration",
    "access/actor.py": "defines it",
    "access/scope.py": "gives the system no predicate",
    "cli.py": "commands of the operator",
    "jobs/status_change.py": "takes the step of the night as the system, in a job that nobody owns",
    "jobs/wiring.py": "jobs that nobody ordered: nightly work",
    "workflows/parties.py": "says which steps are the system's own",
    "workflows/lapsing.py": "ends what is open of a file that is closed, inside the scope",
    "workflows/transfer.py": "takes the system's own steps; who ends a service knows of none",
    "workflows/reopening.py": "takes the system's own step of the review, inside the scope",
    "views/health.py": "the age of the queue, a yes or no for a machine that watches",
    "demo/commands.py": "the operator builds the demonstration",
    "demo/workbooks.py": "the operator makes sample workbooks",
    "demo/load.py": "the operator loads the demonstration",
    "demo/movement.py": "reads who there is in the demonstration, before anybody acts",
}
# Where SQL goes past the ORM, and so past the scope, with the reason.
RAW = {
    "__init__.py": "the engine, for the fingerprints of keys",
    "core/database.py": "begins transactions of SQLite",
    "models/base.py": "conditions of partial indexes",
    "models/fences.py": "triggers and grants of a schema",
    "models/record.py": "the name of a key inside a column, checked to be an identifier",
    "services/audit.py": "an advisory lock",
    "services/audit_chain.py": "an advisory lock, and the oldest transaction",
    "services/integrity.py": "asks whether the triggers are there",
    "reports/figures.py": "the constant NULL",
    "views/health.py": "SELECT 1, and the revision of the schema",
    "jobs/wiring.py": "a session of the ORM for a worker, scoped like any other",
    "cli.py": "grants of a role, and the lock of whoever prepares the database",
    "services/key.py": "fingerprints of keys, read before there is a session",
    "views/once.py": "an insert that another request may have made first",
    "demo/load.py": "mass loading by the operator",
    "demo/store.py": "mass loading by the operator",
}
METHODS = {"exec_driver_sql", "raw_connection", "connect"}
RAW_CALLS = {"text", "literal_column"} | METHODS
RAW_OWNERS = {"session", "db", "engine", "_session"}


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _leaves_scope(path: Path) -> bool:
    return any(
        (isinstance(node, ast.keyword) and node.arg == "unscoped")
        or (isinstance(node, ast.Constant) and node.value == "unscoped")
        for node in _nodes(path)
    )


def _is_system(path: Path) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == "SYSTEM_ACTOR")
        or (isinstance(node, ast.Call) and _called(node) == "system")
        for node in _nodes(path)
    )


def _called(node: ast.Call) -> str:
    """The last name of what is called."""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _is_raw(path: Path) -> bool:
    """Whether a file writes SQL by hand or takes a connection from under the session."""
    for node in _nodes(path):
        if isinstance(node, ast.Call) and _called(node) in RAW_CALLS and _is_sql(node):
            return True
        if isinstance(node, ast.Attribute) and node.attr in ("connection", "engine"):
            owner = getattr(node.value, "id", getattr(node.value, "attr", ""))
            owner = owner or getattr(getattr(node.value, "func", None), "attr", "")
            if owner in RAW_OWNERS:
                return True
    return False


def _is_sql(node: ast.Call) -> bool:
    """A bare text(…) is SQLAlchemy's; a method of that name is not."""
    return isinstance(node.func, ast.Name) or _called(node) in METHODS


FENCES: Mapping[str, tuple[Callable[[Path], bool], Mapping[str, str]]] = {
    "unscoped": (_leaves_scope, UNSCOPED),
    "system": (_is_system, AS_SYSTEM),
    "raw": (_is_raw, RAW),
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


@pytest.mark.parametrize("kind_of_use", FENCES)
def test_the_scope_is_left_only_where_it_is_explained(kind_of_use: str) -> None:
    uses, explained = FENCES[kind_of_use]
    found = {str(path.relative_to(APP)) for path in APP.rglob("*.py") if uses(path)}

    assert found - set(explained) == set()
    assert set(explained) - found == set(), "explained, but not there"


@pytest.mark.parametrize(
    ("source", "kind_of_use"),
    [
        ("session.execute(text('SELECT 1'))", "raw"),
        ("db.session.connection()", "raw"),
        ("db.session().connection().execute(x)", "raw"),
        ("db.engine.connect()", "raw"),
        ("session.get_bind().connect()", "raw"),
        ("connection.exec_driver_sql('x')", "raw"),
        ("with system(): pass", "system"),
        ("with scope.system(): pass", "system"),
        ("acting_as(SYSTEM_ACTOR)", "system"),
        ("query.execution_options(unscoped=True)", "unscoped"),
        ("session.info['unscoped'] = True", "unscoped"),
    ],
)
def test_the_fence_finds_every_way_around_the_scope(
    tmp_path: Path, source: str, kind_of_use: str
) -> None:
    path = tmp_path / "planted.py"
    path.write_text(source)

    assert FENCES[kind_of_use][0](path)


def test_without_an_actor_no_row_of_any_scoped_table_is_seen(
    app: Any, session: Any, world: Any
) -> None:
    """A job or command that forgets to say who acts sees nothing (SEC-08)."""
    furnish(app, session, world)
    db.session.expire_all()
    scoped = [
        mapper.class_
        for mapper in Model.registry.mappers
        if any(cls in RULES for cls in mapper.class_.__mro__)
    ]

    def counts() -> dict[str, int]:
        return {
            cls.__name__: session.scalar(select(func.count()).select_from(cls)) for cls in scoped
        }

    bare = counts()
    with system():
        whole = counts()

    assert {name for name, number in bare.items() if number} == set()
    assert sum(1 for number in whole.values() if number) > 25
    assert all(len(session.scalars(select(cls)).all()) == 0 for cls in scoped)
