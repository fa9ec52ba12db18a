"""The application as it is deployed: gunicorn with two worker processes, on a copy of the world."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from config import ROOT
from tests.factories import PASSWORD

START_LIMIT = 120
COMMAND = [
    "-m",
    "gunicorn",
    "-w",
    "2",
    "--threads",
    "4",
    "--graceful-timeout",
    "30",
    "--no-control-socket",
]


class Server:
    """A gunicorn of its own; `kill_worker` and `terminate` are what may happen to it."""

    def __init__(self, url: str, key_file: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        settings = {
            "APP_ENV": "test",
            "DATABASE_URL": url,
            "FIELD_KEY_FILE": str(key_file),
            "STORAGE_DIR": str(folder / "files"),
            "AUDIT_HEAD_FILE": str(folder / "audit-head"),
        }
        self.log = folder / f"gunicorn-{self.port}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *COMMAND, "--bind", f"127.0.0.1:{self.port}", "app:create_app()"],
                cwd=ROOT,
                env=os.environ | settings,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                if self.ask("GET", "/healthz", timeout=5)[0] == 200 and len(self.workers()) == 2:
                    return
            except OSError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def workers(self) -> list[int]:
        """The ids of the worker processes."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(each) for each in path.read_text(encoding="ascii").split()]

    def kill_worker(self, number: int) -> None:
        """Kill one of the workers, whatever it does."""
        found = self.workers()
        os.kill(found[number % len(found)], signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to finish what runs and end."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it with everything that belongs to it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        timeout: float = 60,
    ) -> tuple[int, Any]:
        """Send one request; returns status and JSON. Raises OSError when the server went away."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, body=text, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content[:1] == b"{" else None
        finally:
            connection.close()

    def sign_in(self, username: str) -> str:
        """The token of an account."""
        form = {"username": username, "password": PASSWORD, "provider": "db"}
        status, answer = self.ask("POST", "/api/v1/security/login", form)
        assert status == 200, answer
        return answer["access_token"]
