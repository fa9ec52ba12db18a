"""Drawing of fields and badges, and what lists read from an address."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import wtforms
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.core.errors import Malformed, NotFound
from app.models.unit import Unit
from app.views.datamodel import Datamodel
from app.views.listing import PAGE_SIZES, filter_rows, link, read_arguments, read_filters
from app.views.widgets import (
    MomentField,
    MonthTextField,
    RemoteSelectField,
    badge_of,
    cards,
    control,
    number_of,
    options,
    text_of,
)

CHOICES = options([("1", "甲"), ("2", "乙")])


@pytest.fixture
def page(app: Any) -> Iterator[Any]:
    with app.test_request_context("/some/list/?q=x"):
        yield app


def form_of(data: Any = None, **fields: Any) -> Any:
    return type("F", (wtforms.Form,), fields)(MultiDict(data or {}))


def drawn(field: Any, data: Any = None, **kwargs: Any) -> str:
    return str(control(form_of(data, field=field).field, **kwargs))


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        (wtforms.StringField("x"), 'type="text"'),
        (wtforms.IntegerField("x"), 'type="number"'),
        (wtforms.DecimalField("x"), 'step="any"'),
        (wtforms.DateField("x"), 'type="date"'),
        (MonthTextField("x"), 'type="month"'),
        (MomentField("x"), 'type="datetime-local"'),
        (wtforms.PasswordField("x"), 'type="password"'),
        (wtforms.FileField("x"), 'type="file"'),
        (wtforms.BooleanField("x"), 'class="form-check-input"'),
        (wtforms.TextAreaField("x"), 'rows="3"'),
        (wtforms.SelectField("x", choices=CHOICES), 'class="form-select"'),
        (wtforms.SelectMultipleField("x", choices=CHOICES), 'data-select="local"'),
        (wtforms.RadioField("x", choices=CHOICES), 'role="radiogroup"'),
    ],
)
def test_every_kind_of_field_has_its_control(page: Any, field: Any, wanted: str) -> None:
    assert wanted in drawn(field)


def test_a_long_list_of_choices_can_be_searched(page: Any) -> None:
    short = wtforms.SelectField("x", choices=[str(n) for n in range(12)])
    long = wtforms.SelectField("x", choices=[str(n) for n in range(13)])

    assert "data-select" not in drawn(short)
    assert 'data-select="local"' in drawn(long)


def test_help_and_error_are_tied_to_the_control(page: Any) -> None:
    form = form_of({"field": ""}, field=wtforms.StringField("x", [_required()], description="how"))

    form.validate()

    html = str(control(form.field))
    assert 'aria-describedby="field-help field-error"' in html
    assert 'aria-invalid="true"' in html
    assert "is-invalid" in html


def _required() -> Any:
    return wtforms.validators.InputRequired()


def test_what_the_frame_reads_is_not_repeated_on_the_control(page: Any) -> None:
    told = {"data-visible-when": "a=1", "data-problem": "x", "maxlength": "5"}

    html = drawn(wtforms.StringField("x", render_kw=told))

    assert 'maxlength="5"' in html
    assert "data-visible-when" not in html
    assert "data-problem" not in html


def test_what_a_person_typed_is_escaped(page: Any) -> None:
    html = drawn(wtforms.StringField("x"), {"field": '"><script>alert(1)</script>'})

    assert "<script" not in html


def test_a_password_is_not_sent_back(page: Any) -> None:
    assert "secret" not in drawn(wtforms.PasswordField("x"), {"field": "secret"})


@pytest.mark.parametrize("typed", ["2026-13", "2026", "202609", "2026-9"])
def test_a_month_is_year_and_month(page: Any, typed: str) -> None:
    assert not form_of({"field": typed}, field=MonthTextField("x")).validate()


def test_a_moment_is_typed_in_beijing_and_kept_aware(page: Any) -> None:
    form = form_of({"field": "2026-09-01T08:30"}, field=MomentField("x"))

    assert form.validate()
    assert form.field.data.astimezone(UTC) == datetime(2026, 9, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "—"),
        ("", "—"),
        (date(2026, 9, 1), "2026-09-01"),
        (datetime(2026, 8, 31, 23, 5, tzinfo=UTC), "2026-09-01 07:05"),
        ("01", "01"),
        (0, "0"),
    ],
)
def test_values_are_written_for_reading(page: Any, value: Any, written: str) -> None:
    assert text_of(value) == written


def test_quantities_have_their_thousands_separated(page: Any) -> None:
    assert number_of(Decimal("12345.60")) == "12,345.60"


def test_a_badge_takes_icon_and_tint_from_its_view() -> None:
    badge = badge_of("odd", {"odd": ("flag", "bad")}, "奇怪")

    assert badge == ("奇怪", "flag", "bad")


def test_a_card_leaves_out_what_this_person_may_not_see() -> None:
    fieldsets = [("A", {"fields": ["one", "two"]}), ("B", {"fields": ["three"]})]

    made = cards(fieldsets, [], known={"one", "three"}, hidden=["three"])

    assert [(card.title, card.names) for card in made] == [("A", ["one"])]


# What a list reads from an address.
@pytest.mark.parametrize(
    "arguments",
    [
        {"page_V": "abc"},
        {"page": "abc"},
        {"page_V": "-1"},
        {"page_V": "٣"},
        {"psize_V": "0"},
        {"psize_V": "101"},
        {"page_V": "99999", "psize_V": "100"},
        {"_oc_V": "salary"},
        {"_oc_V": "name", "_od_V": "sideways"},
        {"q": "a\0b"},
    ],
)
def test_an_address_that_makes_no_sense_is_malformed(page: Any, arguments: Any) -> None:
    with pytest.raises(Malformed):
        read_arguments(MultiDict(arguments), "V", 25, ["name"])


def test_a_page_never_has_more_than_a_hundred_rows(page: Any) -> None:
    read = read_arguments(MultiDict({"psize_V": "100"}), "V", 25, ["name"])

    assert read.size == max(PAGE_SIZES)


@pytest.mark.parametrize("name", ["_flt_0_uuid", "_flt_9_name", "_flt_x_name", "_flt_00_name"])
def test_a_filter_that_the_list_does_not_offer_is_malformed(session: Any, name: str) -> None:
    filters = Datamodel(Unit, session).get_filters(["name"])

    with pytest.raises(Malformed):
        read_filters(filters, MultiDict({name: "x"}))


def test_a_link_drops_what_is_named_and_keeps_the_rest(page: Any) -> None:
    assert link(["q"], view="2") == "/some/list/?view=2"
    assert link(view="2") == "/some/list/?q=x&view=2"


def test_a_wildcard_that_was_typed_is_a_letter(session: Any, world: Any) -> None:
    from app.access.actor import system

    model = Datamodel(Unit, session)
    filters = read_filters(model.get_filters(["name"]), MultiDict({"_flt_1_name": "%"}))

    with system():
        assert model.count(model.rows(filters)).number == 0


def test_a_relation_out_of_scope_is_as_if_it_did_not_exist(session: Any, world: Any) -> None:
    from app.access.actor import system

    model = Datamodel(Unit, session)
    filters = model.get_filters(["authority"])

    with system(), pytest.raises(NotFound):
        read_filters(filters, MultiDict({"_flt_0_authority": "x"}))


def test_counting_stops_at_the_cap(session: Any, world: Any) -> None:
    from app.access.actor import system

    model = Datamodel(Unit, session)

    with system():
        capped = model.count(model.rows(), cap=2)
        whole = model.count(model.rows(), cap=None)

    assert (capped.number, capped.exact, str(capped)) == (2, False, "2+")
    assert whole.exact
    assert whole.number > 2


def test_two_sets_of_the_same_size_have_different_checksums(session: Any, world: Any) -> None:
    from app.access.actor import system

    model = Datamodel(Unit, session)

    with system():
        keys = session.scalars(select(Unit.id).order_by(Unit.id).limit(2)).all()
        one, other = (model.count(model.rows().filter(Unit.id == key)) for key in keys)

    assert one.number == other.number
    assert one.checksum != other.checksum


def test_the_filter_panel_puts_the_active_value_back(app: Any, session: Any) -> None:
    model = Datamodel(Unit, session)
    filters = read_filters(model.get_filters(["name"]), MultiDict({"_flt_2_name": "一中"}))
    with app.test_request_context("/"):
        (row,) = filter_rows(form_of(name=wtforms.StringField("名称")), filters, ["name"])

    html = str(row.controls[0][1])
    assert row.active
    assert 'name="_flt_2_name"' in html
    assert 'value="一中"' in html
    assert [value for value, _label, chosen in row.operators if chosen] == ["_flt_2_name"]


def test_a_remote_select_accepts_only_rows_inside_the_scope(
    app: Any, session: Any, world: Any
) -> None:
    from app.access.actor import acting_as, system

    model = Datamodel(Unit, session)
    with system():
        mine, foreign = _schools(session)
    actor = _school_actor(mine)
    with app.test_request_context("/"), acting_as(actor):
        field = RemoteSelectField("x", datamodel=model, endpoint="e", allow_blank=False)
        own = form_of({"field": str(mine.id)}, field=field)
        other = form_of({"field": str(foreign.id)}, field=field)

        assert own.validate()
        assert own.field.data.id == mine.id
        assert not other.validate()


def _schools(session: Any) -> tuple[Unit, Unit]:
    schools = session.scalars(
        select(Unit).where(Unit.kind == "school").order_by(Unit.authority_id, Unit.id)
    ).all()
    return schools[0], schools[-1]


def _school_actor(unit: Unit) -> Any:
    from app.access.actor import Actor
    from app.access.roles import Role

    return Actor(1, 1, "x", Role.SCHOOL_INFO, unit.id, authority_id=unit.authority_id)
