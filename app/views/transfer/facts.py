"""What an application for a teacher says, in words for its page."""

from typing import Any

from flask_babel import gettext as _

from app.indicators.catalog import Catalog, language
from app.models.transfer import Transfer
from app.services import transfer
from app.views.widgets import text_of


def facts_of(item: Transfer, known: Catalog) -> list[tuple[Any, str]]:
    """What is said of a transfer so far: name and words of each; what is not said is left out."""
    lang = language()

    def named(name: str) -> str:
        value = getattr(item, name)
        indicator = known.indicator(*transfer.AS_INDICATORS[name])
        return known.label(indicator.code_table, value, lang) if value else ""

    def day(name: str) -> str:
        value = getattr(item, name)
        return text_of(value) if value else ""

    found = [
        (_("Planned date"), day("planned_on")),
        (_("Receiving post"), item.position or ""),
        (_("Reason"), item.reason or ""),
        (_("Document number"), item.document_no or ""),
        (_("Date of the document"), day("document_on")),
        (_("Rotation type"), named("rotation_type")),
        (_("Planned end"), item.planned_end or ""),
        (_("Month of joining"), item.join_month or ""),
        (_("Staff category"), named("staff_category")),
        (_("Post category"), named("post_category")),
        (_("Post grade"), named("post_grade")),
    ]
    return [(label, words) for label, words in found if words]
