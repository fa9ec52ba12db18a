"""A small HTTP client that signs in as a person does, and one that carries a token."""

import json
import re
from collections.abc import Sequence
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
HOME, LOGIN = "/", "/login/"
Fields = Sequence[tuple[str, str]]


class Browser:
    """Keeps cookies and one connection; sends forms with the token of a page."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, SimpleCookie()
        self.connection = HTTPConnection("127.0.0.1", port, timeout=300)

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send a request; returns status, body and headers."""
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v.value}" for k, v in self.cookies.items())
        self.connection.request(method, path, body, sent)
        answer = self.connection.getresponse()
        data = answer.read()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self.cookies.load(value)
        return answer.status, data, dict(answer.getheaders())

    def get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        """Fetch a page; anything but 200 is an error."""
        status, data, _headers = self.request("GET", path, headers=headers)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {data[:300]!r}")
        return data

    def sign_in(self, username: str, password: str) -> "Browser":
        """Sign in by the form."""
        fields = [("username", username), ("password", password)]
        status, data = self.submit(LOGIN, fields, page=LOGIN)
        if status not in (302, 303):
            raise RuntimeError(f"sign-in as {username}: {status} {data[:300]!r}")
        return self

    def submit(self, path: str, fields: Fields, *, page: str = HOME) -> tuple[int, bytes]:
        """Send a form with the token of a page; anything from 400 on is an error."""
        body = urlencode([("csrf_token", self._token(page)), *fields]).encode()
        return self._post(path, body, "application/x-www-form-urlencoded")

    def upload(self, path: str, fields: Fields, name: str, content: bytes) -> tuple[int, bytes]:
        """Send a form with a file in the field of that name; anything from 400 on is an error."""
        edge = uuid4().hex
        head = "".join(
            f'--{edge}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in [("csrf_token", self._token(HOME)), *fields]
        )
        head += f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="t.xlsx"\r\n'
        head += "Content-Type: application/octet-stream\r\n\r\n"
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self._post(path, body, f"multipart/form-data; boundary={edge}")

    def _token(self, page: str) -> str:
        found = TOKEN.search(self.get(page).decode())
        if found is None:
            raise RuntimeError(f"GET {page}: no token for forms")
        return found[1]

    def _post(self, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        status, data, _headers = self.request("POST", path, body, {"Content-Type": kind})
        if status >= 400:
            raise RuntimeError(f"POST {path}: {status} {data[:300]!r}")
        return status, data


class Caller:
    """A client of the REST interface."""

    def __init__(self, port: int, username: str, password: str) -> None:
        self.browser = Browser(port)
        body = {"username": username, "password": password, "provider": "db"}
        self.token = ""
        self.token = self.post("/api/v1/security/login", body)["access_token"]

    def post(self, path: str, body: Any) -> Any:
        """Send JSON, return JSON; anything from 400 on is an error."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        status, data, _headers = self.browser.request("POST", path, json.dumps(body), headers)
        if status >= 400:
            raise RuntimeError(f"POST {path}: {status} {data[:300]!r}")
        return json.loads(data)
