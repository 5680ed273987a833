"""The certificate that new connections are shown. It follows its files, and never lets go of a pair that works."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from contextlib import suppress
from datetime import UTC, datetime

from gateway.config.tls import TlsSection
from gateway.errors import FieldgateError

_LOOK_EVERY = 1.0  # seconds between looks at the files
_JUDGE_EVERY = 86400.0  # seconds between looks at the time that is left
_SOON = 14  # days before its end from which a certificate is worth a warning

logger = logging.getLogger(__name__)

Files = tuple[object, ...]  # what tells one state of the files from another


class Certificates:
    """The context of the newest pair that could be used; `look_every` is in seconds."""

    def __init__(self, section: TlsSection, look_every: float = _LOOK_EVERY) -> None:
        self.section = section  # may be replaced: the next look follows
        self._look_every = look_every
        self._context: ssl.SSLContext | None = None
        self._taken: Files = ()  # what was read last, whether or not it could be used
        self._seen: Files = ()
        self._judged = 0.0

    @property
    def context(self) -> ssl.SSLContext:
        """What the next handshake is done with; connections that stand keep theirs."""
        if self._context is None:
            raise FieldgateError("no certificate was read yet")
        return self._context

    async def read(self) -> None:
        """Reads the files for the first time; FieldgateError where they are no pair that can be used."""
        try:
            await asyncio.to_thread(self._take, _files(self.section))
        except ValueError as error:
            raise FieldgateError(str(error)) from error

    async def watch(self) -> None:
        """Follows the files until cancelled."""
        while True:
            await asyncio.sleep(self._look_every)
            await asyncio.to_thread(self._look)

    def _look(self) -> None:
        files = _files(self.section)
        # Only once they have come to rest: whoever renews a certificate writes one file after the other.
        if files != self._taken and files == self._seen:
            try:
                self._take(files)
            except ValueError as error:
                logger.error("the changed certificate is not used, the one before stays: %s", error)
        elif time.monotonic() - self._judged > _JUDGE_EVERY:
            self._judge()
        self._seen = files

    def _take(self, files: Files) -> None:
        self._taken = self._seen = files
        context = self.section.context()
        again = self._context is not None
        self._context = context
        logger.info("%s the certificate %s", "now using" if again else "using", self.section.certificate)
        if _is_open_to_all(self.section):
            logger.warning("every user of this machine may read the private key %s", self.section.key)
        self._judge()

    def _judge(self) -> None:
        """Says what clients will think of the certificate, where that is nothing good."""
        self._judged = time.monotonic()
        certificate = self.section.certificate
        try:
            end = valid_until(self.context, self.section)
        except ssl.SSLCertVerificationError as error:
            logger.warning("clients will refuse the certificate %s: %s", certificate, error.verify_message)
        except (ssl.SSLError, OSError, ValueError) as error:
            logger.warning("a handshake with the certificate %s fails: %s", certificate, type(error).__name__)
        else:
            days = (end - time.time()) / 86400
            if days < _SOON:
                day = datetime.fromtimestamp(end, UTC).date()
                logger.warning("the certificate %s ends in %d days, on %s", certificate, days, day)


def valid_until(context: ssl.SSLContext, section: TlsSection) -> float:
    """When the certificate ends, in seconds since the Unix epoch, learnt as a client learns it: by a handshake.

    Raises SSLCertVerificationError where a client that trusts the certificate itself would still refuse it.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate is trusted, whoever signed it
    client.load_verify_locations(section.certificate)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(back, there)
    serving = context.wrap_bio(there, back, server_side=True)
    for end in (asking, serving) * 4:  # more turns than any version takes
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return ssl.cert_time_to_seconds(str((asking.getpeercert() or {})["notAfter"]))


def _files(section: TlsSection) -> Files:
    """Where the files are and what tells that they changed, also behind links that point elsewhere now."""
    found: list[object] = []
    for path in (section.certificate, section.key):
        try:
            is_ = os.stat(path)
        except (OSError, ValueError):
            found.append(path)
        else:
            found.append((path, is_.st_dev, is_.st_ino, is_.st_size, is_.st_mtime_ns))
    return tuple(found)


def _is_open_to_all(section: TlsSection) -> bool:
    with suppress(OSError):
        return bool(section.key.stat().st_mode & 0o004)
    return False
