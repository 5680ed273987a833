"""The list of revoked tokens: written whole or not at all, followed, and never lost."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
from pathlib import Path

import pytest

from gateway import revocations
from gateway.errors import FieldgateError
from gateway.revocations import Revocations, default_path, load, revoke

NOW = 1_800_000_000.0
DAMAGED = {
    "empty": "", "cut off": '{"revoked": {"a"', "a list": "[]", "without revoked": "{}",
    "of a number": '{"revoked": 1}',
    "a time that is none": '{"revoked": {"a": "tomorrow"}}', "a time that is true": '{"revoked": {"a": true}}',
    "a time beyond all": '{"revoked": {"a": 1e300}}', "no UTF-8": "\udcff", "deep": "[" * 100_000,
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "revoked.json"


def follow(path: Path) -> Revocations:
    revoked = Revocations()
    revoked.path = path
    revoked.read()
    return revoked


def damage(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def test_what_is_revoked_is_in_the_list_with_its_end(path: Path) -> None:
    revoke(path, "a", NOW + 60, NOW)
    revoke(path, "b", None, NOW)
    revoke(path, "b", NOW + 90, NOW)
    assert load(path) == {"a": NOW + 60, "b": NOW + 90}
    assert "a" in follow(path)
    assert "c" not in follow(path)
    assert None not in follow(path)


def test_only_its_owner_may_read_it(path: Path) -> None:
    revoke(path, "a", None, NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["revoked.json"], "nothing is left beside it"


def test_who_revokes_for_the_gateways_user_leaves_the_file_to_it(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    path.parent.mkdir()
    os.chown(path.parent, 12345, 12346)
    for _ in range(2):
        revoke(path, "a", None, NOW)
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_a_token_is_forgotten_a_day_after_its_end_and_one_without_an_end_never(path: Path) -> None:
    revoke(path, "short", NOW + 60, NOW)
    revoke(path, "endless", None, NOW)
    revoke(path, "a", None, NOW + 86_400)
    assert "short" in load(path), "the clock may be ahead"
    revoke(path, "b", None, NOW + 60 + 86_400)
    assert load(path).keys() == {"endless", "a", "b"}


async def test_revoking_at_the_same_time_loses_none(path: Path) -> None:
    await asyncio.gather(*(asyncio.to_thread(revoke, path, f"t{n}", None, NOW) for n in range(40)))
    assert load(path).keys() == {f"t{n}" for n in range(40)}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_list_is_neither_believed_nor_written_over(path: Path, name: str) -> None:
    path.parent.mkdir()
    damage(path, DAMAGED[name])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is not"):
        revoke(path, "a", None, NOW)
    assert path.read_bytes() == before
    with pytest.raises(FieldgateError, match=f"{path}: is not"):
        follow(path)


def test_the_list_has_a_bound(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "_MOST", 2)
    revoke(path, "a", None, NOW)
    revoke(path, "b", None, NOW)
    revoke(path, "b", NOW, NOW)
    with pytest.raises(ValueError, match="holds 2 tokens already"):
        revoke(path, "c", None, NOW)
    assert load(path).keys() == {"a", "b"}


def test_a_write_that_fails_leaves_the_list_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revoke(path, "a", None, NOW)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        revoke(path, "b", None, NOW)
    assert load(path) == {"a": None}
    assert [file.name for file in path.parent.iterdir()] == ["revoked.json"]


# ---- following


def test_without_a_file_nothing_is_revoked_until_there_is_one(path: Path) -> None:
    revoked = follow(path)
    assert not revoked.look()
    revoke(path, "a", None, NOW)
    assert revoked.look()
    assert "a" in revoked
    assert not revoked.look(), "it did not change again"


def test_each_change_of_the_file_is_noticed(path: Path) -> None:
    revoke(path, "a", None, NOW)
    revoked = follow(path)
    for n in range(5):  # as quick as they can follow each other
        revoke(path, f"t{n}", None, NOW)
        assert revoked.look(), n
    path.write_text(json.dumps({"revoked": {"t0": None}}))
    assert revoked.look()
    assert "a" not in revoked


@pytest.mark.parametrize("name", DAMAGED)
def test_a_list_that_was_good_stays_in_force_and_the_log_says_so_now_and_then(
    path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    revoke(path, "a", None, NOW)
    revoked = follow(path)
    damage(path, DAMAGED[name])
    for _ in range(9):
        assert not revoked.look()
    assert "a" in revoked
    said = [record for record in caplog.records if "stays in force" in record.getMessage()]
    assert len(said) == 4
    assert said[0].levelno == logging.ERROR
    path.unlink()
    revoke(path, "b", None, NOW)
    assert revoked.look()
    assert "b" in revoked


def test_a_file_that_is_gone_takes_nothing_with_it(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    revoke(path, "a", None, NOW)
    revoked = follow(path)
    path.unlink()
    for _ in range(3):
        assert not revoked.look()
    assert "a" in revoked
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} is gone: the tokens in it stay revoked until the gateway restarts"
    ]


def test_a_file_that_cannot_be_read_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FieldgateError, match="cannot be read: Is a directory"):
        follow(tmp_path)


def test_another_path_is_followed_from_the_next_look_on(path: Path) -> None:
    revoke(path, "a", None, NOW)
    revoked = follow(path)
    revoked.path = path.with_name("other.json")
    revoke(revoked.path, "b", None, NOW)
    assert revoked.look()
    assert "b" in revoked


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"STATE_DIRECTORY": "/var/lib/fieldgate"}, "/var/lib/fieldgate/revoked.json"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a/revoked.json"),
        ({}, "/home/me/.local/state/fieldgate/revoked.json"),
        ({"STATE_DIRECTORY": ""}, "/home/me/.local/state/fieldgate/revoked.json"),
    ],
)
def test_the_list_is_in_the_state_directory_unless_it_is_said(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert default_path(environment) == Path(expected)
