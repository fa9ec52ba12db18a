"""The forms of a transfer: whom to look for, the application, and where the person is placed."""

from collections.abc import Sequence
from typing import Any

from flask import current_app
from flask_appbuilder.forms import DynamicForm
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.access.actor import Actor
from app.access.fields import is_collected
from app.core.errors import NotFound
from app.indicators.catalog import Catalog, language
from app.indicators.values import codes_for
from app.services.notice import REASON_LENGTH
from app.services.transfer import AS_INDICATORS
from app.services.wording import DOCUMENT_LENGTH
from app.views.labels import column_label, indicator_label
from app.views.rotation_form import rotation_types
from app.views.widgets import MonthTextField, options

SALT = "transfer"
VALID = 30 * 60  # Seconds between a person found and the application.


def said_label(name: str) -> Any:
    """Return the name of what is said of a person at the receiving school, as the catalogue has
    it."""
    return indicator_label(*AS_INDICATORS[name])


class LookUpForm(DynamicForm):
    """Exactly whom (SEC-13)."""

    id_no = StringField(
        column_label("id_no"),
        validators=[InputRequired(), Length(max=20)],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    name = StringField(
        column_label("name"),
        validators=[InputRequired(), Length(max=50)],
        render_kw={"autocomplete": "off"},
    )


class ApplicationForm(DynamicForm):
    """What is applied for; it may be completed before it is submitted."""

    planned_on = DateField(_l("Planned date"), validators=[Optional()])
    position = StringField(_l("Receiving post"), validators=[Length(max=50)])
    reason = TextAreaField(_l("Reason"), validators=[Length(max=REASON_LENGTH)])
    document_no = StringField(_l("Document number"), validators=[Length(max=DOCUMENT_LENGTH)])
    document_on = DateField(_l("Date of the document"), validators=[Optional()])


class RotationApplicationForm(ApplicationForm):
    """What is applied for where the teacher rotates, and the personnel relation moves (6.2)."""

    rotation_type = SelectField(
        said_label("rotation_type"),
        choices=lambda: options(rotation_types(), blank=True),
        validators=[InputRequired()],
    )
    planned_end = MonthTextField(_l("Planned end"))


def application_form(rotates: bool) -> type[ApplicationForm]:
    """The form of an application, with what a rotation says besides."""
    return RotationApplicationForm if rotates else ApplicationForm


class TakeForm(DynamicForm):
    """Where the person is placed at the receiving school (4.6)."""

    join_month = MonthTextField(said_label("join_month"), validators=[InputRequired()])
    staff_category = SelectField(said_label("staff_category"), validators=[InputRequired()])
    post_category = SelectField(said_label("post_category"), validators=[InputRequired()])
    post_grade = SelectField(said_label("post_grade"), validators=[InputRequired()])

    @classmethod
    def for_actor(cls, actor: Actor, known: Catalog, **given: Any) -> "TakeForm":
        """The form with the codes that the school of the actor chooses from, and nothing that its
        category does not collect."""
        form = cls(**given)
        for name in ("staff_category", "post_category", "post_grade"):
            if is_collected(known.indicator(*AS_INDICATORS[name]), actor.category or "", known):
                form[name].choices = _codes(name, actor.category, known)
            else:
                del form[name]
        return form


def _codes(name: str, category: str | None, known: Catalog) -> Sequence[tuple[str, str]]:
    lang = language()
    found = codes_for(known.indicator(*AS_INDICATORS[name]), category, known)
    return [("", "—"), *((code.code, known.name(code, lang)) for code in found)]


def raw_of(form: DynamicForm) -> dict[str, Any]:
    """What was entered, as the interface takes it."""
    names = [name for name in form.data if name != "csrf_token"]
    return {name: _text(form[name].data) for name in names}


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else (value or "")


def sealed_person(actor: Actor, key: int) -> str:
    """A mark of who was found, for the next page of the same account: no number stands there."""
    return str(_serializer().dumps([actor.account_id, key]))


def person_of(actor: Actor, mark: str) -> int:
    """Who was found. Raises NotFound for a mark of somebody else's, of long ago or of none."""
    try:
        account, key = _serializer().loads(mark, max_age=VALID)
    except (BadSignature, TypeError, ValueError):
        raise NotFound() from None
    if account != actor.account_id:
        raise NotFound()
    return int(key)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=SALT)
