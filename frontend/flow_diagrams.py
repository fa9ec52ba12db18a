"""Writes the state diagram of every flow as DOT, in both languages; the build draws them."""

import sys
from pathlib import Path

from flask import Flask
from flask_babel import Babel, force_locale

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.core.reference import structure  # noqa: E402
from app.workflows import WORKFLOWS  # noqa: E402
from app.workflows.diagram import dot  # noqa: E402

LANGUAGES = ("zh", "en")


def main(folder: Path) -> None:
    app, codes = Flask("diagrams"), structure().codes
    Babel(app, default_translation_directories=str(ROOT / "translations"))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.dot"):
        old.unlink()
    for language in LANGUAGES:
        with app.test_request_context(), force_locale(language):
            for name, flow in WORKFLOWS.items():
                table = codes[flow.state_table]
                text = dot(flow, lambda state: getattr(table[state], f"name_{language}"))  # noqa: B023
                (folder / f"{name}-{language}.dot").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
