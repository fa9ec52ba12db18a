"""The refusals the application knows, each with its HTTP status and a message for people."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from flask_babel import lazy_gettext as _l


@dataclasses.dataclass(frozen=True)
class Problem:
    """One finding about the data of a request.

    `code` names the rule (DQ001, required, …), `set` and `field` the indicator, `record` the row
    (its uuid, or the row number of a workbook). `severity` is "error", which blocks the act, or
    "warning", which needs an acknowledgement. `params` are the figures inside the message.
    """

    code: str
    message: Any
    set: str | None = None
    field: str | None = None
    record: str | int | None = None
    severity: str = "error"
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    def as_dict(self) -> dict[str, Any]:
        """Return the problem as plain JSON values, its message in the language of the reader."""
        names = [each.name for each in dataclasses.fields(self)]
        plain = {name: getattr(self, name) for name in names}
        return plain | {"message": str(self.message), "params": dict(self.params)}


class AppError(Exception):
    """Base of all refusals: `status` for HTTP, a translated `message` and its `problems`.

    A subclass raised without a message says its own default. `retry_after` are seconds.
    """

    status: ClassVar[int] = 500
    default: ClassVar[Any] = _l("The request could not be carried out.")

    def __init__(
        self,
        message: Any = None,
        problems: Iterable[Problem] = (),
        *,
        retry_after: int | None = None,
    ) -> None:
        self.message = self.default if message is None else message
        self.problems = tuple(problems)
        self.retry_after = retry_after
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.message)

    def as_dict(self) -> dict[str, Any]:
        """Return the body of a JSON answer."""
        return {
            "status": self.status,
            "message": str(self.message),
            "problems": [problem.as_dict() for problem in self.problems],
        }


class Malformed(AppError):
    """The request itself is wrong: unknown column, bad type, missing parameter."""

    status = 400
    default = _l("The request is not valid.")


class Forbidden(AppError):
    """The actor may not perform this act, though the object is in view."""

    status = 403
    default = _l("You are not allowed to do this.")


class NotFound(AppError):
    """The object does not exist, or lies outside the scope of the actor (SEC-02)."""

    status = 404
    default = _l("This page or record does not exist.")


class Stale(AppError):
    """Somebody else was faster: the state or version is no longer the expected one."""

    status = 409
    default = _l("Somebody has changed this in the meantime. Please check and try again.")


class Refused(AppError):
    """A business rule says no; `problems` tell which."""

    status = 422
    default = _l("The data do not meet the rules.")


class LimitReached(AppError):
    """A quota of the account is used up."""

    status = 429
    default = _l("You have reached the limit. Please try again later.")


class Busy(AppError):
    """Database, lock or another service is not available at the moment (REL-11)."""

    status = 503
    default = _l("The system is busy. Please try again in a moment.")
