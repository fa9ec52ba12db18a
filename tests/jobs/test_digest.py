"""The daily digest: counts and a link to whoever asked for it, each once, through a real SMTP
server of this process; failures are noted without an address."""

import logging
import re
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access.actor import system
from app.core.clock import now
from app.jobs import digest
from app.models.account import Account
from app.models.digest import Digest
from app.models.history import Audit
from app.models.notice import Notice
from tests.views.pages import sign_in, token_for

REFUSED_ADDRESS = "nobody@refused.example.cn"


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as a sender without encryption needs."""

    def handle(self) -> None:
        self.say("220 test")
        for raw in self.rfile:
            words = raw.decode().strip()
            verb = words.split(" ")[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                self.server.mails.append(self.read_mail())  # type: ignore[attr-defined]
                self.say("250 kept")
            elif verb == "RCPT" and REFUSED_ADDRESS in words:
                self.say(f"550 no such box <{REFUSED_ADDRESS}>")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def read_mail(self) -> Any:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        return message_from_bytes(b"".join(lines), policy=policy.default)

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def server() -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailHandler) as made:
        made.daemon_threads = True
        made.mails = []  # type: ignore[attr-defined]
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


def settings_for(server: Any, **more: Any) -> dict[str, Any]:
    return {
        "SMTP_HOST": "127.0.0.1", "SMTP_PORT": server.server_address[1], "SMTP_SECURITY": "none",
        "SMTP_USER": "", "SMTP_PASSWORD": "", "SMTP_FROM": "files@example.cn", "SMTP_TIMEOUT": 5,
        "PUBLIC_URL": "https://files.example.cn",
    } | more  # fmt: skip


def wish(session: Any, world: Any, key: str, language: str = "zh", address: str = "") -> None:
    account = world.actors[key].account_id
    address = address or f"{key}@example.cn"
    session.add(Digest(account_id=account, address=address, language=language))
    session.flush()


def night(session: Any, settings: dict[str, Any], *, dies: bool = False) -> None:
    """Run the job to its end, or until it is killed after the first mark."""

    def step(done: int) -> None:
        session.flush()
        context.done = done
        if dies:
            raise KeyboardInterrupt

    job = SimpleNamespace(id=1, name="send_digests")
    context = SimpleNamespace(session=session, settings=settings, done=0, job=job, step=step)
    with system():
        digest.send_digests(context)


def said(mail: Any) -> str:
    return mail.get_content()


def test_a_mail_has_counts_and_a_link_in_the_language_of_the_account(session, world, server):
    with system():
        wish(session, world, "school_head_A1", "zh")
        wish(session, world, "district_info_A", "en")

    night(session, settings_for(server))

    found = {mail["To"]: mail for mail in server.mails}
    assert set(found) == {"school_head_A1@example.cn", "district_info_A@example.cn"}
    english, chinese = (found[f"{k}@example.cn"] for k in ("district_info_A", "school_head_A1"))
    assert english["Subject"] == "Teacher files: what waits for you"
    assert re.search(r"- .+: 4\r?\n", said(english))  # Two files each of two schools.
    assert "今天等待您处理" in said(chinese)
    assert "https://files.example.cn/" in said(english)


def test_a_mail_names_nobody(session, world, server):
    with system():
        for key in ("school_head_A1", "school_info_A1", "city_info", "teacher_A1"):
            wish(session, world, key)

    night(session, settings_for(server))

    assert server.mails
    for mail in server.mails:
        text = f"{mail['Subject']}{said(mail)}"
        assert [m.text for m in world.markers if m.text in text] == []
        assert [unit.name for unit in world.units.values() if unit.name in text] == []
        assert [a.name for a in world.actors.values() if a.name in text] == []


def test_each_account_gets_one_mail_a_day(session, world, server):
    with system():
        wish(session, world, "school_head_A1")
        wish(session, world, "district_info_A")

    for _again in range(2):
        night(session, settings_for(server))

    assert len(server.mails) == 2


def test_a_night_that_is_killed_and_resumed_sends_nothing_twice(session, world, server):
    with system():
        for key in ("school_head_A1", "district_info_A", "city_info"):
            wish(session, world, key)

    with pytest.raises(KeyboardInterrupt):
        night(session, settings_for(server), dies=True)
    night(session, settings_for(server))
    night(session, settings_for(server))

    receivers = [mail["To"] for mail in server.mails]
    assert len(receivers) == len(set(receivers)) == 2  # Whose day was marked waits for the next.


def test_a_refused_address_is_noted_without_it_and_holds_nobody_up(session, world, server, caplog):
    with system():
        wish(session, world, "school_head_A1", address=REFUSED_ADDRESS)
        wish(session, world, "district_info_A")

    with caplog.at_level(logging.INFO):
        night(session, settings_for(server))

    assert [mail["To"] for mail in server.mails] == ["district_info_A@example.cn"]
    assert "SMTPRecipientsRefused" in caplog.text
    assert "example.cn" not in caplog.text
    with system():
        row = session.scalars(select(Audit).order_by(Audit.id.desc()).limit(1)).one()
    assert row.detail == {"name": "send_digests", "sent": 1, "failed": 1}


def test_a_server_that_cannot_be_reached_leaves_everybody_for_the_next_night(
    session, world, server, caplog
):
    with system():
        wish(session, world, "school_head_A1")

    night(session, settings_for(server, SMTP_PORT=1))
    night(session, settings_for(server))

    assert "the mail server cannot be used" in caplog.text
    assert len(server.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encryption_that_is_not_offered_is_not_done_without(session, world, server, security):
    with system():
        wish(session, world, "school_head_A1")

    night(session, settings_for(server, SMTP_SECURITY=security, SMTP_TIMEOUT=1))

    assert server.mails == []


def test_nothing_is_sent_where_nothing_waits_or_nobody_may_sign_in(session, world, server):
    with system():
        wish(session, world, "city_assistant")
        wish(session, world, "school_head_A1")
        gone = world.actors["school_head_A1"].account_id
        idle = world.actors["city_assistant"].account_id
        session.execute(update(Account).where(Account.id == gone).values(active=False))
        session.execute(update(Notice).where(Notice.account_id == idle).values(read_at=now()))
        from app.models.teacher import Teacher

        session.execute(update(Teacher).values(state="draft"))

    night(session, settings_for(server))

    assert server.mails == []


def test_without_a_mail_server_nothing_is_tried(session, world, server):
    with system():
        wish(session, world, "school_head_A1")

    night(session, settings_for(server, SMTP_HOST=""))

    assert server.mails == []


class TestWish:
    @pytest.fixture(autouse=True)
    def _mail(self, app: Any, monkeypatch: Any) -> None:
        monkeypatch.setitem(app.config, "SMTP_HOST", "mail.example")

    def post(self, client: Any, act: str, **data: str) -> Any:
        return client.post(f"/digest/{act}", data=data | {"csrf_token": token_for(client)})

    def kept(self, session: Any) -> dict[int, tuple[str, str]]:
        session.expire_all()
        with system():
            rows = session.scalars(select(Digest))
            return {each.account_id: (each.address, each.language) for each in rows}

    def test_everybody_decides_for_the_own_account(self, app, session, world):
        client = sign_in(app, world, "teacher_A1", "en")
        account = world.actors["teacher_A1"].account_id

        self.post(client, "subscribe", address=" wang@school.edu.cn ", language="en")
        assert self.kept(session) == {account: ("wang@school.edu.cn", "en")}
        assert "wang@school.edu.cn" in client.get("/digest/").text
        other = sign_in(app, world, "teacher_A2").get("/digest/").text
        assert "wang@school.edu.cn" not in other
        self.post(client, "cancel")

        assert self.kept(session) == {}
        with system():
            rows = session.scalars(
                select(Audit).where(Audit.act == "account", Audit.account_id == account)
            ).all()
        assert [row.detail["digest"] for row in rows] == ["subscribe", "cancel"]
        assert "wang" not in str([row.detail for row in rows])

    @pytest.mark.parametrize("address", ["", "wang", "a@b", "a@b.cn\nBcc: c@d.cn", "x" * 300])
    def test_what_is_no_address_is_refused(self, app, session, world, address):
        client = sign_in(app, world, "school_head_A1", "en")

        answer = self.post(client, "subscribe", address=address, language="zh")

        assert answer.status_code == 422
        assert self.kept(session) == {}

    def test_without_a_mail_server_the_page_says_so_and_takes_nothing(
        self, app, session, world, monkeypatch
    ):
        client = sign_in(app, world, "school_head_A1", "en")
        assert 'href="/digest/"' in client.get("/").text
        monkeypatch.setitem(app.config, "SMTP_HOST", "")

        page = client.get("/digest/").text
        answer = self.post(client, "subscribe", address="a@school.edu.cn", language="zh")

        assert "No mail server is set up" in page
        assert 'href="/digest/"' not in client.get("/").text
        assert answer.status_code == 404
        assert self.kept(session) == {}
