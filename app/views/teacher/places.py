"""Where in a file a reason may stand: a part, a row of it, a field, or a field of one row (D5)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import View, is_collected, may_view_set, view_on_file
from app.core.reference import Indicator
from app.indicators.catalog import Catalog, language
from app.models.teacher import Teacher
from app.services import contents
from app.views.record_form import shown_value


class Place(NamedTuple):
    """A place as the API names it (award, award@row, award.level, award.level@row), in words."""

    key: str
    text: str
    hint: str


def places_of(
    session: Session, actor: Actor, teacher: Teacher, catalog: Catalog
) -> Iterator[Place]:
    """Yield the places of a file that the actor sees, in the order of the file.

    The rows of a set are read once, only where it has any.
    """
    counts, lang = contents.counts(session, teacher), language()
    for entry in catalog.category_sets(teacher.category):
        if not may_view_set(actor, entry.code):
            continue
        items = [
            item
            for item in entry.indicators
            if not item.read_only
            and is_collected(item, teacher.category, catalog)
            and view_on_file(actor, item) is not View.HIDDEN
        ]
        name = catalog.name(entry, lang)
        yield Place(entry.code, name, _("The whole part"))
        yield from (Place(item.key, catalog.name(item, lang), name) for item in items)
        if not entry.multi_row or not counts.get(entry.code):
            continue
        for number, record in enumerate(contents.records(session, teacher, entry.code), 1):
            title = row_title(actor, record, items, teacher, catalog)
            row = _("%(name)s, row %(n)s: %(title)s", name=name, n=number, title=title)
            yield Place(f"{entry.code}@{record.uuid}", row, _("One row"))
            for item in items:
                yield Place(f"{item.key}@{record.uuid}", catalog.name(item, lang), row)


def row_title(
    actor: Actor, record: Any, items: list[Indicator], teacher: Teacher, catalog: Catalog
) -> str:
    """How a row is called among its like: its first value that may be shown whole."""
    for item in items:
        value = record.value(item.code)
        if value is not None and view_on_file(actor, item) is View.WHOLE:
            return shown_value(actor, item, value, catalog, teacher.category)
    return "—"
