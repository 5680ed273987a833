"""The certificate and key that the server shows, as files beside the configuration."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NoReturn, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import FilePath, Strict

_MAX_BYTES = 1 << 20


class TlsSection(Strict):
    """A certificate, with the chain above it, and its key: two PEM files, or one that has both."""

    certificate: FilePath
    key: FilePath

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            self.context()
        except ValueError as error:
            raise PydanticCustomError("tls", "{message}", {"message": str(error)}) from error
        return self

    def context(self) -> ssl.SSLContext:
        """A context that serves this pair over TLS 1.2 or newer; ValueError with what is wrong with the files."""
        for path, mark, what in (
            (self.certificate, b"-----BEGIN CERTIFICATE-----", "certificate"),
            (self.key, b"PRIVATE KEY-----", "private key"),
        ):
            if mark not in _read(path, what):
                raise ValueError(f"the file {path} holds no {what} in PEM form")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION  # which a client could ask for again and again
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Without a function that answers, the library would ask for the password on the terminal.
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise ValueError(f"the key {self.key} does not belong to the certificate {self.certificate}") from error
            if error.reason in ("EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"):
                raise ValueError(f"the key or the signature of {self.certificate} is too weak") from error
            raise ValueError(f"the files {self.certificate} and {self.key} are no pair that can be used") from error
        except OSError as error:  # gone since it was looked at
            raise ValueError(f"the files {self.certificate} and {self.key} cannot be read: {error.strerror}") from error
        return context


def _read(path: Path, what: str) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"the {what} {path} is not a file")
        with path.open("rb") as opened:
            return opened.read(_MAX_BYTES)
    except OSError as error:
        raise ValueError(f"the {what} {path} cannot be read: {error.strerror}") from error


def _no_password() -> NoReturn:
    raise ValueError("the private key is encrypted: the gateway needs one that is not")
