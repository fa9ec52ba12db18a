"""The way of a file through its review: states, moments, who acted, later versions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from app.core.clock import BEIJING
from app.demo.life import weighted
from app.demo.names import words
from app.models.teacher import ReviewState

S = ReviewState
DONE, BUSY, LATE = "done", "busy", "late"
PACES = ((DONE, 55), (BUSY, 30), (LATE, 15))
OPEN_SHARES = {
    DONE: ((S.DRAFT, 1.5), (S.RETURNED, 0.5), (S.SUBMITTED, 1), (S.SCHOOL_CONFIRMED, 2)),
    BUSY: ((S.DRAFT, 6), (S.RETURNED, 4), (S.SUBMITTED, 7), (S.SCHOOL_CONFIRMED, 12)),
    LATE: ((S.DRAFT, 26), (S.RETURNED, 10), (S.SUBMITTED, 18), (S.SCHOOL_CONFIRMED, 5)),
}
HISTORY_DAYS = 730
RETURN_WORDS = "请核对标注的字段后重新提交"
BY_HEAD = ("return_to_teacher", "head")
BY_SCHOOL = ("return_to_teacher", "info")
BY_AUTHORITY = ("return", "authority")
FIRST_EFFECT, ADDITION, CHANGE, STATUS = "first_effect", "addition", "change", "status"


@dataclass(frozen=True)
class Calendar:
    """The days that all files share: two rounds, the yearly updates, two reports."""

    now: datetime
    day: date

    @property
    def former_opens(self) -> date:
        """The closed round."""
        return self.day - timedelta(days=HISTORY_DAYS - 10)

    @property
    def former_ends(self) -> date:
        """The last deadline of the closed round."""
        return self.day - timedelta(days=480)

    @property
    def opens(self) -> date:
        """The open round."""
        return self.day - timedelta(days=45)

    @property
    def school_deadline(self) -> date:
        """Passed already, so that what is not reported is late."""
        return self.day - timedelta(days=4)

    @property
    def extended_until(self) -> date:
        """The later deadline of one school."""
        return self.day + timedelta(days=10)

    @property
    def reports(self) -> tuple[datetime, datetime]:
        """When files went to the Ministry."""
        return self.now - timedelta(days=300), self.now - timedelta(days=3)

    @property
    def last_update(self) -> datetime:
        """What happened since the last yearly update is taken up here at the latest."""
        return self.now - timedelta(days=6)

    def updates(self, rng: Random) -> list[datetime]:
        """The moments of a school's yearly updates: in March and in September."""
        found = []
        for year in range(self.day.year - 2, self.day.year + 1):
            for month in (3, 9):
                moment = at(date(year, month, 20), 9) + timedelta(
                    days=rng.randrange(0, 15), minutes=rng.randrange(0, 480)
                )
                if self.now - timedelta(days=HISTORY_DAYS) < moment < self.last_update:
                    found.append(moment)
        return [*found, self.last_update - timedelta(minutes=rng.randrange(0, 600))]


def at(day: date, hour: int) -> datetime:
    """An hour of a day in Beijing."""
    return datetime.combine(day, time(hour), tzinfo=BEIJING).astimezone(UTC)


@dataclass(frozen=True)
class Taken:
    """A step that was taken; `party` is info, teacher, head, authority, city or system."""

    step: str
    party: str
    before: str
    after: str
    at: datetime
    reason: str | None = None
    fields: dict[str, str] | None = None
    data: dict[str, Any] | None = None


@dataclass
class Course:
    """What became of a file. `versions` are moment and cause of each effective version."""

    created: datetime
    state: str = S.DRAFT
    steps: list[Taken] = field(default_factory=list)
    effect: datetime | None = None
    late: bool = False
    versions: list[tuple[datetime, str]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def take(self, step: str, party: str, after: str, moment: datetime, **rest: Any) -> None:
        """Take a step."""
        self.steps.append(Taken(step, party, self.state, after, moment, **rest))
        self.state = after

    @property
    def state_since(self) -> datetime:
        """When the present state began."""
        moved = [each for each in self.steps if each.before != each.after]
        return moved[-1].at if moved else self.created

    @property
    def submitted_at(self) -> datetime | None:
        """The last submission."""
        found = [each.at for each in self.steps if each.step == "submit"]
        return found[-1] if found else None

    @property
    def return_notes(self) -> dict[str, Any] | None:
        """The reasons that a returned file shows."""
        if self.state != S.RETURNED:
            return None
        last = self.steps[-1]
        return {"reason": last.reason, "fields": last.fields, "step": last.step}

    @property
    def was_returned(self) -> bool:
        """Whether it went back at least once."""
        return any(each.after == S.RETURNED for each in self.steps)

    def version_at(self, moment: datetime) -> int:
        """The number of the version in force at a moment."""
        return sum(1 for when, _ in self.versions if when <= moment)


def draw_state(rng: Random, pace: str, joined: date, calendar: Calendar) -> str | None:
    """An open state, or None for a file that took effect."""
    shares = OPEN_SHARES[pace]
    if (calendar.day - joined).days < 60:
        return weighted(rng, shares)
    point = rng.random() * 100
    for state, share in shares:
        point -= share
        if point < 0:
            return state
    return None


def open_course(
    rng: Random,
    state: str,
    calendar: Calendar,
    *,
    deadline: date,
    submitter: str,
    collected: frozenset[str],
) -> Course:
    """A file on its way in the open round."""
    begin = at(calendar.opens, 9) + timedelta(minutes=rng.randrange(0, 60 * 24 * 20))
    course = Course(created=begin)
    if state == S.DRAFT:
        return course
    last = calendar.now - timedelta(hours=2)
    if state == S.SUBMITTED and rng.random() < 0.25:
        begin = at(calendar.school_deadline, 9)
    span = (last - begin) / 6
    moment = begin + span * rng.uniform(1.5, 3)
    course.take("submit", submitter, S.SUBMITTED, moment, data={"declared": True})
    if state != S.RETURNED and rng.random() < 0.2:
        _return(rng, course, BY_HEAD, moment + span * 0.4, collected)
        moment += span
        course.take("submit", submitter, S.SUBMITTED, moment, data={"declared": True})
    if state == S.SCHOOL_CONFIRMED:
        course.take("confirm", "head", S.SCHOOL_CONFIRMED, moment + span * rng.uniform(0.3, 1.2))
    elif state == S.RETURNED and rng.random() < 0.5:
        _return(rng, course, BY_SCHOOL, moment + span * 0.8, collected)
    elif state == S.RETURNED:
        course.take("confirm", "head", S.SCHOOL_CONFIRMED, moment + span * 0.5)
        _return(rng, course, BY_AUTHORITY, moment + span * 1.2, collected)
    submitted = course.submitted_at
    course.late = submitted is not None and submitted.astimezone(BEIJING).date() > deadline
    return course


def _return(
    rng: Random, course: Course, by: tuple[str, str], moment: datetime, collected: frozenset[str]
) -> None:
    step, party = by
    known = [(name, why) for name, why in words().returns if name in collected]
    chosen = rng.sample(known, k=min(len(known), rng.randrange(1, 3)))
    course.take(step, party, S.RETURNED, moment, reason=RETURN_WORDS, fields=dict(chosen))


def effective_course(
    rng: Random,
    calendar: Calendar,
    *,
    joined: date,
    submitter: str,
    city_run: bool,
    collected: frozenset[str],
) -> Course:
    """A file that took effect within the last two years, up to the city's acceptance."""
    effect = _effect(rng, calendar, joined)
    submit = effect - timedelta(days=rng.randrange(4, 9), minutes=rng.randrange(0, 400))
    course = Course(created=submit - timedelta(days=rng.randrange(1, 15)))
    if rng.random() < 0.08:
        early = submit - timedelta(hours=18)
        course.take("submit", submitter, S.SUBMITTED, early, data={"declared": True})
        _return(rng, course, BY_HEAD, early + timedelta(hours=5), collected)
    course.take("submit", submitter, S.SUBMITTED, submit, data={"declared": True})
    course.take("confirm", "head", S.SCHOOL_CONFIRMED, submit + timedelta(days=2))
    after = S.CITY_ACCEPTED if city_run else S.EFFECTIVE
    course.take("approve", "authority", after, effect, data={"scope_checked": True})
    course.effect = effect
    course.versions.append((effect, FIRST_EFFECT))
    accept = effect + timedelta(days=rng.randrange(3, 20))
    if not city_run and accept < calendar.now and rng.random() < 0.88:
        course.take("accept", "city", S.CITY_ACCEPTED, accept)
    return course


def _effect(rng: Random, calendar: Calendar, joined: date) -> datetime:
    """Most files in the former round, some between the rounds, some in the open one."""
    spans = (
        ((at(calendar.former_opens, 9), at(calendar.former_ends, 17)), 60),
        ((at(calendar.former_ends, 17), at(calendar.opens, 9)), 25),
        ((at(calendar.opens, 9) + timedelta(days=7), calendar.now - timedelta(hours=3)), 15),
    )
    start, end = weighted(rng, spans)
    earliest = at(joined, 9) + timedelta(days=30)
    if start < earliest:
        start = earliest
        end = max(end, start + timedelta(days=12))
    end = min(end, calendar.now - timedelta(hours=3))
    seconds = max(60, int((end - start).total_seconds()))
    return start + timedelta(seconds=rng.randrange(0, seconds))


def go_on(
    rng: Random,
    course: Course,
    calendar: Calendar,
    changes: Sequence[Any],
    *,
    can_be_sent: bool,
) -> None:
    """After the effect: later versions, reports to the Ministry, reopening by a change (1.13).

    `changes` are (moment, cause) in the order of time. What holds a code of the city's own
    without a counterpart of the Ministry's is never reported.
    """
    events: list[tuple[datetime, str, Any]] = [(when, "change", cause) for when, cause in changes]
    events += [(when, "report", number) for number, when in enumerate(calendar.reports)]
    for moment, kind, what in sorted(events, key=lambda each: each[0]):
        if kind == "change":
            course.versions.append((moment, what))
            if course.state == S.REPORTED:
                course.take("reopen", "system", S.CITY_ACCEPTED, moment)
        elif can_be_sent and _is_ripe(course, moment) and rng.random() < 0.62:
            course.take("report", "city", S.REPORTED, moment)
            course.batches.append(what)


def _is_ripe(course: Course, moment: datetime) -> bool:
    return course.state == S.CITY_ACCEPTED and course.steps[-1].at < moment - timedelta(hours=2)


def require_correction(rng: Random, course: Course, calendar: Calendar, reason: str) -> None:
    """The city asks a few files to be corrected; they stay what they are (1.11)."""
    if course.state in (S.EFFECTIVE, S.CITY_ACCEPTED) and rng.random() < 0.012:
        start = course.steps[-1].at
        moment = start + (calendar.now - start) * rng.uniform(0.1, 0.6)
        course.take("require_correction", "city", course.state, moment, reason=reason)
