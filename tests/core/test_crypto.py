"""Sealed values, blind indexes and keys: published vectors, tampering, spellings, bad keys."""

import base64
import json
import os
import stat
import threading
import unicodedata
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from hypothesis import given
from hypothesis import strategies as st

from app.core import crypto
from app.core.crypto import Key, KeyProblem, SealBroken, Suite
from app.core.keys import FileKeys, TextKeys, create_key_file, load_keys, new_key, read_ring

ROW = UUID("6f1e3a52-6d1b-4b3e-9d43-0d5a0a5f2c11")
PLACE = {"table": "rec_basic", "column": "id_no", "uuid": ROW}
ID_NUMBER = "11019919781104001X"
RFC_TEXT = bytes.fromhex("".join(digit * 16 for digit in "ABCDEFEA"))
RFC_PLACE = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")


def entries(**changes):
    """Return a complete set of keys as JSON entries; `changes` replace or add by "use_id"."""
    wanted = {
        "field_1": new_key("field", 1, Suite.INTERNATIONAL),
        "field_2": new_key("field", 2, Suite.COMMERCIAL),
        "index_1": new_key("index", 1, Suite.INTERNATIONAL),
        "audit_1": new_key("audit", 1, Suite.INTERNATIONAL),
    } | changes
    return [entry for entry in wanted.values() if entry]


def ring_of(keys, suite=1):
    return read_ring(TextKeys(json.dumps({"keys": keys})), suite=suite)


@pytest.fixture(params=list(Suite))
def ring(request):
    with crypto.using(ring_of(entries(), request.param)) as ring:
        yield ring


# The algorithms


def test_sm4_matches_the_example_of_gbt_32907():
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encryptor = Cipher(SM4(key), modes.ECB()).encryptor()  # noqa: S305 - one block, as published.

    assert encryptor.update(key).hex() == "681edf34d206965e86b3e94f536e4246"


def test_sm4_gcm_matches_rfc_8998():
    key = Key("field", 1, Suite.COMMERCIAL, bytes.fromhex("0123456789abcdeffedcba9876543210"))
    nonce = bytes.fromhex("00001234567800000000abcd")

    sealed = key.encrypt(nonce, RFC_TEXT, RFC_PLACE)

    assert sealed.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert key.decrypt(nonce, sealed, RFC_PLACE) == RFC_TEXT


def test_aes_gcm_matches_the_published_case_16():
    secret = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    key = Key("field", 1, Suite.INTERNATIONAL, secret)
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")

    sealed = key.encrypt(nonce, plain, RFC_PLACE)

    assert sealed.hex() == (
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )


def sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def test_sm3_matches_the_example_of_gbt_32905():
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_mac_of_the_commercial_suite_is_hmac_over_sm3():
    secret = bytes(range(32))
    padded = secret.ljust(64, b"\0")
    inner = sm3(bytes(byte ^ 0x36 for byte in padded) + b"data")

    mac = Key("index", 1, Suite.COMMERCIAL, secret).mac(b"data")

    assert mac == sm3(bytes(byte ^ 0x5C for byte in padded) + inner)


def test_mac_of_the_international_suite_matches_rfc_4231():
    mac = Key("index", 1, Suite.INTERNATIONAL, b"Jefe").mac(b"what do ya want for nothing?")

    assert mac.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


# Sealed values


@pytest.mark.parametrize("value", ["", ID_NUMBER, "欧阳若𠮷"])
def test_sealed_value_is_opened_in_its_place(ring, value):
    blob = crypto.seal(value, **PLACE)

    assert crypto.unseal(blob, **PLACE) == value
    assert crypto.unseal(blob, **PLACE | {"uuid": str(ROW)}) == value
    assert crypto.unseal(blob, **PLACE | {"uuid": ROW.hex}) == value


def test_sealed_value_is_version_key_nonce_ciphertext_and_tag(ring):
    blob = crypto.seal(ID_NUMBER, **PLACE)

    assert len(blob) == 1 + 1 + 12 + len(ID_NUMBER) + 16
    assert (blob[0], blob[1]) == (ring.suite, ring.field_key.id) == crypto.seal_key(blob)
    assert crypto.is_current(blob)
    assert ID_NUMBER.encode() not in blob


def test_format_of_stored_values_does_not_change(ring):
    """What is stored today must be readable for ever: place, index and fingerprint are fixed."""
    blob = crypto.seal(ID_NUMBER, **PLACE)
    place = blob[:2] + b"rec_basic\0id_no\0" + ROW.bytes

    assert ring.field_key.decrypt(blob[2:14], blob[14:], place).decode() == ID_NUMBER
    assert ring.fingerprints() == {
        key.name: key.mac(b"fingerprint").hex()[:16] for key in ring.keys.values()
    }


@pytest.mark.parametrize(
    "elsewhere",
    [{"table": "rec_contact"}, {"column": "mobile"}, {"uuid": uuid4()}],
    ids=["table", "column", "row"],
)
def test_sealed_value_moved_to_another_place_is_refused(ring, elsewhere):
    blob = crypto.seal(ID_NUMBER, **PLACE)

    with pytest.raises(SealBroken, match=r"^A sealed value was altered or does not belong here\.$"):
        crypto.unseal(blob, **PLACE | elsewhere)


def test_names_of_table_and_column_cannot_be_shifted(ring):
    blob = crypto.seal(ID_NUMBER, table="ab", column="c", uuid=ROW)

    with pytest.raises(SealBroken):
        crypto.unseal(blob, table="a", column="bc", uuid=ROW)


def test_one_flipped_bit_anywhere_is_refused(ring):
    blob = crypto.seal("1", **PLACE)

    for bit in range(len(blob) * 8):
        flipped = bytearray(blob)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            crypto.unseal(bytes(flipped), **PLACE)


def test_every_shortened_value_is_refused(ring):
    blob = crypto.seal("", **PLACE)

    for size in range(len(blob)):
        with pytest.raises(SealBroken, match=r"^A sealed value was cut short\.$"):
            crypto.unseal(blob[:size], **PLACE)


def test_row_is_named_by_a_uuid_only(ring):
    with pytest.raises(ValueError, match="hexadecimal"):
        crypto.seal(ID_NUMBER, table="rec_basic", column="id_no", uuid="17")


def test_value_is_sealed_differently_each_time(ring):
    blobs = {crypto.seal(ID_NUMBER, **PLACE) for _ in range(100_000)}

    assert len({blob[2:14] for blob in blobs}) == 100_000


@pytest.mark.slow
def test_a_million_nonces_are_unique():
    with crypto.using(ring_of(entries())):
        nonces = {crypto.seal("", **PLACE)[2:14] for _ in range(1_000_000)}

    assert len(nonces) == 1_000_000


def test_values_of_both_suites_are_readable_whatever_is_written():
    keys = entries()
    with crypto.using(ring_of(keys, 1)):
        old = crypto.seal("old", **PLACE)

    with crypto.using(ring_of(keys, 2)):
        new = crypto.seal("new", **PLACE)
        assert (crypto.unseal(old, **PLACE), crypto.unseal(new, **PLACE)) == ("old", "new")
        assert (crypto.is_current(old), crypto.is_current(new)) == (False, True)
    with crypto.using(ring_of(keys, 1)):
        assert crypto.unseal(new, **PLACE) == "new"


def test_new_key_is_written_with_and_the_old_one_still_read_until_removed():
    keys = entries()
    with crypto.using(ring_of(keys)):
        old = crypto.seal("old", **PLACE)
    rotated = [*keys, new_key("field", 7, Suite.INTERNATIONAL)]

    with crypto.using(ring_of(rotated)):
        assert crypto.seal_key(crypto.seal("new", **PLACE)) == (1, 7)
        assert crypto.unseal(old, **PLACE) == "old"
        assert not crypto.is_current(old)
    with (
        crypto.using(ring_of([key for key in rotated if (key["use"], key["id"]) != ("field", 1)])),
        pytest.raises(SealBroken, match=r"^The key of a sealed value is not in the ring\.$"),
    ):
        crypto.unseal(old, **PLACE)


def test_waiting_key_reads_but_does_not_write():
    keys = entries(field_7=new_key("field", 7, Suite.INTERNATIONAL))
    with crypto.using(ring_of(keys)):
        blob = crypto.seal("from another machine", **PLACE)
    for key in keys:
        key["waiting"] = key["id"] == 7

    with crypto.using(ring_of(keys)):
        assert crypto.unseal(blob, **PLACE) == "from another machine"
        assert crypto.seal_key(crypto.seal("mine", **PLACE)) == (1, 1)


# Blind indexes

SPACES = st.text(st.sampled_from(" \t\u3000\u00a0\u200b\ufeff\u2009\u2028\u2029"), max_size=2)
WIDE = str.maketrans({char: chr(ord(char) + 0xFEE0) for char in "0123456789Xx+-"})


@st.composite
def spellings(draw, text):
    """Draw the text as people may type it: blanks anywhere, full-width, lower case."""
    typed = draw(SPACES)
    for char in text:
        variants = [char, char.lower(), char.translate(WIDE), char.lower().translate(WIDE)]
        typed += draw(st.sampled_from(variants)) + draw(SPACES)
    return typed


@given(spellings(ID_NUMBER))
def test_every_spelling_of_an_id_number_is_one(typed):
    assert crypto.normalise(typed, "idcard") == ID_NUMBER


@given(
    st.sampled_from(["", "+86", "86", "0086", "+86-", "86-", "(+86)", "+86+86"]),
    spellings("138-0013-8000"),
)
def test_every_spelling_of_a_mobile_is_its_eleven_digits(prefix, typed):
    assert crypto.normalise(prefix + typed, "phone") == "13800138000"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("010－1234 5678", "010-12345678"),
        ("86-010-12345678", "010-12345678"),
        ("+86 010-12345678", "010-12345678"),
        ("0086-010—12345678", "010-12345678"),
        ("86123456", "86123456"),  # A fixed line in Beijing, not a country code.
        ("010-12345678-8001", "010-12345678-8001"),
        ("8612345678901", "8612345678901"),
        ("010-12345678X", "010-12345678X"),
        *((f"010{dash}12345678", "010-12345678") for dash in "\u2010\u2011\u2012\u2013\u2014"),
        *((f"010{dash}12345678", "010-12345678") for dash in "\u2015\u2212\u30fc"),
        ("", ""),
    ],
)
def test_other_phones_lose_only_blanks_and_country_code(typed, kept):
    assert crypto.normalise(typed, "phone") == kept


def test_text_keeps_its_case_and_loses_its_blanks():
    assert crypto.normalise("Ａnna Maria·\u200b李", "text") == "AnnaMaria·李"


@given(st.text(), st.sampled_from(["idcard", "phone", "text"]))
def test_normalised_text_is_stable(text, kind):
    once = crypto.normalise(text, kind)

    assert crypto.normalise(once, kind) == once
    assert not any(unicodedata.category(char) in {"Zs", "Cc", "Cf"} for char in once)


def test_unknown_kind_is_a_mistake_of_the_programmer(ring):
    with pytest.raises(ValueError, match="^unknown kind 'mail'$"):
        crypto.blind_index("x", "mail")


def test_index_is_32_bytes_by_its_own_key_and_kind(ring):
    index = crypto.blind_index(ID_NUMBER, "idcard")

    assert len(index) == crypto.INDEX_SIZE == 32
    assert index == ring.index_key.mac(b"idcard\0" + ID_NUMBER.encode())
    assert index == crypto.blind_index(" 11019919781104001x", "idcard")
    assert index != crypto.blind_index(ID_NUMBER, "text")


@pytest.mark.parametrize("value", ["", " ", "\u3000\u200b"])
def test_empty_value_has_no_index(ring, value):
    with pytest.raises(ValueError, match="^an empty value has no index$"):
        crypto.blind_index(value, "idcard")


def test_index_does_not_change_with_the_suite_of_new_values():
    keys = entries()
    with crypto.using(ring_of(keys, 1)):
        before = crypto.blind_index(ID_NUMBER, "idcard")
    with crypto.using(ring_of(keys, 2)):
        assert crypto.blind_index(ID_NUMBER, "idcard") == before
        assert crypto.search_indexes(ID_NUMBER, "idcard") == [before]


def test_search_uses_both_index_keys_while_they_rotate():
    keys = entries(index_2=new_key("index", 2, Suite.COMMERCIAL, waiting=True))
    ring = ring_of(keys)

    with crypto.using(ring):
        found = crypto.search_indexes(ID_NUMBER, "idcard")

        assert found == [
            crypto.blind_index(ID_NUMBER, "idcard"),
            crypto.blind_index(ID_NUMBER, "idcard", key=ring.next_index_key),
        ]
    assert (ring.index_key.id, ring.next_index_key.id) == (1, 2)
    assert ring.next_index_key.suite is Suite.COMMERCIAL


def test_newest_of_two_waiting_index_keys_is_the_next_one():
    more = {f"index_{i}": new_key("index", i, Suite.INTERNATIONAL, waiting=True) for i in (2, 4)}

    assert ring_of(entries(**more)).next_index_key.id == 4


# Keys


def test_created_key_file_is_private_complete_and_fresh(tmp_path):
    path, other = tmp_path / "new" / "er" / "keys.json", tmp_path / "other.json"

    create_key_file(path)
    create_key_file(other, suite=Suite.COMMERCIAL)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["keys.json"]
    rings = [read_ring(FileKeys(file), suite=2) for file in (path, other)]
    assert [list(ring.keys) for ring in rings] == [
        [("field", 1), ("field", 2), ("index", 1), ("audit", 1)]
    ] * 2
    assert [ring.index_key.suite for ring in rings] == [1, 2]
    assert [ring.audit_key.suite for ring in rings] == [1, 2]
    assert len({key.secret for ring in rings for key in ring.keys.values()}) == 8


def test_created_key_file_never_replaces_one(tmp_path):
    path = tmp_path / "keys.json"
    create_key_file(path)
    before = path.read_text()

    with pytest.raises(FileExistsError):
        create_key_file(path)

    assert path.read_text() == before
    assert os.listdir(tmp_path) == ["keys.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o700, 0o610])
def test_key_file_that_others_may_open_is_refused(tmp_path, mode):
    path = tmp_path / "keys.json"
    create_key_file(path)
    path.chmod(mode)

    with pytest.raises(
        KeyProblem, match=r"^The key file \S+keys\.json must be a file with mode 600\.$"
    ):
        load_keys({"FIELD_KEY_FILE": str(path)})


def test_key_file_must_be_there_and_be_a_file(tmp_path):
    with pytest.raises(KeyProblem, match=r"^The key file \S+\.json cannot be read\.$"):
        load_keys({"FIELD_KEY_FILE": str(tmp_path / "none.json")})
    with pytest.raises(KeyProblem, match="must be a file with mode 600"):
        load_keys({"FIELD_KEY_FILE": str(tmp_path)})


def test_key_file_must_be_text(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)

    with pytest.raises(KeyProblem, match=r"^The key file \S+\.json cannot be read\.$"):
        load_keys({"FIELD_KEY_FILE": str(path)})


@pytest.fixture
def no_ring():
    with crypto.using(None):
        yield


@pytest.mark.usefixtures("no_ring")
def test_nothing_is_sealed_before_keys_are_loaded():
    with pytest.raises(KeyProblem, match=r"^The keys have not been loaded\.$"):
        crypto.seal(ID_NUMBER, **PLACE)


@pytest.mark.usefixtures("no_ring")
def test_keys_from_the_environment_serve_all_threads():
    text = json.dumps({"keys": entries()})

    ring = load_keys({"FIELD_KEYS": text, "FIELD_KEY_FILE": None, "CRYPTO_SUITE": "2"})
    seen = []
    thread = threading.Thread(target=lambda: seen.append(crypto.ring_in_use()))
    thread.start()
    thread.join()

    assert seen == [ring]
    assert ring.suite is Suite.COMMERCIAL


@pytest.mark.usefixtures("no_ring")
def test_suite_is_the_international_one_unless_set(tmp_path):
    path = tmp_path / "keys.json"
    create_key_file(path)

    assert load_keys({"FIELD_KEY_FILE": path}).suite is Suite.INTERNATIONAL


@pytest.mark.usefixtures("no_ring")
@pytest.mark.parametrize("config", [{}, {"FIELD_KEYS": "", "FIELD_KEY_FILE": ""}])
def test_missing_setting_is_named(config):
    with pytest.raises(KeyProblem, match=r"^Neither FIELD_KEYS nor FIELD_KEY_FILE is set\.$"):
        load_keys(config)
    with pytest.raises(KeyProblem):
        crypto.ring_in_use()


def changed(name, **values):
    use, key_id = name.split("_")
    key = new_key(use, int(key_id), Suite.INTERNATIONAL)
    return {name: key | values}


def secret(size):
    return base64.b64encode(os.urandom(size)).decode()


SAME = secret(32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"field_1": None}, "There is no field key for CRYPTO_SUITE 1."),
        ({"field_1": None, "field_2": None}, "There is no key for field."),
        ({"index_1": None}, "There is no key for index."),
        ({"audit_1": None}, "There is no key for audit."),
        (changed("index_1", waiting=True), "There is no key for index."),
        (changed("field_1", secret=secret(31)), "Key field:1 must have 32 bytes."),
        (changed("field_1", secret=secret(33)), "Key field:1 must have 32 bytes."),
        (changed("field_2", suite=2, secret=secret(32)), "Key field:2 must have 16 bytes."),
        (changed("index_1", suite=2, secret=secret(16)), "Key index:1 must have 32 bytes."),
        (changed("field_1", secret=""), "Key field:1 must have 32 bytes."),
        (
            changed("field_1", secret=base64.b64encode(bytes(32)).decode()),
            "Key field:1 is not random.",
        ),
        (changed("field_1", secret="?" * 44), "Key field:1 is not in base64."),
        (changed("field_1", suite=3), "The keys are not in the expected JSON form."),
        (changed("field_1", use="login"), "The keys are not in the expected JSON form."),
        (changed("field_1", id=0), "The keys are not in the expected JSON form."),
        (changed("field_1", id=256), "The keys are not in the expected JSON form."),
        (changed("field_1", id="1"), "The keys are not in the expected JSON form."),
        (changed("field_1", id=True), "The keys are not in the expected JSON form."),
        (
            changed("field_1", secret=SAME) | changed("index_1", secret=SAME),
            "Two keys have the same secret.",
        ),
        (changed("field_9", id=1), "Two keys have the same use and id."),
        (
            changed("index_3", waiting=True),
            "Of two index keys that follow each other one id is odd and one even.",
        ),
    ],
)
def test_unusable_keys_stop_the_start_without_being_quoted(changes, message):
    keys = entries(**changes)

    with pytest.raises(KeyProblem) as caught:
        ring_of(keys)

    assert str(caught.value) == message
    assert not any(key["secret"] and key["secret"] in str(caught.value) for key in keys)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"keys": 3}', '{"keys": [3]}', '{"keys": [{}]}', "{}"]
)
def test_keys_in_another_form_stop_the_start(text):
    with pytest.raises(KeyProblem, match=r"^The keys are not in the expected JSON form\.$"):
        read_ring(TextKeys(text))


@pytest.mark.parametrize("suite", [0, 3, "AES", ""])
def test_unknown_suite_stops_the_start(suite):
    with pytest.raises(
        KeyProblem, match=r"^CRYPTO_SUITE must be 1 \(AES, SHA-256\) or 2 \(SM4, SM3\)\.$"
    ):
        ring_of(entries(), suite)


def test_secret_with_a_quarter_of_different_bytes_is_random_enough():
    ring_of(entries(**changed("field_1", secret=_spread(8))))

    with pytest.raises(KeyProblem, match="not random"):
        ring_of(entries(**changed("field_1", secret=_spread(7))))


def _spread(count):
    """Return 32 bytes of which `count` differ."""
    return base64.b64encode(bytes(i % count for i in range(32))).decode()


@pytest.mark.parametrize("holder", [Key, crypto.KeyRing, TextKeys, FileKeys])
def test_keys_cannot_be_exchanged_in_a_ring(holder):
    assert holder.__dataclass_params__.frozen


def test_key_is_for_writing_unless_it_waits():
    assert Key("field", 1, Suite.INTERNATIONAL, b"").waiting is False


@pytest.mark.parametrize("id_and_bounds", [1, 255])
def test_key_ids_fill_one_byte(id_and_bounds):
    ring = ring_of(entries(**changed("field_1", id=id_and_bounds)))

    with crypto.using(ring):
        assert crypto.unseal(crypto.seal("x", **PLACE), **PLACE) == "x"


def test_ring_of_another_database_is_noticed():
    keys = entries()
    stored = ring_of(keys).fingerprints()

    ring_of([*keys, new_key("field", 9, Suite.INTERNATIONAL)]).check(stored)
    with pytest.raises(
        KeyProblem, match=r"^Key index:1 is not the one the database was written with\.$"
    ):
        ring_of(
            entries(**{f"{key['use']}_{key['id']}": key for key in keys if key["use"] != "index"})
        ).check(stored)
    with pytest.raises(
        KeyProblem, match=r"^Key field:2 is missing; the database was written with it\.$"
    ):
        ring_of([key for key in keys if key["id"] != 2]).check(stored)
    assert sorted(stored) == ["audit:1", "field:1", "field:2", "index:1"]
    assert {len(value) for value in stored.values()} == {16}


def test_no_key_is_shown_by_printing_it():
    keys = entries()
    ring = ring_of(keys)

    shown = repr(ring) + repr(TextKeys(json.dumps(keys)))

    for key in ring.keys.values():
        assert repr(key.secret) not in shown
        assert base64.b64encode(key.secret).decode() not in shown
    assert "field" in shown


def test_another_ring_is_used_only_within_its_block(ring):
    with crypto.using(ring_of(entries())) as inner:
        assert crypto.ring_in_use() is inner

    assert crypto.ring_in_use() is ring
