"""A broker, as configured, to connect to."""

from __future__ import annotations

import math
from pathlib import Path
from urllib.parse import quote, urlsplit

from gateway.config.broker import ENCRYPTED, PORTS, WEBSOCKETS, BrokerSection, BrokerTls
from gateway.errors import LinkError
from gateway.mqtt.connection import Broker
from gateway.mqtt.source import MessageSource
from gateway.mqtt.stream import Address

_USUAL = BrokerTls.model_construct()  # not validated: the authorities of the system are read by each connection
_PATH = "/mqtt"  # of a WebSocket, where the URL has none: what most brokers listen on


class BrokerOptions(BrokerSection):
    """A broker as a part of other options."""

    def broker(self, client_id: str, status_topic: str | None = None) -> MessageSource:
        """As the function `broker`."""
        return broker(self, client_id, status_topic)


def broker(section: BrokerSection, client_id: str, status_topic: str | None = None) -> Broker:
    """The broker, to connect to under this client id unless another is configured.

    Raises LinkError where a file of the credentials cannot be read.
    """
    password = section.password.get_secret_value() if section.password is not None else None
    return Broker(
        address=_address(section),
        version=4 if section.version == "3.1.1" else 5,
        client_id=section.client_id or client_id,
        username=_read("username", section.username, section.username_file),
        password=_read("password", password, section.password_file),
        keepalive=math.ceil(section.keepalive),
        status_topic=status_topic,
    )


def _address(section: BrokerSection) -> Address:
    parts = urlsplit(section.url)
    tls = (section.tls or _USUAL) if parts.scheme in ENCRYPTED else None
    path = None
    if parts.scheme in WEBSOCKETS:
        path = quote(parts.path, safe="/%:@!$&'()*+,;=~") if parts.path not in ("", "/") else _PATH
    return Address(parts.hostname or "localhost", parts.port or PORTS[parts.scheme], tls, path)


def _read(what: str, given: str | None, file: Path | None) -> str | None:
    """What is given, or what the file has without the newline that editors add."""
    if file is None:
        return given
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise LinkError(f"the {what} file cannot be read: {error}") from error
