"""The commands of the demonstration: `flask demo`, `demo-accounts`, `workbooks`."""

import json
import sys
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select

from app.access.actor import system
from app.demo import accounts as demo_accounts_of
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.unit import Unit
from app.services.storage import Storage

LISTED_PER_ROLE = 2  # In the list for people; --json has all.


def register(app: Flask) -> None:
    """Add the commands to the application."""
    for command in (demo, demo_accounts, workbooks):
        app.cli.add_command(command)


@click.command("demo")
@click.option("--schools", default=150, show_default=True)
@click.option("--teachers", default=3000, show_default=True)
@click.option("--seed", "seed_", default=2026, show_default=True)
@click.option("--if-empty", is_flag=True, help="Do nothing where there are units already.")
@with_appcontext
def demo(schools: int, teachers: int, seed_: int, if_empty: bool) -> None:
    """Fill an empty database with an invented city."""
    if not (current_app.config["DEMO"] or current_app.config["TESTING"]):
        sys.exit("Demo data are loaded with APP_ENV=demo only.")
    # The invented city is loaded by the one process that makes it.
    from app.demo import load as demo_load  # noqa: PLC0415

    with system():
        if db.session.scalar(select(func.count()).select_from(Unit)):
            if if_empty:
                return
            sys.exit("The database is not empty.")
        with click.progressbar(length=teachers, label="Loading teachers") as bar:
            demo_load.load(
                db.session(),
                schools=schools,
                teachers=teachers,
                seed=seed_,
                progress=lambda done, _all: bar.update(done - bar.pos),
            )
        db.session.commit()
    _move()


def _move() -> None:
    """Let people come, go and change in the loaded city; they act as themselves."""
    from app.demo.movement import act_out  # noqa: PLC0415

    session = db.session()
    act_out(session, catalog(session), Storage.of(current_app.config))
    session.commit()


@click.command("demo-accounts")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@with_appcontext
def demo_accounts(as_json: bool) -> None:
    """List some accounts of each role, or all of them as JSON."""
    with system():
        rows = demo_accounts_of.demo_accounts(
            db.session, limit_per_role=None if as_json else LISTED_PER_ROLE
        )
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['role']:<18}{row['username']:<24}{row['password']:<16}{row['org']}")


@click.command("workbooks")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def workbooks(folder: Path) -> None:
    """Write workbooks to try the import with, good and hostile, and an index, into FOLDER."""
    from app.demo.workbooks import make_workbooks  # noqa: PLC0415

    session = db.session()
    for made in make_workbooks(session, folder, catalog(session)):
        click.echo(f"{made.path.name}  {made.username}  {made.recipe.holds}")
