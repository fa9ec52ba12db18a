"""The commands: `flask seed`, `create-admin`, `worker`, `nightly`, `check`, `audit verify`."""

import sys
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import func, select
from werkzeug.security import generate_password_hash

from app.access.roles import Role
from app.access.scope import system
from app.core.clock import today
from app.core.crypto import ring_in_use
from app.core.errors import Refused
from app.core.reference import SEEDS
from app.exchange import seed_loader
from app.extensions import db
from app.indicators.catalog import catalog
from app.jobs import nightly as nightly_jobs
from app.jobs import worker as job_worker
from app.models.account import Account, Assignment
from app.models.teacher import Teacher
from app.models.unit import Unit, UnitKind
from app.services import audit, audit_chain, integrity

MIN_PASSWORD = 10

audit_group = AppGroup("audit", help="The audit log.")


def register(app: Flask) -> None:
    """Add the commands to the application."""
    for command in (seed, create_admin, worker, nightly, check, audit_group):
        app.cli.add_command(command)


@click.command("seed")
@click.option("--folder", default=str(SEEDS), help="Folder with the CSV files.")
@with_appcontext
def seed(folder: str) -> None:
    """Load the reference data; a second run changes nothing."""
    try:
        with system():
            counts = seed_loader.load_reference(db.session, Path(folder))
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
        db.session.add(
            Assignment(
                account_id=account.id,
                role=Role.CITY_SYSTEM,
                unit_id=city.id,
                valid_from=today(),
            )
        )
        audit.record(db.session, "account", actor=None, object=account)
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
    for fault in faults:
        click.echo(fault)
    count = db.session.scalar(
        select(func.count()).select_from(Teacher).execution_options(unscoped=True)
    )
    click.echo(f"{count} files, {len(faults)} faults")
    sys.exit(1 if faults else 0)


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
