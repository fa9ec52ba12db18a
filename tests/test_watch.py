"""The watch over the suite sees a planted leak in every place, and lets a harmless answer pass."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, make_response, session

from tests.watch import SENT, TARGET, WATCH, Leaked, Watch

ROOT = Path(__file__).resolve().parents[1]
# Fixed ones of the rule by which the factories make numbers; no world needs to know them.
NUMBER, MOBILE, EMERGENCY = "110199198503150131", "16912345678", "16812345678"


LEAKS = (
    "Location", "Content-Disposition", "Set-Cookie", "session cookie", "page title",
    "error text", "error text of a page", "error text of a form", "error text of the interface",
)  # fmt: skip


class Planted(Flask):
    """An application that leaks as its address says."""


def answers(number: str) -> dict[str, Any]:
    """An answer by the place in which it shows a number."""
    page = "<html><head><title>{}</title></head><body>{}</body></html>"
    form = f'<main><input value="{number}"><div class="invalid-feedback" id="x">{{}}</div></main>'
    return {
        "Location": Response(status=302, headers={"Location": f"/list?q={number}"}),
        "Content-Disposition": Response(
            "x", headers={"Content-Disposition": f"attachment; filename*=UTF-8''a%20{number}.xlsx"}
        ),
        "Set-Cookie": Response("x", headers={"Set-Cookie": f"last={number}"}),
        "page title": Response(page.format(f"张三 {number}", ""), mimetype="text/html"),
        "error text": (Response(page.format("", number), mimetype="text/html"), 404),
        "error text of a page": (
            f'<main><section class="tm-error-page"><p>{number}</p></section></main>',
            404,
        ),
        "error text of a form": (form.format(f"{number} is taken"), 422),
        "error text of the interface": ({"message": f"{number} is taken"}, 422),
        # What a page is for, and what somebody has typed a moment ago, stand in their places.
        "page": Response(page.format("张三", number), mimetype="text/html"),
        "form": (form.format("wrong"), 422),
        "body": {"id_no": number},
    }


def planted(number: str) -> Planted:
    app = Planted("planted")
    app.secret_key = "x"

    @app.get("/<place>")
    def leak(place: str) -> Any:
        if place == "session cookie":
            session["last"] = number
            return "x"
        return make_response(answers(number)[place])

    return app


def seen(place: str, number: str = NUMBER, query: str = "") -> str:
    """What the watch says of an answer, nothing if it lets it pass."""
    watch, client = Watch(), planted(number).test_client()
    try:
        with watch.hung_on(Planted), watch.during():
            client.get(f"/{place}{query}")
    except Leaked as leaked:
        return str(leaked)
    return ""


@pytest.mark.parametrize("number", [NUMBER, MOBILE, EMERGENCY])
@pytest.mark.parametrize("place", LEAKS)
def test_a_planted_leak_is_named_by_its_place(place: str, number: str) -> None:
    assert seen(place, number).startswith(f"{place.partition(' of ')[0]} shows {number}")


@pytest.mark.parametrize("place", ["page", "form", "body"])
def test_a_value_in_its_place_passes(place: str) -> None:
    assert seen(place) == ""


def test_a_number_in_an_address_is_seen_however_it_is_spelled() -> None:
    escaped = "".join(f"%{ord(sign):02X}" for sign in NUMBER)

    assert seen("page", MOBILE, f"?q={NUMBER}").startswith(f"{TARGET} shows {NUMBER}")
    assert seen("page", MOBILE, f"?next=/list%3Fq={escaped.replace('%', '%25')}").startswith(TARGET)


def test_digits_inside_a_random_token_are_no_number() -> None:
    with WATCH.during():
        WATCH.see("session cookie", f"2e3c4e701289b0c37da{MOBILE}fa8e21cf49")
    with pytest.raises(Leaked), WATCH.during():
        WATCH.see("session cookie", f"last={MOBILE};nobody-{NUMBER}")


def test_addresses_alone_are_free_to_a_test_that_sends_numbers() -> None:
    watch, client = Watch(), planted(NUMBER).test_client()

    with watch.hung_on(Planted):
        with watch.during(SENT):
            client.get(f"/page?q={NUMBER}")
        with pytest.raises(Leaked, match="Location"), watch.during(SENT):
            client.get(f"/Location?q={NUMBER}")


def test_a_log_line_is_seen_before_its_numbers_are_cut() -> None:
    log = logging.getLogger("app.planted")

    with pytest.raises(Leaked, match="log of app.planted"), WATCH.during():
        log.info("bad %s", MOBILE)
    with pytest.raises(Leaked, match="log of app.planted"), WATCH.during():
        log.info("bad", exc_info=ValueError(f"bad {NUMBER}"))


def test_every_masked_value_of_the_world_is_known_to_the_watch(world: Any) -> None:
    masked = [m for m in world.markers if world.catalog.indicator(m.set, m.field).masked]
    assert {m.field for m in masked} > {"id_no", "mobile", "emergency_phone", "email", "address"}

    for marker in masked:
        with pytest.raises(Leaked), WATCH.during():
            WATCH.see("x", f"/list?q={marker.text}&a=1")


def test_a_line_of_a_package_is_seen_as_it_is_written(world: Any) -> None:
    log = logging.getLogger("flask_appbuilder.planted")
    address = next(marker.text for marker in world.markers if marker.field == "address")

    with WATCH.during():
        log.warning("Login Failed for user: %s %s", MOBILE, NUMBER)
    with pytest.raises(Leaked, match="log of flask_appbuilder"), WATCH.during():
        log.warning("Login Failed for user: %s", address)


def test_what_a_log_line_carries_along_is_seen_too(world: Any) -> None:
    address = next(marker.text for marker in world.markers if marker.field == "address")

    with pytest.raises(Leaked, match="log of app.planted"), WATCH.during():
        logging.getLogger("app.planted").info("bad", extra={"typed": {"address": address}})


def test_the_application_under_test_is_watched(client: Any, session: Any, world: Any) -> None:
    file = world.teacher("A1", "draft")

    with pytest.raises(Leaked, match=f"{TARGET} shows {file.id_no}"), WATCH.during():
        client.get(f"/login/?name={file.id_no}")


INNER = f"""
import logging, sys

def test_printed():
    print("{NUMBER}", file=sys.stderr)

def test_logged():
    logging.getLogger("app.planted").warning("{MOBILE}")

def test_printed_by_a_child():
    import subprocess
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('{NUMBER}')"])

def test_harmless():
    print("x", file=sys.stderr)
    logging.getLogger("app.planted").warning("x")
"""


def test_a_test_that_leaks_fails_as_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "test_planted.py"
    path.write_text(INNER, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", str(ROOT / "pyproject.toml")]

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-p", "tests.conftest", str(path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "4 passed, 3 errors" in ended.stdout, ended.stdout + ended.stderr
    assert f"stderr shows {NUMBER}" in ended.stdout
    assert f"log of app.planted shows {MOBILE}" in ended.stdout
