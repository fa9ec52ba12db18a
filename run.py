"""Prepares the demonstration's database, then runs server and job worker until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException

PORT = int(os.environ.get("PORT", "8080"))
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
PREPARATIONS = (["db", "upgrade"], ["seed"], ["demo", "--if-empty"])
# One process keeps the rate limits in its memory; the control socket would lie outside the project.
GRACE = 30  # Seconds in which the server finishes the requests that run.
OPTIONS = f"--bind 127.0.0.1:{PORT} --threads 8 --graceful-timeout {GRACE}".split()
OPTIONS += ["--no-control-socket", "--log-level", "warning"]
SERVER = [sys.executable, "-m", "gunicorn", *OPTIONS, "app:create_app()"]
PATIENCE = GRACE + 5  # Seconds a child has to finish its work.


class Children:
    """The server and the worker: they start together and none outlives the other."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen] = []

    def start(self, command: list[str]) -> None:
        # In a session of its own the child does not see the terminal's Ctrl-C: stop() tells it.
        self.running.append(subprocess.Popen(command, start_new_session=True))

    def ended(self) -> subprocess.Popen | None:
        return next((child for child in self.running if child.poll() is not None), None)

    def stop(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for child in self.running:
            child.terminate()
        deadline = time.monotonic() + PATIENCE
        for child in self.running:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def is_taken() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def is_up() -> bool:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def serve(children: Children) -> int:
    children.start(SERVER)
    children.start([*FLASK, "worker"])
    announced = False
    while (ended := children.ended()) is None:
        if not announced and is_up():
            announced = True
            subprocess.run([*FLASK, "demo-accounts"], check=True)
            print(f"\nReady: http://127.0.0.1:{PORT} (Ctrl-C stops it)", flush=True)
        time.sleep(0.5)
    print(f"Stopped, because this ended: {ended.args!r}", file=sys.stderr)
    return 1


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.setdefault("APP_ENV", "demo")
    if is_taken():
        sys.exit(f"Port {PORT} is taken; choose another one: make run PORT={PORT + 1}")
    children = Children()
    try:
        for command in PREPARATIONS:
            subprocess.run([*FLASK, *command], check=True)
        return serve(children)
    except subprocess.CalledProcessError as error:
        return error.returncode
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
        return 0
    finally:
        children.stop()


if __name__ == "__main__":
    sys.exit(main())
