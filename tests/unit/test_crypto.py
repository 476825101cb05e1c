"""Personal data at rest: sealed, rotated, indexed (P3)."""

from __future__ import annotations

import base64
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select

from data import crypto
from data.crypto import Keyring

OLD, NEW, OTHER = os.urandom(32), os.urandom(32), os.urandom(32)


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


@given(st.binary(max_size=500))
def test_what_is_sealed_opens_again(plain: bytes) -> None:
    ring = Keyring({"a": OLD})
    assert ring.decrypt(ring.encrypt(plain)) == plain


def test_sealing_twice_gives_two_values_and_neither_shows_the_text() -> None:
    ring = Keyring({"a": OLD})
    first, second = (ring.encrypt("张奶奶".encode()) for _ in range(2))
    assert first != second
    assert "张奶奶".encode() not in first


def test_the_layout_is_the_documented_one() -> None:
    sealed = Keyring({"key-7": OLD}).encrypt(b"x")
    assert sealed[:7] == b"\x01\x05key-7"
    assert len(sealed) == 7 + 12 + 1 + 16


def test_rotation_reads_the_old_and_writes_the_new() -> None:
    sealed = Keyring({"old": OLD}).encrypt(b"13800000000")
    both = Keyring({"new": NEW, "old": OLD})
    assert both.decrypt(sealed) == b"13800000000"
    assert not both.is_current(sealed)
    renewed = both.rotate(sealed)
    assert both.is_current(renewed)
    assert Keyring({"new": NEW}).decrypt(renewed) == b"13800000000"
    assert both.rotate(renewed) is renewed


def test_a_key_id_that_only_begins_alike_is_not_current() -> None:
    sealed = Keyring({"k12": OLD}).encrypt(b"x")
    assert not Keyring({"k1": NEW}).is_current(sealed)


def test_the_index_stays_when_keys_rotate() -> None:
    before = Keyring({"old": OLD, "index": OTHER})
    after = Keyring({"new": NEW, "index": OTHER})
    assert before.blind_index("13800000000") == after.blind_index("13800000000")


def test_without_an_index_key_the_oldest_feeds_it_and_may_retire_under_its_name() -> None:
    first = Keyring({"old": OLD}).blind_index("13800000000")
    assert Keyring({"new": NEW, "old": OLD}).blind_index("13800000000") == first
    assert Keyring({"new": NEW, "index": OLD}).blind_index("13800000000") == first
    assert Keyring({"new": NEW}).blind_index("13800000000") != first


def test_the_index_tells_values_and_rings_apart() -> None:
    ring = Keyring({"a": OLD})
    assert len(ring.blind_index("13800000000")) == 32
    assert ring.blind_index("13800000000") != ring.blind_index("13800000001")
    assert ring.blind_index("13800000000") != Keyring({"a": NEW}).blind_index("13800000000")


def test_the_index_key_seals_nothing() -> None:
    with pytest.raises(crypto.KeyringInvalid):
        Keyring({"index": OLD})
    assert Keyring({"index": OTHER, "a": OLD}).key_ids == ("a",)


@pytest.mark.parametrize("place", [0, 1, 3, 10, -1])
def test_a_changed_byte_is_noticed(place: int) -> None:
    ring = Keyring({"a": OLD})
    sealed = bytearray(ring.encrypt(b"3-2-501"))
    sealed[place] ^= 1
    with pytest.raises((crypto.SealBroken, crypto.KeyUnknown)):
        ring.decrypt(bytes(sealed))


@given(st.binary(max_size=60))
def test_anything_else_is_refused_with_a_code(noise: bytes) -> None:
    with pytest.raises((crypto.SealBroken, crypto.KeyUnknown)):
        Keyring({"a": OLD}).decrypt(noise)


def test_a_missing_key_is_named() -> None:
    sealed = Keyring({"lost": OLD}).encrypt(b"x")
    with pytest.raises(crypto.KeyUnknown, match="lost") as failed:
        Keyring({"a": NEW}).decrypt(sealed)
    assert failed.value.code == "crypto.key_unknown"
    assert failed.value.facts == {"key_id": "lost"}


def test_keys_are_read_from_a_setting() -> None:
    ring = Keyring.parse(
        f"new:{encoded(NEW)}, old:{base64.urlsafe_b64encode(OLD).decode()},index:{encoded(OTHER)}"
    )
    assert ring.key_ids == ("new", "old")
    assert Keyring({"old": OLD}).decrypt(Keyring({"old": OLD}).encrypt(b"x")) == b"x"
    assert ring.decrypt(Keyring({"old": OLD}).encrypt(b"x")) == b"x"
    assert ring.blind_index("1") == Keyring({"x": NEW, "index": OTHER}).blind_index("1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "a:!!!!",
        f"a:{encoded(b'short')}",
        f"a:{encoded(OLD)},a:{encoded(NEW)}",
        f"bad id:{encoded(OLD)}",
        f"{'x' * 17}:{encoded(OLD)}",
    ],
    ids=["empty", "no colon", "no base64", "short", "twice", "space", "long name"],
)
def test_a_bad_setting_is_refused_without_showing_keys(text: str) -> None:
    with pytest.raises(crypto.KeyringInvalid) as failed:
        Keyring.parse(text)
    assert encoded(OLD) not in str(failed.value)
    assert failed.value.__cause__ is None


def test_neither_repr_nor_slots_show_keys() -> None:
    assert repr(Keyring({"new": NEW, "old": OLD})) == "Keyring(new, old)"


def test_a_key_file_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "home" / "keys"
    ring = Keyring.from_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Keyring.from_file(path).decrypt(ring.encrypt(b"x")) == b"x"
    assert [file.name for file in path.parent.iterdir()] == ["keys"]


def test_programs_that_start_at_once_get_the_same_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    gate = threading.Barrier(8)
    rings: list[Keyring] = []

    def program() -> None:
        gate.wait()
        rings.append(Keyring.from_file(path))

    threads = [threading.Thread(target=program) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ring.blind_index("1") for ring in rings}) == 1
    assert len(rings) == 8


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_file_open_to_others_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    Keyring.from_file(path)
    path.chmod(mode)
    with pytest.raises(crypto.KeyFileUnsafe, match="chmod 600"):
        Keyring.from_file(path)


def test_columns_are_sealed_in_the_database_and_plain_in_python(keyring: Keyring) -> None:
    table = Table(
        "person", MetaData(), Column("name", crypto.EncryptedText), Column("health", crypto.EncryptedJSON)
    )
    health: dict[str, Any] = {"过敏": ["青霉素"], "age": 81}
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(insert(table).values(name="张奶奶", health=health))
        connection.execute(insert(table).values(name=None, health=None))
        rows = connection.execute(select(table)).all()
        raw = connection.exec_driver_sql("SELECT name, health FROM person").all()
        known = connection.execute(select(table.c.name).where(table.c.name.is_not(None))).scalars().all()
    engine.dispose()
    assert rows == [("张奶奶", health), (None, None)]
    assert keyring.decrypt(raw[0][0]).decode() == "张奶奶"
    assert "青霉素".encode() not in raw[0][1]
    assert raw[1] == (None, None)
    assert known == ["张奶奶"]


def test_comparing_a_sealed_column_is_a_mistake_that_shows() -> None:
    table = Table("person", MetaData(), Column("name", crypto.EncryptedText))
    with pytest.raises(TypeError, match="blind index"):
        select(table).where(table.c.name == "张奶奶")
    with pytest.raises(TypeError, match="blind index"):
        select(table).where(table.c.name.in_(["张奶奶"]))
    select(table).where(table.c.name != None)  # noqa: E711  SQLAlchemy writes IS NOT NULL


def test_without_keys_nothing_is_written(keyring: Keyring) -> None:
    crypto.install(None)
    try:
        with pytest.raises(crypto.KeyringMissing):
            crypto.blind_index("13800000000")
    finally:
        crypto.install(keyring)
    assert crypto.blind_index("13800000000") == keyring.blind_index("13800000000")
