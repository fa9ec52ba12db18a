"""The commands: `flask seed`, `create-admin`, `worker`, `nightly`, `check`, `grants`,
`rotate-keys`, `audit verify`, `audit purge`."""

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import func, select, text
from werkzeug.security import generate_password_hash

from app.access.actor import system
from app.access.roles import Role
from app.core.clock import BEIJING, today
from app.core.crypto import ring_in_use
from app.core.database import prepared_by_one
from app.core.errors import Refused
from app.core.reference import SEEDS
from app.exchange import seed_loader
from app.extensions import db
from app.indicators.catalog import catalog
from app.jobs import nightly as nightly_jobs
from app.jobs import worker as job_worker
from app.models import fences
from app.models.account import Account, Assignment
from app.models.teacher import Teacher
from app.models.unit import Unit, UnitKind
from app.services import audit, audit_chain, integrity, key
from app.services.storage import Storage

MIN_PASSWORD = 10

audit_group = AppGroup("audit", help="The audit log.")


def register(app: Flask) -> None:
    """Add the commands to the application."""
    commands = (seed, create_admin, worker, nightly, check, grants, rotate_keys, audit_group)
    for command in commands:
        app.cli.add_command(command)


@click.command("seed")
@click.option("--folder", default=str(SEEDS), help="Folder with the CSV files.")
@with_appcontext
def seed(folder: str) -> None:
    """Load the reference data; a second run changes nothing."""
    try:
        with system(), prepared_by_one(db.engine):
            counts = seed_loader.load_reference(db.session, Path(folder))
            if counts.any_change:
                detail = {"seed": asdict(counts)}
                audit.record(db.session(), "setting", actor=None, detail=detail)
            db.session.commit()
    except Refused as refused:
        for problem in refused.problems:
            click.echo(problem.message, err=True)
        sys.exit(1)
    click.echo(counts)


@click.command("create-admin")
@click.option("--username", prompt=True)
@click.option("--name", prompt=True)
@click.password_option()
@with_appcontext
def create_admin(username: str, name: str, password: str) -> None:
    """Make the first system administrator of the city."""
    classes = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    strong = sum(any(map(kind, password)) for kind in classes) >= 3
    if len(password) < MIN_PASSWORD or not strong or username.lower() in password.lower():
        sys.exit("The password needs 10 characters of three kinds and no user name in it.")
    with system():
        city = db.session.scalar(select(Unit).where(Unit.kind == UnitKind.CITY))
        if city is None:
            city = Unit(code="110000", name="北京市教育委员会", kind=UnitKind.CITY)
            db.session.add(city)
        account = Account(
            username=username,
            first_name=name,
            last_name="",
            email=f"{username}@account.invalid",
            active=True,
            password=generate_password_hash(password),
        )
        db.session.add(account)
        db.session.flush()
        granted = Assignment(
            account_id=account.id, role=Role.CITY_SYSTEM, unit_id=city.id, valid_from=today()
        )
        db.session.add(granted)
        audit.record(db.session(), "account", actor=None, object=account)
        detail = {"account": account.id, "role": str(granted.role), "unit": city.id}
        audit.record(db.session(), "role_grant", actor=None, object=granted, detail=detail)
        db.session.commit()


@click.command("worker")
@click.option("--once", is_flag=True, help="Carry out what waits, then stop.")
@with_appcontext
def worker(once: bool) -> None:
    """Carry out the jobs in the queue."""
    job_worker.work(current_app._get_current_object(), once=once)  # type: ignore[attr-defined]


@click.command("nightly")
@with_appcontext
def nightly() -> None:
    """Put today's nightly jobs in the queue and carry them out."""
    with system():
        nightly_jobs.enqueue_all(db.session())
        db.session.commit()
    job_worker.work(current_app._get_current_object(), once=True)  # type: ignore[attr-defined]


@click.command("check")
@with_appcontext
def check() -> None:
    """Check the integrity of the data; exits with 1 and a line per fault."""
    with system():
        faults = integrity.find_faults(db.session(), catalog(db.session()))
        if current_app.config["APP_ENV"] == "production":
            tables = fences.alterable(db.session.connection())
            faults += [f"the role of this process may change {name}" for name in tables]
    for fault in faults:
        click.echo(fault)
    count = db.session.scalar(
        select(func.count()).select_from(Teacher).execution_options(unscoped=True)
    )
    click.echo(f"{count} files, {len(faults)} faults")
    sys.exit(1 if faults else 0)


@click.command("grants")
@click.argument("role")
@with_appcontext
def grants(role: str) -> None:
    """Give ROLE the rights of the web process; run as the owner, again after every upgrade."""
    if db.engine.dialect.name != "postgresql":
        sys.exit("SQLite has no roles; its triggers alone keep the history.")
    with db.engine.begin() as connection:
        known = text("SELECT true FROM pg_roles WHERE rolname = :role")
        if not connection.scalar(known, {"role": role}):
            sys.exit(f"There is no role {role}.")
        for statement in fences.grant_statements(role, db.metadata):
            connection.exec_driver_sql(statement)
    click.echo(f"{role} has the rights of the web process.")


@click.command("rotate-keys")
@with_appcontext
def rotate_keys() -> None:
    """Bring all sealed values, indexes and files to the keys in force; may be broken off.

    Exits with 1 and a line per place where something is left under another key.
    """
    storage = Storage.of(current_app.config)
    with system():
        for place, count in key.rotate(db.session(), storage):
            click.echo(f"{place}: {count}")
        places = key.left(db.session(), storage)
        gone = [] if places else key.retire(db.session())
        db.session.commit()
    for place in places:
        click.echo(f"left under another key: {place}")
    if gone:
        click.echo(f"no longer used: {', '.join(gone)}")
    sys.exit(1 if places else 0)


@audit_group.command("purge")
@click.option("--before", required=True, type=click.DateTime(["%Y-%m-%d"]), help="A day.")
@with_appcontext
def purge(before: datetime) -> None:
    """Delete audit rows of before a day; run as the owner. Refuses what must be kept."""
    try:
        with system():
            count = audit_chain.purge(db.session(), before.replace(tzinfo=BEIJING))
            db.session.commit()
    except Refused as refused:
        sys.exit(str(refused))
    click.echo(f"{count} rows deleted")


@audit_group.command("verify")
@with_appcontext
def verify() -> None:
    """Check the chain of the audit log; exits with 1 and a line per finding."""
    head = Path(current_app.config["AUDIT_HEAD_FILE"])
    with system():
        findings = audit_chain.verify(db.session(), ring_in_use(), head)
    for finding in findings:
        click.echo(finding)
    click.echo("The audit log is whole." if not findings else f"{len(findings)} findings")
    sys.exit(1 if findings else 0)
