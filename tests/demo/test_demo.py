"""The demonstration data: complete, consistent with the rules, the same for the same seed."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from random import Random
from typing import Any

import pytest
from flask_appbuilder import Model
from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from app.access.actor import system
from app.access.roles import Role
from app.core import id_number
from app.core.clock import now, today
from app.core.errors import Refused
from app.core.reference import structure
from app.demo import ids
from app.demo.accounts import DEMO_PASSWORD, demo_accounts
from app.demo.life import ROLES, Setting, make_life, weighted
from app.demo.load import Loaded, load
from app.demo.names import initials, person_name
from app.demo.people import make_content
from app.demo.schools import plan_units
from app.extensions import db
from app.indicators import checks, completeness, derive
from app.indicators.catalog import catalog
from app.indicators.file import FileData, Row, SchoolFacts
from app.models.account import Account, Assignment
from app.models.correction import Correction
from app.models.history import Transition
from app.models.notice import Notice
from app.models.record import SETS, TEACHER_SETS
from app.models.report import ReportBatch, ReportItem
from app.models.round import Extension, Round
from app.models.snapshot import FileSnapshot
from app.models.teacher import FileProblem, NameGram, ReviewState, Teacher
from app.models.unit import Unit
from app.services import check, compare, integrity, report, search
from app.services.contents import file_data
from app.services.number import is_number, new_numbers
from app.services.projection import project
from tests.conftest import Database, make_app
from tests.demo.conftest import City

SCHOOLS, TEACHERS, SEED = 75, 600, 7
HARMLESS = "DQ004"


@pytest.fixture(scope="module")
def demo(city: City) -> Iterator[tuple[Any, Loaded]]:
    """An application on a database that holds a small demonstration, and what the load said."""
    with city(schools=SCHOOLS, teachers=TEACHERS, seed=SEED) as made:
        yield made


@pytest.fixture
def loaded(demo: tuple[Any, Loaded]) -> Iterator[Session]:
    """A session on the demonstration; nothing is kept."""
    app, _loaded = demo
    with app.app_context(), system():
        yield db.session()
        db.session.rollback()
        db.session.remove()


def _count(session: Session, statement: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(statement.subquery())) or 0


def test_the_load_tells_what_it_wrote(demo: tuple[Any, Loaded], loaded: Session) -> None:
    said = demo[1]
    assert (said.units, said.teachers) == (SCHOOLS, TEACHERS)
    assert said.states == Counter(loaded.scalars(select(Teacher.state)).all())


def test_every_category_type_and_district_is_there(loaded: Session) -> None:
    schools = loaded.scalars(select(Unit).where(Unit.kind == "school")).all()
    shipped = structure()
    assert {each.category for each in schools} == {
        t.category for t in shipped.school_types.values()
    }
    assert {each.type_code for each in schools} == set(shipped.school_types)
    districts = {code for code, each in shipped.districts.items() if each.level != "city"}
    assert {each.district_code for each in schools} == districts
    authorities = set(loaded.scalars(select(Unit.code).where(Unit.kind == "district")))
    assert authorities == districts


def test_attached_classes_hang_under_a_school_of_their_authority(loaded: Session) -> None:
    attached = {code for code, each in structure().school_types.items() if each.attached}
    units = {each.id: each for each in loaded.scalars(select(Unit))}
    found = [each for each in units.values() if each.type_code in attached]
    assert found
    assert all(units[each.parent_id].authority_id == each.authority_id for each in found)


def test_universities_and_direct_units_belong_to_the_city(loaded: Session) -> None:
    city = loaded.scalar(select(Unit.id).where(Unit.kind == "city"))
    of_city = loaded.scalars(
        select(Unit.category).where(Unit.authority_id == city, Unit.kind == "school")
    ).all()
    higher = loaded.scalars(select(Unit.authority_id).where(Unit.category == "higher")).all()
    assert set(higher) == {city}
    assert set(of_city) > {"higher"}


def test_names_of_schools_are_different(loaded: Session) -> None:
    names = loaded.scalars(select(Unit.name)).all()
    assert len(set(names)) == len(names)


def test_the_particulars_of_every_school_hold_the_rules(loaded: Session) -> None:
    known = catalog(loaded)
    basic = SETS["school_basic"]
    units = {each.id: each for each in loaded.scalars(select(Unit))}
    rows = loaded.scalars(select(basic).where(basic.as_of())).all()
    assert len(rows) == SCHOOLS
    for record in rows:
        unit = units[record.unit_id]
        facts = _facts(unit, main_school=unit.parent_id is not None)
        file = FileData(None, facts, "", {"school_basic": (Row("1", record.values()),)})
        ctx = checks.Context(known, today())
        assert [p.code for p in checks.run(file, ctx, "all", {"school_basic"})] == []


def _facts(unit: Unit, *, main_school: bool = False) -> SchoolFacts:
    return SchoolFacts(
        id=unit.id,
        code=unit.code,
        name=unit.name,
        category=str(unit.category),
        type_code=str(unit.type_code),
        urban_rural=unit.urban_rural or "",
        district=unit.district_code or "",
        main_school=main_school,
    )


def test_files_stand_in_every_state_and_most_are_in_force(loaded: Session) -> None:
    states = Counter(loaded.scalars(select(Teacher.state)).all())
    assert set(states) == {str(state) for state in ReviewState}
    in_force = states["effective"] + states["city_accepted"] + states["reported"]
    assert in_force > TEACHERS * 0.6


def faults_of_the_data(session: Session) -> list[str]:
    """What `flask check` finds; these tables were made without migrations, so without fences."""
    found = integrity.find_faults(session, catalog(session))
    return [each for each in found if "fence" not in each]


def test_the_data_have_no_fault_of_integrity(loaded: Session) -> None:
    assert faults_of_the_data(loaded) == []


def test_kept_results_are_those_of_the_checks(loaded: Session) -> None:
    known = catalog(loaded)
    teachers = loaded.scalars(select(Teacher)).all()
    files = file_data(loaded, teachers, known)
    kept: dict[int, Counter[Any]] = {}
    for row in loaded.scalars(select(FileProblem)):
        key = (row.code, row.severity, row.set, row.field, row.record, row.message, row.message_en)
        kept.setdefault(row.teacher_id, Counter())[key] += 1
    for teacher in teachers:
        found = check._in_both_languages(files[teacher.id], "submit", known, {})
        expected = Counter(
            (p.code, p.severity, p.set, p.field, p.record, str(p.message), english)
            for p, english in found
        )
        assert kept[teacher.id] == expected
        errors = sum(problem.is_error for problem, _english in found)
        assert (teacher.error_count, teacher.warning_count) == (errors, len(found) - errors)
    assert check.outdated(teachers, known) == []


def test_list_columns_and_derived_values_are_those_of_the_services(loaded: Session) -> None:
    known = catalog(loaded)
    teachers = loaded.scalars(select(Teacher)).all()
    files = file_data(loaded, teachers, known)
    for teacher in teachers:
        file = files[teacher.id]
        for key, value in derive.derive(file, known, today()).items():
            set_code, code = key.split(".")
            assert not file.all(set_code) or file.value(set_code, code) == value, key
        assert teacher.complete_percent == completeness.percent(file, known)
        assert teacher.pinyin == search.initials(teacher.name)
        project(teacher, file)
    assert not loaded.dirty or not any(loaded.is_modified(each) for each in teachers)


def test_submitted_files_have_no_error_and_acknowledged_warnings(loaded: Session) -> None:
    beyond = select(Teacher.id).where(Teacher.state.not_in(("draft", "returned")))
    open_ = select(FileProblem.code).where(
        FileProblem.teacher_id.in_(beyond),
        (FileProblem.severity == "error") | FileProblem.acknowledged_at.is_(None),
    )
    assert loaded.scalars(open_).all() == []


def test_some_files_have_errors_and_some_warnings_but_most_are_clean(loaded: Session) -> None:
    errors = _count(loaded, select(Teacher.id).where(Teacher.error_count > 0))
    warned = _count(loaded, select(Teacher.id).where(Teacher.warning_count > 1))
    assert errors > 10
    assert warned > 10
    assert errors + warned < TEACHERS / 2


def test_history_replays_to_the_present_state(loaded: Session) -> None:
    states = dict(loaded.execute(select(Teacher.id, Teacher.state)).all())
    reached: dict[int, str] = {}
    latest: dict[int, Any] = {}
    for row in loaded.scalars(select(Transition).order_by(Transition.id)):
        assert row.from_state == reached.get(row.object_id, "draft")
        assert row.at >= latest.get(row.object_id, row.at)
        assert row.at < now()
        reached[row.object_id], latest[row.object_id] = row.to_state, row.at
    assert {key: reached.get(key, "draft") for key in states} == states


def test_every_step_was_taken_by_its_party(loaded: Session) -> None:
    roles = {
        "submit": {"school_info", "teacher"},
        "return_to_teacher": {"school_info", "school_head"},
        "confirm": {"school_head"},
        "return": {"district_info", "city_info"},
        "approve": {"district_info", "city_info"},
        "accept": {"city_info"},
        "require_correction": {"city_info"},
        "report": {"city_info"},
        "reopen": {"system"},
    }
    assignments = {each.id: each for each in loaded.scalars(select(Assignment))}
    for row in loaded.scalars(select(Transition)):
        assert row.role in roles[row.step]
        if row.role == "system":
            continue
        held = assignments[row.assignment_id]
        assert (held.account_id, held.role, held.unit_id) == (row.account_id, row.role, row.unit_id)
        if row.step in ("approve", "return"):
            assert row.unit_id == row.authority_id
        elif row.role.startswith("school") or row.role == "teacher":
            assert row.unit_id == row.school_id


def test_nobody_approved_what_they_submitted(loaded: Session) -> None:
    by_step: dict[str, set[tuple[int, int]]] = {}
    for row in loaded.scalars(select(Transition)):
        by_step.setdefault(row.step, set()).add((row.object_id, row.account_id))
    assert not by_step["submit"] & (by_step["confirm"] | by_step["approve"])


def test_numbers_belong_to_nobody_and_to_one_file_each(loaded: Session) -> None:
    basic = TEACHER_SETS["basic"]
    rows = loaded.scalars(select(basic).where(basic.valid_to.is_(None))).all()
    numbers = [row.value("id_no") for row in rows]
    assert len(set(numbers)) == TEACHERS
    assert all(number.startswith("110199") and id_number.is_valid(number) for number in numbers)
    contact = TEACHER_SETS["contact"]
    contacts = loaded.scalars(select(contact).where(contact.valid_to.is_(None))).all()
    mobiles = [row.value("mobile") for row in contacts if row.mobile]
    assert len(set(mobiles)) == len(mobiles)
    assert all(mobile.startswith(ids.MOBILE) for mobile in mobiles)
    assert all(row.email.endswith(f"@{ids.MAIL_DOMAIN}") for row in contacts)


def test_teacher_numbers_are_valid_and_go_on_behind_the_load(loaded: Session) -> None:
    numbers = loaded.scalars(
        select(Teacher.teacher_no).where(Teacher.teacher_no.is_not(None))
    ).all()
    assert len(set(numbers)) == len(numbers)
    assert all(map(is_number, numbers))
    draft = loaded.scalars(select(Teacher).where(Teacher.teacher_no.is_(None)).limit(1)).one()
    assert new_numbers(loaded, [draft])[draft.id] not in numbers


def test_two_years_of_history_can_be_asked_for(loaded: Session) -> None:
    basic = TEACHER_SETS["basic"]
    known = [
        _count(loaded, select(basic.id).where(basic.as_of(now() - timedelta(days=days))))
        for days in (760, 600, 400, 200, 1)
    ]
    assert known[0] == 0
    assert known == sorted(known)
    assert known[1] > TEACHERS * 0.1
    for code in ("basic", "title", "contact"):
        cls = TEACHER_SETS[code]
        assert _count(loaded, select(cls.id).where(cls.valid_to.is_not(None)))


def test_a_closed_row_was_followed_at_once_by_its_next_version(loaded: Session) -> None:
    for code in ("basic", "title", "post", "contact"):
        cls = TEACHER_SETS[code]
        closed = loaded.execute(select(cls.uuid, cls.valid_to).where(cls.valid_to.is_not(None)))
        begun = {tuple(row) for row in loaded.execute(select(cls.uuid, cls.valid_from))}
        assert all(tuple(row) in begun for row in closed)


def test_a_past_file_held_the_rules_of_its_time(loaded: Session) -> None:
    """What was in force some months ago is a whole file, not a mixture of versions."""
    known = catalog(loaded)
    moment = now() - timedelta(days=250)
    teachers = loaded.scalars(select(Teacher).where(Teacher.effective_at < moment)).all()
    files = file_data(loaded, teachers, known, with_facts=False, moment=moment)
    assert len(teachers) > 50
    for teacher in teachers:
        file = files[teacher.id]
        derived = derive.derive(file, known, moment.date())
        assert file.value("basic", "current_title") == derived["basic.current_title"]
        assert completeness.percent(file, known) >= 85


def test_one_round_is_open_one_closed_and_schools_are_late(loaded: Session) -> None:
    former, present = loaded.scalars(select(Round).order_by(Round.id)).all()
    assert (former.closed, present.closed) == (True, False)
    assert present.opens_on < today() <= present.city_deadline
    assert present.school_deadline < today()
    behind = _count(
        loaded, select(Teacher.school_id).where(Teacher.state.in_(("draft", "returned"))).distinct()
    )
    assert behind > 3
    assert _count(loaded, select(Teacher.id).where(Teacher.late))
    assert _count(loaded, select(Extension.id)) == 1


def test_notices_and_corrections_are_there(loaded: Session) -> None:
    events = set(loaded.scalars(select(Notice.event).distinct()))
    assert events > {"file_submitted", "file_confirmed", "file_returned", "urge"}
    assert loaded.scalars(select(Notice).where(Notice.account_id.is_(None))).all() == []
    for each in loaded.scalars(select(Correction)):
        assert each.reason


def test_returned_files_show_their_reasons_at_fields_of_the_category(loaded: Session) -> None:
    known = catalog(loaded)
    rows = loaded.execute(
        select(Teacher.return_notes, Unit.category)
        .join(Unit, Unit.id == Teacher.school_id)
        .where(Teacher.state == ReviewState.RETURNED)
    ).all()
    assert rows
    for notes, category in rows:
        assert notes["reason"]
        assert notes["fields"]
        assert all(known.collected(*name.split("."), category) for name in notes["fields"])


def test_a_file_that_came_again_can_be_compared_with_what_went_back(loaded: Session) -> None:
    kept = loaded.scalars(select(FileSnapshot).where(FileSnapshot.changes > 0)).all()
    assert kept
    teacher = loaded.get_one(Teacher, kept[0].teacher_id)
    found = compare.since_submission(loaded, teacher, catalog(loaded))
    assert found is not None
    assert found.count == kept[0].changes


def test_reports_hold_their_items_and_what_was_sent(loaded: Session) -> None:
    batches = loaded.scalars(select(ReportBatch).order_by(ReportBatch.id)).all()
    assert len(batches) == 2
    for batch in batches:
        contents = list(report.contents(loaded, batch))
        assert len(contents) == batch.count
        assert batch.count >= batch.first_count > 0
        assert all(body["teacher_no"] and body["sets"]["basic"] for body in contents)
    reported = select(Teacher.id).where(Teacher.state == ReviewState.REPORTED)
    items = set(loaded.scalars(select(ReportItem.teacher_id)))
    assert set(loaded.scalars(reported)) <= items


def test_every_role_has_demo_accounts_with_the_one_password(loaded: Session) -> None:
    accounts = demo_accounts(loaded, limit_per_role=2)
    assert {each["role"] for each in accounts} == {str(role) for role in Role}
    assert max(Counter(each["role"] for each in accounts).values()) == 2
    stored = loaded.execute(select(Account.username, Account.password, Account.is_demo)).all()
    assert all(row.is_demo for row in stored)
    assert len({row.password for row in stored}) == 1
    assert check_password_hash(stored[0].password, DEMO_PASSWORD)
    assert all(each["password"] == DEMO_PASSWORD for each in accounts)


def test_every_school_has_its_three_offices_and_a_teacher(loaded: Session) -> None:
    roles: dict[int, set[str]] = {}
    for unit, role in loaded.execute(select(Assignment.unit_id, Assignment.role)):
        roles.setdefault(unit, set()).add(role)
    schools = loaded.scalars(select(Unit.id).where(Unit.kind == "school")).all()
    staff = {"school_system", "school_info", "school_head"}
    assert all(roles[school] >= staff for school in schools)
    with_teacher = sum("teacher" in roles[school] for school in schools)
    assert with_teacher > SCHOOLS * 0.9


def test_one_head_holds_a_file_and_one_has_a_deputy(loaded: Session) -> None:
    heads = select(Assignment.account_id).where(Assignment.role == Role.SCHOOL_HEAD)
    own = select(Account.id).where(Account.id.in_(heads), Account.teacher_id.is_not(None))
    assert _count(loaded, own) == 1
    deputy = loaded.scalars(select(Assignment).where(Assignment.delegated_from.is_not(None))).one()
    assert deputy.is_valid_on(today())
    assert deputy.valid_to is not None


def test_names_are_found_by_their_pieces(loaded: Session) -> None:
    name = loaded.scalar(select(Teacher.name).limit(1))
    grams = set(loaded.scalars(select(NameGram.gram)))
    assert search.grams(name) <= grams


def test_a_filled_database_is_left_alone(loaded: Session) -> None:
    with pytest.raises(Refused):
        load(loaded, schools=5, teachers=5, seed=1)


def test_the_next_file_gets_a_number_of_its_own(loaded: Session) -> None:
    """Sequences stand behind the numbers that the load gave."""
    school = loaded.scalars(select(Unit).where(Unit.kind == "school").limit(1)).one()
    loaded.add(Unit(code="next", name="next", kind="base"))
    loaded.add(Account(username="next", first_name="n", last_name="n", email="next@x.invalid"))
    loaded.add(
        Teacher(school_id=school.id, authority_id=school.authority_id, state="draft", name="next")
    )
    loaded.flush()


@pytest.mark.parametrize("twice", [(3, 3), (3, 4)], ids=["same seed", "other seed"])
def test_the_seed_decides_what_is_loaded(
    twice: tuple[int, int], key_file: Any, tmp_path: Any
) -> None:
    first, second = (
        _fingerprint(seed, key_file, tmp_path / str(n)) for n, seed in enumerate(twice)
    )
    assert (first == second) == (twice[0] == twice[1])


def _fingerprint(seed: int, key_file: Any, folder: Any) -> str:
    folder.mkdir()
    app = make_app(f"sqlite:///{folder / 'x.db'}", key_file, folder)
    digest = sha256()
    with app.app_context(), system():
        Model.metadata.create_all(db.engine)
        session = db.session()
        load(session, schools=12, teachers=40, seed=seed)
        for cls in (Unit, Account, Teacher, Transition, *TEACHER_SETS.values()):
            table = cls.__table__
            plain = [each for each in table.columns if "BLOB" not in str(each.type).upper()]
            skipped = {"password", "job_id"}
            columns = [each for each in plain if each.name not in skipped]
            for row in session.execute(select(*columns).order_by(table.c.id)):
                digest.update(repr(tuple(row)).encode())
        db.session.remove()
        db.engine.dispose()
    return digest.hexdigest()


def test_made_up_files_hold_every_rule_in_every_category() -> None:
    """Without a database: five hundred lives, only the unassigned division is found fault with."""
    from app.indicators.catalog import Catalog

    shipped = structure()
    known = Catalog.from_reference(shipped)
    plan = plan_units(
        Random(5),
        schools=60,
        teachers=500,
        districts=shipped.districts,
        types=shipped.school_types,
    )
    setting, serial, found = Setting(known, today()), 0, Counter()
    for unit in plan.schools:
        rng = Random(unit.code)
        for _ in range(unit.teachers):
            serial += 1
            life = make_life(rng, unit, setting, serial, weighted(rng, ROLES))
            content = make_content(rng, life, unit, setting)
            rows = {
                code: tuple(Row(f"{code}{n}", row) for n, row in enumerate(given))
                for code, given in content.items()
            }
            none = frozenset(
                code for code in setting.shapes[str(unit.category)].multi_row if code not in content
            )
            facts = SchoolFacts(
                unit.id,
                unit.code,
                unit.name,
                str(unit.category),
                str(unit.type_code),
                unit.urban_rural or "",
                unit.district_code or "",
            )
            file = FileData(serial, facts, "100", rows, none_sets=none)
            found.update(p.code for p in checks.run(file, checks.Context(known, today()), "all"))
            assert completeness.percent(file, known) == 100
    assert found == {HARMLESS: serial}


def test_identity_numbers_run_out_before_they_repeat() -> None:
    day = today()
    made = {ids.id_number(day, "2", n) for n in range(ids.SEQUENCES)}
    assert len(made) == ids.SEQUENCES
    assert all(id_number.parse(number).sex == "2" for number in made)
    with pytest.raises(ValueError, match="no more"):
        ids.id_number(day, "2", ids.SEQUENCES)


def test_initials_are_those_of_the_search() -> None:
    rng = Random(11)
    names = [person_name(rng, rng.choice("12")) for _ in range(3000)]
    assert [initials(name) for name in names] == [search.initials(name) for name in names]


_SCHEMA = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
    "postgres": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint",
}


def test_a_large_load_leaves_indexes_and_keys_as_they_were_and_checks_right(
    kind: str, key_file: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From some ten thousand files on indexes wait, and only files with a fault are checked."""
    for limit in ("SUSPEND_FROM", "CHECK_ALL_UP_TO", "FREEZE_UP_TO"):
        monkeypatch.setattr(f"app.demo.load.{limit}", 0)
    monkeypatch.setattr("app.demo.load.CHUNK", 25)
    database = Database(kind, tmp_path)
    app = make_app(database.url, key_file, tmp_path)
    with app.app_context(), system():
        Model.metadata.create_all(db.engine)
        session = db.session()
        before = sorted(session.execute(text(_SCHEMA[kind])).all())
        load(session, schools=20, teachers=120, seed=4)
        session.commit()
        assert sorted(session.execute(text(_SCHEMA[kind])).all()) == before
        known = catalog(session)
        assert faults_of_the_data(session) == []
        teachers = session.scalars(select(Teacher)).all()
        files = file_data(session, teachers, known)
        counts = [(each.error_count, each.warning_count) for each in teachers]
        check.keep(session, teachers, files, known)
        assert [(each.error_count, each.warning_count) for each in teachers] == counts
        assert session.scalars(select(ReportItem.payload)).first() is None
        db.session.remove()
        db.engine.dispose()
    database.drop(database.name)
