"""A small HTTP client that signs in as a person does, and one that carries a token."""

import json
import re
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """Keeps cookies and one connection."""

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

    def get(self, path: str) -> bytes:
        """Fetch a page; anything but 200 is an error."""
        status, data, _headers = self.request("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {data[:300]!r}")
        return data

    def sign_in(self, username: str, password: str) -> "Browser":
        """Sign in by the form."""
        token = TOKEN.search(self.get("/login/").decode())
        form = {"username": username, "password": password}
        form["csrf_token"] = token.group(1) if token else ""
        status, data, _headers = self.request(
            "POST",
            "/login/",
            urlencode(form),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        if status not in (302, 303):
            raise RuntimeError(f"sign-in as {username}: {status} {data[:300]!r}")
        return self


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
