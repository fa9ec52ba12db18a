"""The least that could answer: hand-written SQL and one small template, served by gunicorn.

The figures of the application are ratios to these, on the same database in the same run.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Template
from sqlalchemy import create_engine, text

engine = create_engine(os.environ["FLOOR_URL"], pool_size=2)
SIZE = 25

ROWS = """SELECT t.id, t.name, t.sex, u.name AS school, t.title, t.education, t.subject,
 t.post_category, t.state, t.complete_percent FROM teacher t JOIN unit u ON u.id = t.school_id"""

PAGE = Template(
    "<!doctype html><title>{{ title }}</title><p>{{ total }}</p><table>"
    "{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell|e }}</td>{% endfor %}</tr>"
    "{% endfor %}</table>"
)

QUERIES: dict[str, tuple[str, str | None]] = {
    "j1": (
        f"{ROWS} ORDER BY t.name, t.id LIMIT {SIZE}",
        "SELECT count(*) FROM teacher",
    ),
    "j1_district": (
        f"{ROWS} WHERE t.authority_id = :unit ORDER BY t.name, t.id LIMIT {SIZE}",
        "SELECT count(*) FROM teacher WHERE authority_id = :unit",
    ),
    "j1_school": (
        f"{ROWS} WHERE t.school_id = :unit ORDER BY t.name, t.id LIMIT {SIZE}",
        "SELECT count(*) FROM teacher WHERE school_id = :unit",
    ),
    "j2": (
        f"{ROWS} WHERE t.authority_id = :authority AND t.name LIKE :name"
        f" ORDER BY t.name, t.id LIMIT {SIZE}",
        "SELECT count(*) FROM teacher WHERE authority_id = :authority AND name LIKE :name",
    ),
    "j3": (
        f"{ROWS} ORDER BY t.name, t.id LIMIT {SIZE} OFFSET :offset",
        "SELECT count(*) FROM teacher",
    ),
    "j5": (
        "SELECT title, count(*) FROM teacher"
        " WHERE active AND state IN ('effective','city_accepted','reported')"
        " GROUP BY title ORDER BY 2 DESC",
        None,
    ),
}
SETS = ("basic", "learning", "work", "post")


def answer(path: str, given: dict[str, Any]) -> str:
    """The page of one job."""
    with engine.connect() as connection:
        if path == "j4":
            return _file(connection, int(given["id"]))
        rows, total = QUERIES[path]
        values = {key: int(v) if v.isdigit() else v for key, v in given.items()}
        found = connection.execute(text(rows), values).all()
        count = connection.execute(text(total), values).scalar() if total else len(found)
    return PAGE.render(title=path, rows=found, total=count)


def _file(connection: Any, key: int) -> str:
    parts = [connection.execute(text(f"{ROWS} WHERE t.id = :id"), {"id": key}).all()]
    for code in SETS:
        statement = f"SELECT * FROM rec_{code} WHERE teacher_id = :id AND valid_to IS NULL"
        parts.append(connection.execute(text(statement), {"id": key}).all())
    return "".join(PAGE.render(title="j4", rows=rows, total=len(rows)) for rows in parts)


def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """The WSGI application."""
    given = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
    body = answer(environ["PATH_INFO"].strip("/"), given).encode()
    start(
        "200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
    )
    return [body]
