"""Where a broker is and who we are to it, as configured."""

from __future__ import annotations

import ssl
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import FilePath, PositiveDuration, Strict
from gateway.config.tls import CERTIFICATE, check_pem, load_pair

PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
ENCRYPTED = ("mqtts", "wss")
WEBSOCKETS = ("ws", "wss")


def _broker_url(given: str) -> str:
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        raise PydanticCustomError("url", "expected mqtt://HOST:PORT, or mqtts://, ws:// or wss://") from None
    with_path = parts.scheme in WEBSOCKETS
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise PydanticCustomError("url", "expected mqtt://HOST:PORT, or mqtts://, ws:// or wss://")
    if parts.query or parts.fragment or (parts.path not in ("", "/") and not with_path):
        raise PydanticCustomError("url", "a path belongs to ws:// and wss:// only, and nothing may follow it")
    if parts.username is not None or parts.password is not None:
        raise PydanticCustomError("url", "credentials go into `username` and `password_file`, not into the URL")
    return given


class BrokerTls(Strict):
    """Whom we believe to be the broker, and who we are to it: PEM files."""

    ca: FilePath | None = None
    certificate: FilePath | None = None
    key: FilePath | None = None
    verify_name: Annotated[str, Field(min_length=1, max_length=253)] | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise PydanticCustomError("tls", "a `key` needs a `certificate`")
        try:
            self.context()
        except ValueError as error:
            raise PydanticCustomError("tls", "{message}", {"message": str(error)}) from error
        return self

    def context(self) -> ssl.SSLContext:
        """A context for a client, of the files as they are now; ValueError with what is wrong with them."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca is None:
            context.load_default_certs()
        else:
            check_pem(self.ca, CERTIFICATE, "certificate of an authority")
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it may also be the broker's own certificate
            try:
                context.load_verify_locations(self.ca)
            except (ssl.SSLError, OSError) as error:
                raise ValueError(f"the file {self.ca} holds no certificate that can be used") from error
        if self.certificate is not None:
            load_pair(context, self.certificate, self.key or self.certificate)
        return context


class BrokerSection(Strict):
    """A broker and how to connect to it."""

    url: Annotated[str, AfterValidator(_broker_url)]
    version: Literal[5, "5", "3.1.1"] = 5
    client_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    username: str | None = None
    username_file: FilePath | None = None
    password: SecretStr | None = None
    password_file: FilePath | None = None
    tls: BrokerTls | None = None
    keepalive: Annotated[PositiveDuration, Field(ge=1, le=65535)] = 10.0

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if self.tls is not None and urlsplit(self.url).scheme not in ENCRYPTED:
            raise PydanticCustomError("tls", "`tls` needs a URL that begins with mqtts:// or wss://")
        return self

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise PydanticCustomError("password", "`password` and `password_file` exclude each other")
        if self.username is not None and self.username_file is not None:
            raise PydanticCustomError("password", "`username` and `username_file` exclude each other")
        anonymous = self.username is None and self.username_file is None
        if anonymous and (self.password is not None or self.password_file is not None):
            raise PydanticCustomError("password", "a password needs a `username`")
        return self
