"""Keys are changed while people work: under load, killed half-way, gone on with (SEC-41)."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask_appbuilder import Model
from sqlalchemy import LargeBinary, select
from sqlalchemy.exc import IntegrityError

from app.access.actor import acting_as, system
from app.core import clock, crypto
from app.core.crypto import KeyProblem, Suite
from app.core.database import reads_only
from app.core.errors import Stale
from app.core.keys import FileKeys, new_key, read_ring
from app.extensions import db
from app.indicators.catalog import catalog
from app.models import load_all
from app.models.history import Audit
from app.models.key import KeyFingerprint
from app.models.record import SETS
from app.models.saved_view import FormDraft
from app.models.teacher import Teacher
from app.services import audit_chain, draft, identity, key, search
from app.services import file as files
from app.services.storage import Storage
from tests.conftest import make_app
from tests.test_cli import run

CONTENT = b"a stored file" * 100


class Rings:
    """The rings of a change of keys, one file each."""

    def __init__(self, old: Path, folder: Path) -> None:
        self.folder = folder
        self.kept = json.loads(old.read_text())["keys"]
        self.field = new_key("field", 3, Suite.INTERNATIONAL)
        self.index = new_key("index", 2, Suite.INTERNATIONAL)

    def write(self, name: str, entries: list[dict[str, Any]]) -> Path:
        path = self.folder / name
        path.write_text(json.dumps({"keys": entries}))
        path.chmod(0o600)
        return path

    def both(self) -> Path:
        """The new field key writes; the new index key waits and is filled."""
        return self.write("both", [*self.kept, self.field, self.index | {"waiting": True}])

    def switched(self) -> Path:
        """The new index key is in force, the old ones are still there."""
        return self.write("switched", [*self.kept, self.field, self.index])

    def new(self) -> Path:
        """Without the old field key of the suite and the old index key."""
        old = [each for each in self.kept if (each["use"], each["id"]) not in OLD]
        return self.write("new", [*old, self.field, self.index])


OLD = {("field", 1), ("index", 1)}


@contextmanager
def using(path: Path) -> Any:
    with crypto.using(read_ring(FileKeys(path))) as ring:
        yield ring


def rotating(
    app: Any, ring: Path, size: int, pause: float, *, last: int = 0
) -> subprocess.Popen[str]:
    url = app.config["DATABASE_URL"]
    folder = Path(app.config["STORAGE_DIR"]).parent
    command = [sys.executable, "-m", "tests.jobs.rotate_process", url, str(ring), str(folder)]
    return subprocess.Popen(
        [*command, str(size), str(pause), str(last)],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


class Load:
    """A person who saves mobiles and one who searches numbers, until told to stop."""

    def __init__(self, app: Any, world: Any) -> None:
        self.app, self.world = app, world
        self.over = threading.Event()
        self.faults: list[str] = []
        self.saved: dict[int, str] = {}
        self.searched = 0
        self.threads = [
            threading.Thread(target=self._run, args=(part,)) for part in (self._save, self._search)
        ]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _run(self, part: Callable[[int], None]) -> None:
        turn = 0
        with self.app.app_context():
            while not self.over.is_set():
                try:
                    part(turn)
                except Stale:
                    pass
                except Exception as error:  # noqa: BLE001
                    self.faults.append(repr(error))
                finally:
                    db.session.rollback()
                    db.session.remove()
                turn += 1
                # The one lock of SQLite must be free long enough for whoever asks now and then.
                self.over.wait(0.5)

    def _save(self, turn: int) -> None:
        actor = self.world.actors["school_info_A1"]
        ref = self.world.teacher("A1", "draft", 1 + turn % 2)
        mobile = f"138{turn:08d}"
        session = db.session()
        with acting_as(actor):
            teacher = session.get(Teacher, ref.id)
            files.save_record(
                session, actor, teacher, "contact", {"mobile": mobile}, catalog=catalog(session)
            )
            session.commit()
        self.saved[ref.id] = mobile

    def _search(self, turn: int) -> None:
        refs = list(self.world.teachers.values())
        ref = refs[turn % len(refs)]
        token = reads_only.set(True)
        try:
            with acting_as(self.world.actors["city_info"]):
                query = select(Teacher.id).where(search.matches(ref.id_no))
                found = db.session().scalars(query).all()
        finally:
            reads_only.reset(token)
        if ref.id not in found:
            self.faults.append(f"{ref.key} is not found")
        self.searched += 1


def fill(app: Any, world: Any) -> str:
    """One sealed draft and a stored file beside the world; returns the name of the file."""
    actor = world.actors["school_info_A1"]
    with app.app_context(), acting_as(actor):
        draft.keep(db.session(), actor, "x", {"a": "typed"})
        db.session.commit()
    return Storage.of(app.config).write(CONTENT).name


def assert_readable(app: Any, world: Any, name: str, saved: dict[int, str]) -> None:
    with app.app_context(), system():
        session = db.session()
        for ref in world.teachers.values():
            teacher = identity.sealed_id(session, session.get_one(Teacher, ref.id))
            place = {"table": "teacher", "column": "id_no", "uuid": teacher.uuid}
            assert crypto.unseal(teacher.id_no, **place) == ref.id_no
        for cls in SETS.values():
            for row in session.scalars(select(cls)):
                row.values()
        contact = SETS["contact"]
        for teacher_id, mobile in saved.items():
            row = session.scalars(select(contact).where(contact.teacher_id == teacher_id)).one()
            assert row.value("mobile") == mobile
        assert draft.find(session, world.actors["school_info_A1"], "x").values == {"a": "typed"}
        assert session.scalars(select(FormDraft)).all()
    assert Storage.of(app.config).read(name) == CONTENT


def assert_duplicate_refused(app: Any, world: Any) -> None:
    """The index of the database itself refuses a second active file of a number."""
    ref = world.teacher("A1", "draft")
    with app.app_context(), system():
        session = db.session()
        indexes = crypto.index_columns("id_no", ref.id_no, "idcard")
        session.add(
            Teacher(
                uuid=uuid4().hex, school_id=ref.school_id, authority_id=ref.authority_id,
                name="x", version=1, content_version=1, **indexes,
            )
        )  # fmt: skip
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def rotate_with_kill(app: Any, world: Any, ring: Path, *, size: int, pause: float) -> Load:
    """Kill the first run after some batches, let the second one end, under load."""
    with Load(app, world) as load:
        first = rotating(app, ring, size, pause, last=6)
        for _batch in range(4):
            assert first.stdout.readline()
        first.kill()
        first.communicate()
        with app.app_context(), system():
            assert key.left(db.session(), Storage.of(app.config))
            db.session.remove()
        second = rotating(app, ring, size, pause)
        second.communicate()
        assert second.returncode == 0
    assert load.faults == []
    assert load.searched
    assert load.saved
    return load


def change_keys(app: Any, world: Any, rings: Rings, *, size: int, pause: float) -> None:
    """The whole change, from the old ring to one without the old keys."""
    name = fill(app, world)
    both, switched, new = rings.both(), rings.switched(), rings.new()
    with using(both):
        load = rotate_with_kill(app, world, both, size=size, pause=pause)
        assert_readable(app, world, name, load.saved)
        assert_duplicate_refused(app, world)
    with using(switched), Load(app, world) as load:
        assert_duplicate_refused(app, world)
        result = run(app, "rotate-keys")
        assert (result.exit_code, "index:1" in result.output) == (0, True), result.output
        assert "field:1" in result.output
    assert load.faults == []
    folder = Path(app.config["STORAGE_DIR"]).parent
    # Inside, so that the ring of the other tests is put back and not the one this loads.
    with using(new):
        later = make_app(app.config["DATABASE_URL"], new, folder)
        assert run(later, "rotate-keys").exit_code == 0
        assert_readable(later, world, name, load.saved)
        assert_duplicate_refused(later, world)
        with Load(later, world) as load:
            load.over.wait(1)
        assert load.faults == []
        with later.app_context(), system():
            assert key.left(db.session(), Storage.of(later.config)) == []
            session = db.session()
            cleared = Teacher.id_no_index.is_(None) & Teacher.id_no_index2.is_not(None)
            assert session.scalars(select(Teacher).where(~cleared)).all() == []
            ring = crypto.ring_in_use()
            while audit_chain.seal_pending(session, ring):
                session.commit()
            head = Path(later.config["AUDIT_HEAD_FILE"])
            audit_chain.write_head(session, ring, head)
            session.commit()
            assert audit_chain.verify(session, ring, head) == []
            assert session.scalars(select(Audit.detail).where(Audit.act == "keys")).all()
            db.session.remove()
            db.engine.dispose()


def test_keys_change_under_load_with_a_kill_in_the_middle(
    live_app: Any, world: Any, key_file: Path, tmp_path: Path
) -> None:
    change_keys(live_app, world, Rings(key_file, tmp_path), size=10, pause=0.0)


@pytest.mark.slow
def test_keys_change_one_value_at_a_time(
    live_app: Any, world: Any, key_file: Path, tmp_path: Path
) -> None:
    change_keys(live_app, world, Rings(key_file, tmp_path), size=1, pause=0.05)


def test_a_concurrent_edit_wins_over_the_rotation(
    session: Any, world: Any, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref, other = world.teacher("A1", "draft"), "110199198001010011"
    reseal = crypto.reseal

    def edited(blob: bytes, **where: Any) -> bytes:
        if where["uuid"] == ref.uuid and where["table"] == "teacher":
            teacher = session.get(Teacher, ref.id)
            identity.identify(teacher, {"id_no": other})
            session.flush()
        return reseal(blob, **where)

    monkeypatch.setattr(key, "reseal", edited)
    with using(Rings(key_file, tmp_path).both()), system():
        place = next(each for each in key.places() if each.name == "teacher.id_no")
        for row in key._outdated(session, place, 0):  # noqa: SLF001
            key._renew(session, place, row)  # noqa: SLF001
        session.expire_all()
        teacher = identity.sealed_id(session, session.get(Teacher, ref.id))
        where = {"table": "teacher", "column": "id_no", "uuid": ref.uuid}
        assert crypto.unseal(teacher.id_no, **where) == other


def test_every_column_of_bytes_is_a_sealed_place_or_listed() -> None:
    load_all()
    indexes = {place.column + suffix for place in key.places() for suffix in crypto.INDEX_SUFFIXES}
    found = {
        f"{table.name}.{column.name}"
        for table in Model.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name not in indexes
    }

    assert found == {place.name for place in key.places()} | set(key.NOT_SEALED)


def test_start_is_refused_with_another_key_and_names_it(
    live_app: Any, key_file: Path, tmp_path: Path
) -> None:
    entries = json.loads(key_file.read_text())["keys"]
    other = new_key("field", 1, Suite.INTERNATIONAL)
    changed = [other if (e["use"], e["id"]) == ("field", 1) else e for e in entries]
    missing = [e for e in entries if e["use"] != "index"]
    missing += [new_key("index", 2, Suite.INTERNATIONAL)]
    rings = Rings(key_file, tmp_path)
    url = live_app.config["DATABASE_URL"]
    with crypto.using(crypto.ring_in_use()):
        with pytest.raises(KeyProblem, match="field:1 is not the one"):
            make_app(url, rings.write("changed", changed), tmp_path)
        with pytest.raises(KeyProblem, match="index:1 is missing"):
            make_app(url, rings.write("missing", missing), tmp_path)
        assert live_app.test_client().get("/readyz").json["checks"]["keys"] is False
    assert live_app.test_client().get("/readyz").json["checks"]["keys"] is True


def test_fingerprints_tell_nothing_of_the_keys(live_app: Any, key_file: Path) -> None:
    with live_app.app_context():
        kept = db.session.scalars(select(KeyFingerprint)).all()
        db.session.remove()

    assert {each.name for each in kept} == {"field:1", "index:1", "audit:1"}
    assert all(len(each.fingerprint) == 16 and each.since <= clock.now() for each in kept)
