"""Names of sets, indicators and codes in the reader's language, taken from the catalogue."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from app.extensions import db
from app.indicators.catalog import Catalog, catalog, language
from app.models.change import AdditionState, ChangeKind, ChangeState
from app.models.teacher import ReviewState
from app.models.transfer import TransferState
from app.services.projection import LIST_COLUMNS
from app.services.unit import COPIED, PARTICULARS
from app.views.widgets import Badge, badge_of

# Icon and tint of each state of the file review.
REVIEW_BADGES: Mapping[Any, tuple[str, str]] = {
    ReviewState.DRAFT: ("pencil", "draft"),
    ReviewState.SUBMITTED: ("clock", "wait"),
    ReviewState.RETURNED: ("arrow-back-up", "back"),
    ReviewState.SCHOOL_CONFIRMED: ("hourglass", "wait"),
    ReviewState.EFFECTIVE: ("circle-check", "good"),
    ReviewState.CITY_ACCEPTED: ("checks", "good"),
    ReviewState.REPORTED: ("building-bank", "info"),
}
REVIEW_STATES = "wf_review_state"
# The words of the code table say who waits for whom; a badge has room for a few characters.
REVIEW_WORDS: Mapping[str, Any] = {
    ReviewState.DRAFT: _l("Draft"),
    ReviewState.SUBMITTED: _l("At the school"),
    ReviewState.RETURNED: _l("Returned"),
    ReviewState.SCHOOL_CONFIRMED: _l("At the authority"),
    ReviewState.EFFECTIVE: _l("Effective"),
    ReviewState.CITY_ACCEPTED: _l("Accepted by the city"),
    ReviewState.REPORTED: _l("Reported"),
}

# Additions and changes: one set of states, since those of the same name mean the same.
PROCESS_BADGES: Mapping[Any, tuple[str, str]] = {
    ChangeState.DRAFT: ("pencil", "draft"),
    AdditionState.PENDING_SCHOOL: ("clock", "wait"),
    ChangeState.PENDING_AUTHORITY: ("hourglass", "wait"),
    ChangeState.APPROVED: ("circle-check", "good"),
    ChangeState.REJECTED: ("circle-x", "bad"),
    ChangeState.WITHDRAWN: ("arrow-back", "draft"),
    ChangeState.SUPERSEDED: ("circle-off", "draft"),
}
PROCESS_WORDS: Mapping[str, Any] = {
    ChangeState.DRAFT: _l("Draft"),
    AdditionState.PENDING_SCHOOL: _l("At the school"),
    ChangeState.PENDING_AUTHORITY: _l("At the authority"),
    ChangeState.APPROVED: _l("In force"),
    ChangeState.REJECTED: _l("Rejected"),
    ChangeState.WITHDRAWN: _l("Withdrawn"),
    ChangeState.SUPERSEDED: _l("Lapsed"),
}
FLOW_WORDS: Mapping[str, Any] = {"addition": _l("Addition"), "change": _l("Change")}
KIND_WORDS: Mapping[str, Any] = {
    ChangeKind.ADD: _l("New record"),
    ChangeKind.FILL: _l("Blank values filled in"),
    ChangeKind.MODIFY: _l("Values altered"),
    ChangeKind.DELETE: _l("Record removed"),
}


# Transfers, by whom they wait for.
TRANSFER_BADGES: Mapping[Any, tuple[str, str]] = {
    TransferState.DRAFT: ("pencil", "draft"),
    TransferState.PENDING_IN_AUTHORITY: ("clock", "wait"),
    TransferState.PENDING_OUT_SCHOOL: ("clock", "wait"),
    TransferState.PENDING_OUT_AUTHORITY: ("clock", "wait"),
    TransferState.READY_TO_TAKE: ("archive", "info"),
    TransferState.COMPLETED: ("circle-check", "good"),
    TransferState.REJECTED: ("circle-x", "back"),
    TransferState.WITHDRAWN: ("arrow-back", "draft"),
    TransferState.CANCELLED: ("circle-off", "draft"),
}
TRANSFER_WORDS: Mapping[str, Any] = {
    TransferState.DRAFT: _l("Draft"),
    TransferState.PENDING_IN_AUTHORITY: _l("At the receiving authority"),
    TransferState.PENDING_OUT_SCHOOL: _l("At the sending school"),
    TransferState.PENDING_OUT_AUTHORITY: _l("At the sending authority"),
    TransferState.READY_TO_TAKE: _l("Ready to take"),
    TransferState.COMPLETED: _l("Completed"),
    TransferState.REJECTED: _l("Rejected"),
    TransferState.WITHDRAWN: _l("Withdrawn"),
    TransferState.CANCELLED: _l("Cancelled"),
}

# The catalogue names the groups of sets in Chinese only.
GROUPS: Mapping[str, Any] = {
    "基本信息": _l("Basic information"),
    "北京扩展": _l("Beijing extension"),
    "个人经历": _l("Career so far"),
    "聘任": _l("Appointment"),
    "待遇考核": _l("Pay and appraisal"),
    "资格技能": _l("Certificates and skills"),
    "教育教学": _l("Teaching"),
    "教学科研成果及获奖": _l("Results and awards"),
    "发展": _l("Development"),
    "联系方式": _l("Contact"),
}


# The few indicators that views name, and the only place where they do (a fence says so): columns of
# a file or a unit that lists and charts read without a join.
FROM_ROWS: Mapping[str, tuple[str, str]] = {
    "stage": ("teaching", "stage"),
    "subject": ("teaching", "subject"),
    "backbone": ("bj_ext", "backbone_highest"),
}
COLUMNS: Mapping[str, tuple[str, str]] = {
    "name": ("basic", "name"),
    "id_no": ("basic", "id_no"),
    "teacher_no": ("basic", "teacher_no"),
    **LIST_COLUMNS,
    **FROM_ROWS,
    **{column: (PARTICULARS, code) for code, column in COPIED.items() if column != "name"},
}


class CatalogName(LazyString):
    """A name read when it is printed; it is there without being read, so that views can be
    registered before the database exists."""

    def __bool__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        # Flask-AppBuilder looks for marks of its own on every attribute of a view.
        if name.startswith("_"):
            raise AttributeError(name)
        return super().__getattr__(name)


def present_catalog() -> Catalog:
    """Return the catalogue in force, for the request."""
    return catalog(db.session())


def indicator_label(set_code: str, code: str) -> CatalogName:
    """Return the name of an indicator, read when it is printed."""

    def read() -> str:
        known = present_catalog()
        return known.name(known.indicator(set_code, code), language())

    return CatalogName(read)


def column_label(column: str) -> CatalogName:
    """Return the name of the indicator behind a column of files or units."""
    return indicator_label(*COLUMNS[column])


def set_label(set_code: str) -> CatalogName:
    """Return the name of a set, read when it is printed."""

    def read() -> str:
        known = present_catalog()
        return known.name(known.set(set_code), language())

    return CatalogName(read)


def short_set_name(entry: Any, catalog: Catalog) -> str:
    """Return the name of a set without the name of its group before it."""
    name = catalog.name(entry, language())
    return name.removeprefix(f"{entry.group_zh}-")


def group_label(group_zh: str) -> str:
    """Return the name of a group of sets."""
    return str(GROUPS.get(group_zh, group_zh))


def code_choices(table: str) -> Callable[[], list[tuple[str, str]]]:
    """Return what `code_columns` of a list wants: a function giving codes and names."""

    def choices() -> list[tuple[str, str]]:
        known, lang = present_catalog(), language()
        return [(each.code, known.name(each, lang)) for each in known.codes(table).values()]

    return choices


def review_words() -> list[tuple[str, Any]]:
    """Return the states of the file review in the order of their way, for `code_columns`."""
    return [(str(state), words) for state, words in REVIEW_WORDS.items()]


def review_state(state: str) -> Badge:
    """Return the badge of a state of the file review."""
    return badge_of(state, REVIEW_BADGES, REVIEW_WORDS[state])


def process_state(state: str) -> Badge:
    """Return the badge of a state of an addition or change."""
    return badge_of(state, PROCESS_BADGES, PROCESS_WORDS[state])


def transfer_words() -> list[tuple[str, Any]]:
    """Return the states of transfers in the order of their way, for `code_columns`."""
    return [(str(state), words) for state, words in TRANSFER_WORDS.items()]


def transfer_state(state: str) -> Badge:
    """Return the badge of a state of a transfer."""
    return badge_of(state, TRANSFER_BADGES, TRANSFER_WORDS[state])
