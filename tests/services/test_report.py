"""Reports to the Ministry: who may go, what is frozen, numbers, reporting again (1.12, 1.13)."""

import io
import json
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, literal, select, union_all

from app.access.actor import SYSTEM_ACTOR, acting_as, system
from app.core.clock import today
from app.core.crypto import SealBroken
from app.core.errors import Forbidden, NotFound, Refused, Stale
from app.core.reference import Code
from app.extensions import db
from app.jobs import review as bulk
from app.jobs.worker import work
from app.models.correction import Correction
from app.models.history import Audit
from app.models.job import Job
from app.models.notice import Notice
from app.models.record import TEACHER_SETS
from app.models.report import ReportBatch, ReportItem
from app.models.teacher import Teacher
from app.services import correction, report
from app.services.among import checksum
from app.services.storage import Storage
from app.workflows import engine
from app.workflows.review import REVIEW
from tests.factories import fill, finding


def report_files(session: Any, world: Any, *files: Any) -> Any:
    """Report files of the world by one act of the city."""
    actor = world.actor("city_info")
    with acting_as(actor):
        keys = dict.fromkeys(each.id for each in files)
        return REVIEW.perform_many(session, keys, "report", actor)


def batches(session: Any) -> list[ReportBatch]:
    with system():
        return list(session.scalars(select(ReportBatch).order_by(ReportBatch.id)))


class TestFreezing:
    def test_one_act_makes_one_numbered_batch(self, session, world):
        files = world.teacher("A1", "city_accepted"), world.teacher("B1", "city_accepted")

        outcome = report_files(session, world, *files)

        assert sorted(outcome.done) == sorted(each.id for each in files)
        batch = batches(session)[0]
        assert batch.number == f"BJ-{today().year}-0001"
        assert (batch.count, batch.first_count, batch.state) == (2, 2, "building")

    def test_the_parts_of_one_act_make_one_batch(self, session, world, monkeypatch):
        monkeypatch.setattr(engine, "BATCH", 2)
        files = [
            world.teacher(school, "city_accepted", number)
            for school in ("A1", "A2", "B1")
            for number in (1, 2)
        ]

        outcome = report_files(session, world, *files)

        assert len(outcome.done) == 6
        assert [each.count for each in batches(session)] == [6]
        with system():
            writers = session.scalars(select(Job).where(Job.name == report.WRITE_JOB)).all()
        assert len(writers) == 1

    def test_numbers_follow_each_other(self, session, world):
        for number in (1, 2):
            report_files(session, world, world.teacher("A1", "city_accepted", number))

        numbers = [each.number for each in batches(session)]
        assert numbers == [f"BJ-{today().year}-0001", f"BJ-{today().year}-0002"]

    def test_the_content_is_sealed_and_reads_back(self, session, world):
        file = world.teacher("A1", "city_accepted")
        report_files(session, world, file)

        with system():
            item = session.scalars(select(ReportItem)).one()
            sealed = item.payload
            found = list(report.contents(session, batches(session)[0]))
        assert file.id_no.encode() not in sealed
        assert file.name.encode() not in sealed
        assert found[0]["teacher_no"] == file.teacher_no
        assert found[0]["sets"]["basic"][0]["id_no"] == file.id_no
        assert found[0]["file_version"] == item.file_version == 1

    def test_content_moved_to_another_file_is_noticed(self, session, world):
        files = [world.teacher("A1", "city_accepted", number) for number in (1, 2)]
        report_files(session, world, *files)
        with system():
            one, other = session.scalars(select(ReportItem).order_by(ReportItem.id)).all()
            one.payload, other.payload = other.payload, one.payload
            session.flush()

            with pytest.raises(SealBroken):
                list(report.contents(session, batches(session)[0]))

    def test_the_citys_own_indicators_do_not_go(self, session, world):
        file = world.teacher("A1", "city_accepted")
        report_files(session, world, file)

        with system():
            body = next(report.contents(session, batches(session)[0]))
        own = {
            i.key for s in world.catalog.teacher_sets for i in s.indicators if i.beijing_extension
        }
        sent = {f"{code}.{key}" for code, rows in body["sets"].items() for key in rows[0]}
        assert not own & sent

    def test_a_writing_job_is_ordered_with_the_batch(self, session, world):
        report_files(session, world, world.teacher("A1", "city_accepted"))

        with system():
            made = session.scalars(select(Job).where(Job.name == report.WRITE_JOB)).one()
        assert made.args == {"batch": batches(session)[0].id}


class TestGuards:
    def test_an_open_correction_keeps_a_file_back(self, session, world):
        city, file = world.actor("city_info"), world.teacher("A1", "city_accepted")
        with acting_as(city):
            REVIEW.perform(
                session, file.id, "require_correction", city, version=None, reason="职称"
            )

        outcome = report_files(session, world, file)

        assert codes(outcome, file) == ["correction"]
        assert batches(session) == []

    def test_a_closed_correction_lets_it_go(self, session, world):
        city, file = world.actor("city_info"), world.teacher("A1", "city_accepted")
        with acting_as(city):
            REVIEW.perform(
                session, file.id, "require_correction", city, version=None, reason="职称"
            )
            task = session.scalars(select(Correction)).one()
            correction.close(session, city, task, "核对无误")

        assert report_files(session, world, file).done == [file.id]

    def test_a_known_error_keeps_a_file_back(self, session, world):
        file = world.teacher("A1", "city_accepted")
        with system():
            teacher = session.get(Teacher, file.id)
            teacher.error_count = 1
            session.add(finding(file, "error"))
            session.flush()

        assert codes(report_files(session, world, file), file) == ["DQ013"]

    @pytest.mark.parametrize("aged", ["day", "content", "catalogue"])
    def test_a_kept_result_that_has_aged_is_not_believed(self, session, world, aged):
        file = world.teacher("A1", "city_accepted")
        with system():
            # The kept result says that all is well; the file has an incomplete row since.
            fill(session, session.get(Teacher, file.id), "teaching", academic_year=2025)
            teacher = session.get(Teacher, file.id)
            if aged == "day":
                teacher.checked_on = today() - timedelta(days=1)
            elif aged == "content":
                teacher.checked_content = 0
            else:
                teacher.checked_catalog = 0
            session.flush()

        assert "DQ075" in codes(report_files(session, world, file), file)

    def test_a_code_without_a_counterpart_keeps_a_file_back(self, session, world):
        file = world.teacher("A1", "city_accepted")
        with system():
            teacher = session.get(Teacher, file.id)
            fill(session, teacher, "teaching", academic_year=2025, semester="1", subject="BJ-98")

        outcome = report_files(session, world, file)

        # The row is checked anew as well, and lacks much else.
        assert "report_as" in codes(outcome, file)
        problem = outcome.failed[file.id].problems[-1]
        assert (problem.set, problem.field) == ("teaching", "subject")
        assert "BJ-98" in problem.message

    def test_a_refused_file_leaves_no_trace_in_the_batch(self, session, world):
        good, bad = (world.teacher("A1", "city_accepted", number) for number in (1, 2))
        with system():
            teacher = session.get(Teacher, bad.id)
            fill(session, teacher, "teaching", academic_year=2025, semester="1", subject="BJ-98")

        outcome = report_files(session, world, good, bad)

        assert (outcome.done, list(outcome.failed)) == ([good.id], [bad.id])
        with system():
            assert session.scalars(select(ReportItem.teacher_id)).all() == [good.id]
            assert session.get(Teacher, bad.id).state == "city_accepted"


def codes(outcome: Any, file: Any) -> list[str]:
    return [each.code for each in outcome.failed[file.id].problems]


class TestCodes:
    @pytest.mark.parametrize(
        ("code", "standard", "attrs", "parent", "sent"),
        [
            ("100", "GB/T", {}, "", "100"),
            ("BJ-212", "OWN", {"report_as": "299"}, "", "299"),
            ("BJ-98", "OWN", {}, "", None),
            ("BJ-K2", "OWN", {}, "10", "10"),
            ("BJ-K9", "OWN", {}, "BJ-K2", None),
            ("BJ-S3", "人社部2015", {}, "", "BJ-S3"),
            ("1", "OWN", {}, "", "1"),
        ],
        ids=["standard", "mapped", "own", "under a standard", "own above", "own spelling", "list"],
    )
    def test_what_is_sent_for_a_code(self, code, standard, attrs, parent, sent):
        found = Code(
            table="t",
            code=code,
            name_zh="",
            name_en="",
            sort=1,
            standard=standard,
            parent=parent,
            active=None,
            verified="",
            attrs=attrs,
        )

        assert report.counterpart(found) == sent

    def test_an_unknown_code_has_no_counterpart(self):
        assert report.counterpart(None) is None

    def test_the_staff_status_is_mapped(self, session, world):
        file = world.teacher("A1", "city_accepted")
        with system():
            session.get(Teacher, file.id).staff_status = "BJ-212"
            session.flush()
        report_files(session, world, file)

        with system():
            assert next(report.contents(session, batches(session)[0]))["staff_status"] == "299"


class TestAgain:
    def test_a_reported_file_goes_again_only_after_a_change(self, session, world):
        file = world.teacher("A1", "city_accepted")
        report_files(session, world, file)

        assert report_files(session, world, file).status(file.id) == 409

        with system():
            teacher = session.get(Teacher, file.id)
            teacher.file_version += 1
            session.flush()
            REVIEW.perform(session, file.id, "reopen", SYSTEM_ACTOR, version=None)
        assert report_files(session, world, file).done == [file.id]
        second = batches(session)[1]
        assert (second.count, second.first_count) == (1, 0)
        with system():
            versions = select(ReportItem.file_version).order_by(ReportItem.id)
            assert session.scalars(versions).all() == [1, 2]

    def test_the_forecast_tells_first_and_again(self, session, world):
        file = world.teacher("A1", "city_accepted")
        report_files(session, world, file)
        with system():
            REVIEW.perform(session, file.id, "reopen", SYSTEM_ACTOR, version=None)
        with acting_as(world.actor("city_info")):
            found = report.forecast(session)

        assert (found.count, found.first, found.again) == (8, 7, 1)


class TestOrdering:
    def test_the_files_shown_are_the_files_reported(self, session, world):
        city = world.actor("city_info")
        with acting_as(city):
            found = report.forecast(session)
            for wrong in ({"count": found.count - 1}, {"checksum": "0"}):
                with pytest.raises(Stale):
                    report.order(
                        session,
                        city,
                        **({"count": found.count, "checksum": found.checksum} | wrong),
                    )

            made = report.order(session, city, count=found.count, checksum=found.checksum)

        assert made.args["count"] == 8

    def test_files_of_the_same_number_and_sum_or_of_other_versions_are_other_files(
        self, session, world
    ):
        sets = ([(1, 1), (4, 1)], [(2, 1), (3, 1)], [(1, 2), (4, 1)], [(1, 1), (4, 2)])
        found = set()
        for each in sets:
            rows = [select(literal(k).label("key"), literal(v).label("version")) for k, v in each]
            table = union_all(*rows).subquery()
            found.add(session.scalar(select(checksum(table.c.key, table.c.version))))

        assert len(found) == len(sets)

    def test_a_file_that_moved_and_came_back_is_another(self, session, world):
        city = world.actor("city_info")
        with acting_as(city):
            found = report.forecast(session)
        with system():
            session.get(Teacher, world.teacher("A1", "city_accepted").id).version += 2
            session.flush()

        with acting_as(city), pytest.raises(Stale):
            report.order(session, city, count=found.count, checksum=found.checksum)

    def test_a_note_on_warnings_goes_with_the_batch(self, session, world):
        city, file = world.actor("city_info"), world.teacher("A1", "city_accepted")
        with acting_as(city):
            found = report.forecast(session)
            made = report.order(
                session, city, count=found.count, checksum=found.checksum, note=" 均已核实 "
            )
            with pytest.raises(Refused):
                report.order(
                    session, city, count=found.count, checksum=found.checksum, note="长" * 501
                )
            REVIEW.perform(session, file.id, "report", city, version=None, note="均已核实")

        assert made.args["note"] == "均已核实"
        assert batches(session)[0].note == "均已核实"

    def test_only_the_city_orders_a_dry_run_and_one_at_a_time(self, session, world):
        city, district = world.actor("city_info"), world.actor("district_info", "A")
        with acting_as(district), pytest.raises(Forbidden):
            report.order_trial(session, district)
        with acting_as(city):
            assert report.order_trial(session, city).args["count"] == 8
            with pytest.raises(Refused):
                report.order_trial(session, city)

    def test_only_the_city_orders_a_report(self, session, world):
        with acting_as(world.actor("city_info")):
            found = report.forecast(session)
        for key in ("district_info_A", "school_head_A1", "city_assistant"):
            actor = world.actors[key]
            with acting_as(actor), pytest.raises(Forbidden):
                report.order(session, actor, count=found.count, checksum=found.checksum)

    def test_one_report_at_a_time(self, session, world):
        city = world.actor("city_info")
        with acting_as(city):
            found = report.forecast(session)
            report.order(session, city, count=found.count, checksum=found.checksum)

            with pytest.raises(Refused):
                report.order(session, city, count=found.count, checksum=found.checksum)


class TestReading:
    def test_a_district_reads_batches_that_hold_files_of_its_own(self, session, world):
        report_files(session, world, world.teacher("A1", "city_accepted"))
        batch = batches(session)[0].id
        own, other = world.actor("district_info", "A"), world.actor("district_info", "B")

        with acting_as(own):
            assert report.find(session, own, batch).id == batch
            assert report.own_counts(session, [batch]) == {batch: 1}
        with acting_as(other), pytest.raises(NotFound):
            report.find(session, other, batch)

    def test_a_district_never_gets_the_workbook(self, session, world):
        report_files(session, world, world.teacher("A1", "city_accepted"))
        actor = world.actor("district_info", "A")

        with acting_as(actor), pytest.raises(Forbidden):
            report.download(session, actor, batches(session)[0])

    def test_a_workbook_in_the_making_is_not_sent(self, session, world):
        report_files(session, world, world.teacher("A1", "city_accepted"))
        city = world.actor("city_info")

        with acting_as(city), pytest.raises(Refused):
            report.download(session, city, batches(session)[0])


def unmapped(world: Any) -> set[int]:
    """The files of the university: “other subject” of their certificate is the city's own."""
    return {world.teacher("U", "city_accepted", number).id for number in (1, 2)}


@contextmanager
def in_app(app: Any) -> Any:
    with app.app_context(), system():
        yield db.session()
        db.session.remove()


class TestDryRun:
    def test_lists_what_would_stay_behind_and_moves_nothing(self, live_app, world):
        city, kept_back = world.actor("city_info"), world.teacher("B1", "city_accepted", 2)
        with in_app(live_app) as session:
            teacher = session.get(Teacher, kept_back.id)
            fill(session, teacher, "teaching", academic_year=2025, semester="1", subject="BJ-98")
            session.commit()
        with live_app.app_context(), acting_as(city):
            key = report.order_trial(db.session(), city).id
            db.session.commit()
            db.session.remove()

        work(live_app, once=True)

        with in_app(live_app) as session:
            job = session.get(Job, key)
            assert (job.state, job.error) == ("done", None)
            assert (job.result["done"], job.result["refused"]) == (5, 3)
            assert {each["id"] for each in job.result["failed"]} == {kept_back.id, *unmapped(world)}
            assert all(each["problems"] for each in job.result["failed"])
            assert session.scalars(select(ReportBatch)).all() == []
            states = select(func.count()).where(Teacher.state == "city_accepted")
            assert session.scalar(states) == 8
            assert (
                session.scalars(select(Notice).where(Notice.event == "file_reported")).all() == []
            )


class TestJob:
    def test_reports_everything_and_writes_the_frozen_workbook(self, live_app, world):
        city = world.actor("city_info")
        kept_back = world.teacher("B1", "city_accepted", 2)
        with in_app(live_app) as session:
            teacher = session.get(Teacher, kept_back.id)
            fill(session, teacher, "teaching", academic_year=2025, semester="1", subject="BJ-98")
            session.commit()
        with live_app.app_context(), acting_as(city):
            session = db.session()
            found = report.forecast(session)
            key = report.order(session, city, count=found.count, checksum=found.checksum).id
            session.commit()
            db.session.remove()

        work(live_app, once=True)

        with in_app(live_app) as session:
            job = session.get(Job, key)
            batch = session.scalars(select(ReportBatch)).one()
            storage = Storage.of(live_app.config)
            told = session.scalars(select(Notice).where(Notice.event == "file_reported")).all()
            acts = session.scalar(
                select(func.count()).where(Audit.act == "report", Audit.object_type != "job")
            )
            assert (job.state, job.error) == ("done", None)
            assert (job.result["done"], job.result["refused"]) == (5, 3)
            assert {each["id"] for each in job.result["failed"]} == {kept_back.id, *unmapped(world)}
            assert (batch.state, batch.count) == ("ready", 5)
            content = storage.read(batch.stored_name)
            # Each authority hears of all its files at once.
            assert sorted(each.params["count"] for each in told) == [1, 4]
            assert acts == 2
        check_workbook(content, world, batch_count=5)

    def test_a_worker_that_was_killed_goes_on_after_the_last_batch(self, live_app, world):
        city = world.actor("city_info")
        with live_app.app_context(), acting_as(city):
            session = db.session()
            found = report.forecast(session)
            key = report.order(session, city, count=found.count, checksum=found.checksum).id
            session.commit()
            # What a killed worker leaves: some files reported under this job, and its progress.
            first = world.teacher("A1", "city_accepted").id
            REVIEW.perform_many(session, {first: None}, "report", city, batch=f"job-{key}")
            job = session.get(Job, key)
            job.result, job.done = {"last": first, "done": 1, "failed": [], "refused": 0}, 1
            session.commit()
            db.session.remove()

        work(live_app, once=True)

        with in_app(live_app) as session:
            batch = session.scalars(select(ReportBatch)).one()
            items = session.scalars(select(ReportItem.teacher_id)).all()
            assert session.get(Job, key).result["done"] == batch.count == len(items) == 6
            assert len(set(items)) == 6


def check_workbook(content: bytes, world: Any, *, batch_count: int) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    people, basic = book["人员"], book[world.catalog.set("basic").name_zh]
    assert people.max_row == basic.max_row == batch_count + 2
    assert people.row_dimensions[2].hidden is True
    file = world.teacher("A1", "city_accepted")
    rows = [[cell.value for cell in row] for row in basic.iter_rows()]
    column = rows[1].index("basic.id_no")
    assert file.id_no in [row[column] for row in rows[2:]]


class TestClosingACorrection:
    def test_only_the_city_closes_with_a_reason(self, session, world):
        task = open_task(session, world)
        district = world.actor("district_info", "A")

        with acting_as(district), pytest.raises(Forbidden):
            correction.close(session, district, task, "核对无误")
        city = world.actor("city_info")
        with acting_as(city):
            with pytest.raises(Refused):
                correction.close(session, city, task, " ")
            correction.close(session, city, task, "核对无误")
            with pytest.raises(Stale):
                correction.close(session, city, task, "再次")

        assert (task.close_reason, task.closed_by) == ("核对无误", city.account_id)

    def test_school_and_district_hear_of_it(self, session, world):
        task, city = open_task(session, world), world.actor("city_info")
        with acting_as(city):
            correction.close(session, city, task, "核对无误")

        with system():
            told = session.scalars(
                select(Notice.account_id).where(Notice.event == "correction_closed")
            ).all()
        wanted = ("school_info_A1", "school_head_A1", "district_info_A")
        assert set(told) == {world.actors[key].account_id for key in wanted}


def open_task(session: Any, world: Any) -> Correction:
    city, file = world.actor("city_info"), world.teacher("A1", "effective")
    with acting_as(city):
        REVIEW.perform(session, file.id, "require_correction", city, version=None, reason="职称")
    with system():
        return session.scalars(select(Correction)).one()


def test_the_payload_holds_texts_only(session, world):
    file = world.teacher("A1", "city_accepted")
    report_files(session, world, file)

    with system():
        body = next(report.contents(session, batches(session)[0]))
    for rows in body["sets"].values():
        for row in rows:
            assert all(isinstance(value, str) for value in row.values())
    assert json.loads(json.dumps(body)) == body
    assert set(body["sets"]) <= set(TEACHER_SETS)


def test_a_bulk_act_of_thousands_reports_one_batch_with_its_workbook(live_app, world, monkeypatch):
    monkeypatch.setattr(bulk, "LIMIT", 1)
    monkeypatch.setattr(bulk, "BATCH", 2)
    city = world.actor("city_info")
    files = [world.teacher(school, "city_accepted", n) for school in ("A1", "A2") for n in (1, 2)]
    with live_app.app_context(), acting_as(city):
        bulk.start(db.session(), city, "report", [each.id for each in files])
        db.session.commit()
        db.session.remove()

    work(live_app, once=True)

    with in_app(live_app) as session:
        batch = session.scalars(select(ReportBatch)).one()
        assert (batch.count, batch.state) == (4, "ready")
