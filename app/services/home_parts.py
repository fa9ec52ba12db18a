"""What a home page is made of: figures, what waits, rounds, and the kinds of files that wait."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l

from app.access.roles import AUTHORITIES, Role
from app.core import clock
from app.models.change import AdditionState, ChangeState
from app.models.teacher import ReviewState
from app.services.listed import Where


@dataclass(frozen=True)
class Figure:
    """A number with the list that has exactly so many rows. `tone` is "bad" for what is wrong,
    `about` says what is counted."""

    key: str
    label: Any
    count: int
    list: str
    where: tuple[Where, ...] = ()
    note: Any = ""
    tone: str = ""
    about: Any = ""


@dataclass(frozen=True)
class TodoItem:
    """One kind of work that waits: how much, since when, and the list of exactly that.

    `overdue` says that the oldest waits longer than the parameter reminder_working_days, or past
    the last day of the unit.
    """

    key: str
    label: Any
    count: int
    list: str
    where: tuple[Where, ...] = ()
    oldest: datetime | None = None
    overdue: bool = False
    icon: str = "file-check"
    note: Any = ""


@dataclass(frozen=True)
class RoundLine:
    """A round under way as it concerns the actor: `due` is the own last day."""

    id: int
    name: str
    due: date
    stage: Any
    is_extended: bool
    behind: int | None = None
    schools: int | None = None

    @property
    def days_left(self) -> int:
        """Days until the last day; negative when it has passed."""
        return (self.due - clock.today()).days


class Kind(NamedTuple):
    """Files of the queue in one state, as they wait for some roles. `ages`: those that wait too
    long are overdue; `faulty`: only the files with errors."""

    key: str
    label: Any
    icon: str
    state: ReviewState
    roles: frozenset[Role]
    ages: bool = True
    faulty: bool = False


class ProcessKind(NamedTuple):
    """Additions or changes in one state, as they wait for some roles; `ages` as of Kind."""

    key: str
    label: Any
    icon: str
    flow: str
    state: str
    roles: frozenset[Role]
    ages: bool = True


State = ReviewState
CLERK, HEAD = frozenset({Role.SCHOOL_INFO}), frozenset({Role.SCHOOL_HEAD})
CITY = frozenset({Role.CITY_INFO})
BACK, FILE, HERS = "arrow-back-up", "file-check", "user-check"
QUEUED: tuple[Kind, ...] = (
    Kind("returned", _l("Returned files to correct"), BACK, State.RETURNED, CLERK),
    Kind(
        "faulty",
        _l("Submitted files with errors"),
        "alert-circle",
        State.SUBMITTED,
        CLERK,
        faulty=True,
    ),
    Kind("draft", _l("Files to complete and submit"), "pencil", State.DRAFT, CLERK, ages=False),
    Kind("confirm", _l("Files to confirm and report"), FILE, State.SUBMITTED, HEAD),
    Kind("review", _l("Files to review"), FILE, State.SCHOOL_CONFIRMED, AUTHORITIES),
    Kind("heads", _l("Files of heads to confirm"), HERS, State.SUBMITTED, AUTHORITIES),
    Kind("accept", _l("Effective files to accept"), "checks", State.EFFECTIVE, CITY),
    Kind(
        "report",
        _l("Accepted files to report to the Ministry"),
        "building-bank",
        State.CITY_ACCEPTED,
        CITY,
        ages=False,
    ),
)
ADDED, ASKED = "file-plus", "file-pencil"
PROCESSES: tuple[ProcessKind, ...] = (
    ProcessKind(
        "confirm_additions",
        _l("Additions to confirm and report"),
        ADDED,
        "addition",
        AdditionState.PENDING_SCHOOL,
        HEAD,
    ),
    ProcessKind(
        "additions",
        _l("Additions to review"),
        ADDED,
        "addition",
        AdditionState.PENDING_AUTHORITY,
        AUTHORITIES,
    ),
    ProcessKind(
        "changes",
        _l("Changes to review"),
        ASKED,
        "change",
        ChangeState.PENDING_AUTHORITY,
        AUTHORITIES,
    ),
    ProcessKind(
        "heads_additions",
        _l("Additions to files of heads to confirm"),
        HERS,
        "addition",
        AdditionState.PENDING_SCHOOL,
        AUTHORITIES,
    ),
    ProcessKind(
        "change_drafts",
        _l("Drafts of changes to submit"),
        "pencil",
        "change",
        ChangeState.DRAFT,
        CLERK,
        ages=False,
    ),
)
