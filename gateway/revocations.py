"""The list of revoked tokens: a file that `fieldgate token revoke` writes, and a running gateway follows."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.errors import FieldgateError, worth_saying

_NAME = "revoked.json"
_MOST = 100_000  # tokens
_MAX_BYTES = 32 << 20
_LATEST = 1e11  # seconds since the Unix epoch
# A clock that was ahead for a while must not bring a token back to life.
_KEEP_AFTER = 86_400.0  # seconds that a token stays in the list after its end

logger = logging.getLogger(__name__)

Revoked = dict[str, float | None]  # a token's id, and its end in seconds since the Unix epoch where it is known


def default_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the list is unless the configuration says: systemd's state directory, else the user's own."""
    state = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(state) / _NAME if state else Path.home() / ".local" / "state" / "fieldgate" / _NAME


class Revocations:
    """The newest list that could be read. It follows its file, and never lets go of a list that was good."""

    def __init__(self) -> None:
        self.path: Path | None = None  # may be replaced: the next look follows
        self._revoked: frozenset[str] = frozenset()
        self._read: tuple[object, ...] | None = None  # what the file looked like then; None where there was none
        self._failures = 0
        self._taken_from: Path | None = None
        self.unknown = False  # a list is there that could never be read: any token may be in it

    def __contains__(self, jti: str | None) -> bool:
        return jti in self._revoked

    def read(self) -> None:
        """Reads the file for the first time; FieldgateError where it is there and cannot be read."""
        try:
            self._take()
        except (OSError, ValueError) as error:
            raise FieldgateError(f"the revoked tokens are not known: {self.path}: {_reason(error)}") from error

    def look(self) -> bool:
        """Reads the file again where it changed; whether another list holds now. Waits for the disk."""
        before = self._revoked
        try:
            self._take()
        except (OSError, ValueError) as error:
            self._failures += 1
            self.unknown = self._taken_from != self.path
            if worth_saying(self._failures):
                what = "no signed token is taken" if self.unknown else "the list that was read before stays in force"
                logger.error("%s: %s: %s", self.path, _reason(error), what)
            return False
        self.unknown = False
        if self._failures:
            self._failures = 0
            logger.info("%s can be read again", self.path)
        return self._revoked != before

    def _take(self) -> None:
        if self.path is None:
            return
        state = _state(self.path)
        if state == self._read and self._taken_from == self.path:
            return
        if state is not None:
            self._revoked = frozenset(load(self.path))
        elif self._read is not None:
            logger.warning("%s is gone: the tokens in it stay revoked until the gateway restarts", self.path)
        self._read = state
        self._taken_from = self.path


def load(path: Path) -> Revoked:
    """The list; empty where there is no file. Raises OSError, or ValueError where it is damaged."""
    try:
        with path.open("rb") as opened:
            raw = opened.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    revoked = given.get("revoked") if isinstance(given, dict) else None
    if not isinstance(revoked, dict) or not all(_is_time(expires) for expires in revoked.values()):
        raise ValueError("is not a list of revoked tokens")
    return revoked


def revoke(path: Path, jti: str, expires: float | None, now: float) -> None:
    """Adds a token to the list, whole or not at all; forgets those that ended long ago.

    Raises OSError, or ValueError where the list is damaged or full.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one(path.parent) as folder:
        known = {id: end for id, end in load(path).items() if end is None or end + _KEEP_AFTER > now}
        known[jti] = expires
        if len(known) > _MOST:
            raise ValueError(f"holds {_MOST} tokens already: change the key, which revokes all that it signed")
        _replace(path, json.dumps({"revoked": known}, indent=1).encode() + b"\n", folder)


@contextmanager
def _only_one(folder: Path) -> Iterator[int]:
    """The folder's descriptor, for one process at a time."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes, folder: int) -> None:
    """Puts the content in the file's place and on the disk; whoever reads meanwhile gets all of the old or the new."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if os.geteuid() == 0:  # root revokes for the gateway's user, who must be able to read it
                owner = os.stat(path) if path.exists() else os.fstat(folder)
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        os.fsync(folder)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _state(path: Path) -> tuple[object, ...] | None:
    try:
        is_ = path.stat()
    except FileNotFoundError:
        return None
    return path, is_.st_dev, is_.st_ino, is_.st_size, is_.st_mtime_ns, is_.st_ctime_ns


def _is_time(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST)


def _reason(error: OSError | ValueError) -> str:
    return f"cannot be read: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
