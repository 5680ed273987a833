"""The certificate and key that the server shows, as files beside the configuration."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NoReturn, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import FilePath, Strict

_MAX_BYTES = 1 << 20
CERTIFICATE, _KEY = b"-----BEGIN CERTIFICATE-----", b"PRIVATE KEY-----"  # marks in PEM files


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
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION  # which a client could ask for again and again
        context.set_alpn_protocols(["http/1.1"])
        load_pair(context, self.certificate, self.key)
        return context


def load_pair(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Has the context show this pair; ValueError with what is wrong with the files."""
    check_pem(certificate, CERTIFICATE, "certificate")
    check_pem(key, _KEY, "private key")
    try:
        # Without a function that answers, the library would ask for the password on the terminal.
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"the key {key} does not belong to the certificate {certificate}") from error
        if error.reason in ("EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"):
            raise ValueError(f"the key or the signature of {certificate} is too weak") from error
        raise ValueError(f"the files {certificate} and {key} are no pair that can be used") from error
    except OSError as error:  # gone since it was looked at
        raise ValueError(f"the files {certificate} and {key} cannot be read: {error.strerror}") from error


def check_pem(path: Path, mark: bytes, what: str) -> None:
    """ValueError where the file cannot be read, or holds nothing of that kind."""
    if mark not in _read(path, what):
        raise ValueError(f"the file {path} holds no {what} in PEM form")


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
