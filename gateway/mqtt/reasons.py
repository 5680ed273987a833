"""Why a broker cannot be reached or is lost, in plain words."""

from __future__ import annotations

import ssl
from typing import Any

_CLOSED = "it closed the connection"
CLOSED_IN_HANDSHAKE = "it closed the connection during the TLS handshake"
_TIMED_OUT = "Operation timed out"  # in aiomqtt's words
_WORDS = 200  # characters of what the broker says itself

# Why OpenSSL does not believe a certificate (X509_V_ERR_…).
_NOT_YET_VALID, _EXPIRED = 9, 10
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
_WRONG_NAME = (62, 63, 64)

# Reason codes of MQTT 5 (§2.4); the others have names that say it.
_TOLD = {
    0x00: _CLOSED,
    0x84: "it does not know this version of MQTT: see `version`",
    0x8B: "it is shutting down",
    0x8E: "another client took over our client id",
}

_LOST = {0x82: "it sends what is no MQTT", 0x8D: "it does not answer any more"}


def told(code: Any, properties: object) -> str:
    """What the broker said by a reason code, with its own words where its properties have some."""
    plain: str = _TOLD.get(code.value) or str(code)
    own = str(getattr(properties, "ReasonString", "")).splitlines()
    return f"{plain}: {own[0][:_WORDS]}" if own else plain


def lost(code: Any, *, stood: bool) -> str:
    """How a connection ended without a word; the code is paho's own. `stood`: it was one already."""
    return _LOST.get(code.value) or (_CLOSED if stood else f"{_CLOSED} before it answered")


def plainly(error: BaseException) -> str:
    """The error as a person reads it, on one line."""
    if isinstance(error, TimeoutError) or str(error) == _TIMED_OUT:
        return "it does not answer"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).splitlines()[0]


def explain(error: ssl.SSLError, name: str) -> str:
    """What to tell of a connection over TLS that failed; `name` is what the certificate should be for."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_NAME:
            return f"its certificate is not for {name}"
        if error.verify_code in _UNKNOWN_AUTHORITY:
            return "its certificate is signed by an authority that is not known here"
        if error.verify_code == _EXPIRED:
            return "its certificate has expired"
        if error.verify_code == _NOT_YET_VALID:
            return "its certificate is not valid yet, or this machine's clock is wrong"
        return f"its certificate is refused: {error.verify_message}"
    reason = error.reason or ""
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"):
        return "it does not speak TLS on this port"
    if "CERTIFICATE_REQUIRED" in reason:
        return "it asks for a client certificate"
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
        return "it refuses our certificate"
    if "ALERT" in reason:
        return f"TLS fails: it says {reason.partition('ALERT_')[2].replace('_', ' ').lower()}"
    if isinstance(error, ssl.SSLEOFError) or "EOF" in reason:
        return CLOSED_IN_HANDSHAKE
    return f"TLS fails: {reason.replace('_', ' ').lower() or type(error).__name__}"
