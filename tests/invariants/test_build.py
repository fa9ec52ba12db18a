"""What the pinned files and the built front end must always be."""

import csv
import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "app" / "static" / "dist"
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-build.txt")
LICENCES = {"MIT", "Apache-2.0", "BSD-3-Clause", "0BSD", "MPL-2.0"}


def manifest() -> dict[str, str]:
    return json.loads((DIST / "manifest.json").read_text())


def pins(name: str) -> dict[str, Requirement]:
    lines = re.findall(r"^([a-z0-9][^\\\n]*?)\s*\\?$", (ROOT / name).read_text(), re.MULTILINE)
    return {pin.name: pin for pin in map(Requirement, lines)}


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_exact_and_has_a_hash(name):
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text())
    entries = [entry for entry in entries if not entry.startswith("#")]

    assert entries
    assert all(re.match(r"[a-z0-9._-]+==\S+", entry) for entry in entries)
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("name", [*LOCKS, "package-lock.json"])
def test_lock_names_no_index(name):
    text = (ROOT / name).read_text()

    assert not re.search(r"--(extra-)?index-url|--find-links|file:|\"resolved\"", text)


def test_runtime_pins_lie_within_the_declared_ranges():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = pins("requirements.txt")

    for declared in map(Requirement, project["dependencies"]):
        (version,) = pinned[declared.name.lower()].specifier
        assert declared.specifier.contains(version.version), declared.name


def test_development_and_runtime_agree_on_shared_packages():
    runtime, development = pins("requirements.txt"), pins("requirements-dev.txt")

    shared = runtime.keys() & development.keys()

    assert {name: str(development[name].specifier) for name in shared} == {
        name: str(runtime[name].specifier) for name in shared
    }


def test_npm_packages_are_hashed_and_freely_licensed():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    installed = {path: package for path, package in packages.items() if path}

    assert [path for path, package in installed.items() if "integrity" not in package] == []
    assert {package["license"] for package in installed.values()} <= LICENCES


def test_every_built_file_is_there_under_its_hashed_name():
    built = manifest()

    assert {"app.js", "charts.js", "style.css", "print.css", "icons.svg", "beijing.json"} <= set(
        built
    )
    for plain, hashed in built.items():
        assert re.fullmatch(rf"{Path(plain).stem}-[A-Z0-9]{{8}}{Path(plain).suffix}", hashed)
        assert (DIST / hashed).exists()


def test_every_icon_drawn_by_a_template_is_in_the_sprite():
    sprite = set(re.findall(r'id="([^"]+)"', (DIST / manifest()["icons.svg"]).read_text()))
    drawn = {
        name
        for path in (ROOT / "app" / "templates").rglob("*.html")
        for name in re.findall(r"\bicon\(\s*[\"']([^\"']+)[\"']", path.read_text())
    }

    assert drawn
    assert drawn - sprite == set()


def test_built_styles_ask_no_other_machine():
    for name in ("style.css", "print.css"):
        text = (DIST / manifest()[name]).read_text()
        assert re.findall(r"url\(\s*[\"']?(?:https?:)?//[^)]*\)", text) == []


def test_map_outlines_the_districts_of_the_reference_data():
    features = json.loads((DIST / manifest()["beijing.json"]).read_text())["features"]
    with (ROOT / "seeds" / "districts.csv").open(encoding="utf-8") as file:
        districts = {row["code"] for row in csv.DictReader(file) if row["level"] == "district"}

    assert {feature["properties"]["code"] for feature in features} == districts
