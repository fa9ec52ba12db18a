"""The pages of reports to the Ministry: order, progress, batches, the workbook."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import acting_as, system
from app.extensions import db
from app.jobs.worker import work
from app.models.history import Audit
from app.models.job import Job
from app.models.report import ReportBatch
from app.workflows.review import REVIEW
from tests.views.pages import sign_in, token_of


def hidden(page: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]


def order(client: Any, **changed: str) -> Any:
    page = client.get("/reports/new").text
    names = ("csrf_token", "submit_key", "count", "checksum")
    return client.post("/reports/new", data={n: hidden(page, n) for n in names} | changed)


def reported(session: Any, world: Any, *files: Any) -> ReportBatch:
    city = world.actor("city_info")
    with acting_as(city):
        REVIEW.perform_many(session, dict.fromkeys(f.id for f in files), "report", city)
    with system():
        return session.scalars(select(ReportBatch)).one()


class TestOrder:
    def test_what_was_shown_is_ordered_once(self, app, session, world):
        client = sign_in(app, world, "city_info")
        page = client.get("/reports/new").text
        names = ("csrf_token", "submit_key", "count", "checksum")
        form = {name: hidden(page, name) for name in names}

        first = client.post("/reports/new", data=form)
        second = client.post("/reports/new", data=form)

        assert first.location == second.location
        with system():
            jobs = session.scalars(select(Job).where(Job.name == "report_batch")).all()
        assert [job.args["count"] for job in jobs] == [8]

    def test_another_number_is_stale(self, app, session, world):
        assert order(sign_in(app, world, "city_info"), count="7").status_code == 409

    @pytest.mark.parametrize("key", ["district_info_A", "school_head_A1", "city_assistant"])
    def test_is_the_citys_alone(self, app, session, world, key):
        client = sign_in(app, world, key)

        assert client.get("/reports/new").status_code in (302, 403)

    def test_the_whole_way_in_the_browser_of_the_city(self, live_app, world):
        client = sign_in(live_app, world, "city_info")
        answer = order(client)
        waiting = client.get(answer.location).text

        work(live_app, once=True)

        page = client.get(answer.location).text
        batch = re.search(r'href="/reports/show/(\d+)"', page)[1]
        shown = client.get(f"/reports/show/{batch}").text
        form = {"csrf_token": token_of(shown)}
        sent = client.post(f"/reports/{batch}/workbook", data=form, buffered=True)
        assert 'data-poll="2"' in waiting
        assert world.teacher("U", "city_accepted").name in page  # Stayed behind, with the reason.
        assert sent.data[:2] == b"PK"
        assert re.search(r"filename=BJ-\d{4}-0001\.xlsx", sent.headers["Content-Disposition"])
        with live_app.app_context(), system():
            acts = db.session.scalars(select(Audit.act).where(Audit.act == "download")).all()
            db.session.remove()
        assert acts == ["download"]


class TestBatches:
    def test_a_district_sees_its_own_files_of_a_batch(self, app, session, world):
        own, other = world.teacher("A1", "city_accepted"), world.teacher("B1", "city_accepted")
        batch = reported(session, world, own, other)
        client = sign_in(app, world, "district_info_A")

        listed = client.get("/reports/list/")
        files = client.get(f"/reports/tab/ReportItemView/{batch.id}")

        assert batch.number in listed.text
        assert own.name in files.text
        assert other.name not in files.text
        world.assert_no_leak(files, world.actor("district_info", "A"), place="list")

    def test_a_batch_without_own_files_does_not_exist(self, app, session, world):
        batch = reported(session, world, world.teacher("A1", "city_accepted"))
        client = sign_in(app, world, "district_info_B")

        assert client.get(f"/reports/show/{batch.id}").status_code == 404
        assert batch.number not in client.get("/reports/list/").text

    def test_a_district_cannot_download(self, app, session, world):
        batch = reported(session, world, world.teacher("A1", "city_accepted"))
        client = sign_in(app, world, "district_info_A")
        token = re.search(
            r'<meta name="csrf-token" content="([^"]+)"', client.get("/reports/list/").text
        )[1]

        answer = client.post(f"/reports/{batch.id}/workbook", data={"csrf_token": token})

        assert answer.status_code in (302, 403)
        assert b"PK" not in answer.data[:2]

    def test_the_reports_of_the_districts_tell_time_operator_and_number(self, app, session, world):
        district = world.actor("district_info", "A")
        files = [world.teacher("A1", "school_confirmed", number) for number in (1, 2)]
        with acting_as(district):
            REVIEW.perform_many(
                session,
                dict.fromkeys(f.id for f in files),
                "approve",
                district,
                scope_checked=True,
            )

        own = sign_in(app, world, "district_info_A").get("/reports/approvals").text
        other = sign_in(app, world, "district_info_B").get("/reports/approvals").text

        first = re.search(r"<tbody>(.*?)</tr>", own, re.DOTALL)[1]
        assert district.name in first
        assert re.search(r">2</td>\s*$", first.strip())
        assert district.name not in other
