"""The form of one indicator: how each school category treats it, and its names and help (Q2)."""

from typing import Any, NamedTuple

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField, validators

from app.access.actor import current_actor
from app.core.errors import NotFound, Refused, Stale
from app.core.reference import Indicator
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.services import indicator as indicators
from app.services.indicator import LONGEST, NEEDED_WORDS, WORDS, Effect, Treatment
from app.views.base import BaseView
from app.views.indicator import FILLERS
from app.views.labels import present_catalog
from app.views.once import first_result, once, remember
from app.views.widgets import Card, options, text_of
from app.views.writing import refuse

REFUSED, CONFLICT = 422, 409
SHOWN_FORMER = 30
NONE, OPTIONAL, REQUIRED = "none", "optional", "required"
KINDS = {NONE: _l("Not collected"), OPTIONAL: _l("Optional"), REQUIRED: _l("Required")}
COMPUTED = {NONE: _l("Not collected"), OPTIONAL: _l("Computed")}
REVIEWERS = {
    "school_then_authority": _l("School, then authority"),
    "authority": _l("Authority alone"),
}
WORD_LABELS = {
    "name_zh": _l("Chinese name"),
    "name_en": _l("English name"),
    "help_zh": _l("Chinese help"),
    "help_en": _l("English help"),
}


class Former(NamedTuple):
    """A rule that was in force, in words."""

    row: int
    category: str
    until: str
    kind: str
    filler: str
    reviewer: str


class IndicatorEditView(BaseView):
    """The city says what is collected, required, by whom it is filled in and reviewed (S09)."""

    route_base = "/indicators"
    class_permission_name = "Indicator"

    @expose("/edit/<set_code>/<code>", methods=["GET", "POST"])
    @has_access
    def edit(self, set_code: str, code: str) -> Any:
        """Show the form; try what it says without saving; or put it in force."""
        session, known = db.session(), present_catalog()
        item = _find(known, set_code, code)
        if request.method == "GET":
            return self._page(item, _form(item, known, indicators.rules_in_force(session, item)))
        if (answer := first_result(session)) is not None:
            return answer
        form = _form(item, known, None)
        wanted = _wanted(item, form, known)
        if not form.validate():
            return self._page(item, form), REFUSED
        if request.form.get("try"):
            return self._page(item, form, indicators.effect_of(session, item, wanted, known))
        return self._save(item, form, wanted)

    @expose("/edit/<set_code>/<code>/back/<int:row>", methods=["POST"])
    @has_access
    @once
    def put_back(self, set_code: str, code: str, row: int) -> Any:
        """Put an earlier rule of one category in force again."""
        session, known = db.session(), present_catalog()
        item = _find(known, set_code, code)
        category = indicators.put_back(session, current_actor(), item, row)
        session.commit()
        name = known.label("school_category", category, language())
        flash(_("The earlier rule is in force again: %(category)s.", category=name), "success")
        return redirect(url_for("IndicatorEditView.edit", set_code=set_code, code=code))

    def _save(self, item: Indicator, form: Any, wanted: dict[str, Treatment]) -> Any:
        session, actor = db.session(), current_actor()
        target = self.next_url() or url_for("IndicatorView.matrix", set=item.set)
        seen = whole_number(request.form.get("_version", ""))
        words = {name: form[name].data or "" for name in WORDS}
        reason = form.reason.data or None
        try:
            changed = indicators.change_rules(
                session, actor, item, wanted, reason=reason, seen=seen
            )
            changed += indicators.change_words(session, actor, item, words)
            remember(session, target)
            session.commit()
        except Refused as refusal:
            session.rollback()
            refuse(form, refusal)
            return self._page(item, form), REFUSED
        except Stale as stale:
            session.rollback()
            form.form_errors.append(str(stale))
            return self._page(item, form), CONFLICT
        text = _("The new rules are in force.") if changed else _("Nothing was changed.")
        flash(text, "success")
        return redirect(target)

    def _page(self, item: Indicator, form: Any, effect: Effect | None = None) -> str:
        session, known, lang = db.session(), present_catalog(), language()
        rules = indicators.rules_in_force(session, item)
        return self.render_template(
            "indicator/edit.html",
            item=item,
            title=known.name(item, lang),
            set_name=known.name(known.set(item.set), lang),
            form=form,
            categories=[(c, known.label("school_category", c, lang)) for c in known.categories],
            words=Card(_("Names and help"), list(WORDS), frozenset(), open=True),
            version=indicators.stamp_of(rules),
            effect=effect,
            former=_former(session, item, known),
            back_url=self.next_url() or url_for("IndicatorView.matrix", set=item.set),
        )


def _find(known: Catalog, set_code: str, code: str) -> Indicator:
    item = known.by_key.get(f"{set_code}.{code}")
    if item is None:
        raise NotFound()
    return item


def _form(item: Indicator, known: Catalog, rules: Any) -> Any:
    """Return the form of an indicator, from the request or from the rules in force."""
    fields: dict[str, Any] = {}
    data: dict[str, Any] = {name: getattr(item, name) for name in WORDS}
    for category in known.categories:
        name = known.label("school_category", category, language())
        fields |= _category_fields(item, category, name)
        if rules is not None:
            data |= _category_data(rules[category])
    for word in WORDS:
        needed = validators.InputRequired() if word in NEEDED_WORDS else validators.Optional()
        kind = StringField if word in NEEDED_WORDS else TextAreaField
        checks = [needed, validators.Length(max=LONGEST[word])]
        fields[word] = kind(WORD_LABELS[word], validators=checks)
    fields["reason"] = StringField(
        _l("Reason"),
        description=_l("Stands in the audit log."),
        validators=[validators.Optional(), validators.Length(max=200)],
    )
    return type("IndicatorForm", (FlaskForm,), fields)(data=data)


def _category_fields(item: Indicator, category: str, name: str) -> dict[str, Any]:
    def select(what: Any, choices: Any, blank: bool = False) -> SelectField:
        return SelectField(f"{name} {what}", choices=lambda: options(choices.items(), blank=blank))

    fields = {f"kind_{category}": select(_("Treatment"), COMPUTED if item.computed else KINDS)}
    if not item.computed:
        fields[f"filler_{category}"] = select(_("Filled in by"), FILLERS, blank=True)
        fields[f"reviewer_{category}"] = select(_("Reviewed by"), REVIEWERS)
    return fields


def _category_data(rule: Any) -> dict[str, str]:
    return {
        f"kind_{rule.category}": _kind(rule),
        f"filler_{rule.category}": rule.filled_by,
        f"reviewer_{rule.category}": rule.reviewed_by,
    }


def _kind(rule: Any) -> str:
    if not rule.collected:
        return NONE
    return REQUIRED if rule.required else OPTIONAL


def _wanted(item: Indicator, form: Any, known: Catalog) -> dict[str, Treatment]:
    """Return what the form says of each category; nobody fills in or reviews a computed one."""
    wanted = {}
    for category in known.categories:
        kind = form[f"kind_{category}"].data
        if f"filler_{category}" in form:
            filler, reviewer = (form[f"{part}_{category}"].data for part in ("filler", "reviewer"))
        else:
            rule = known.rule(item.set, item.code, category)
            filler, reviewer = rule.filled_by, rule.reviewed_by
        wanted[category] = Treatment(kind != NONE, kind == REQUIRED, filler or "", reviewer)
    return wanted


def _former(session: Any, item: Indicator, known: Catalog) -> list[Former]:
    """Return the rules that were in force before, the last one first."""
    lang = language()
    return [
        Former(
            row.id,
            known.label("school_category", row.category, lang),
            text_of(row.valid_to),
            str((COMPUTED if item.computed else KINDS).get(_kind(row), "")),
            str(FILLERS.get(row.filled_by, "")),
            str(REVIEWERS[row.reviewed_by]),
        )
        for row in indicators.former_rules(session, item)[:SHOWN_FORMER]
    ]
