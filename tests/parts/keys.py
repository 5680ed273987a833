"""Keys for signed tokens, and tokens made by hand: right ones, and wrong ones that no library would make."""

import base64
import hashlib
import hmac
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

SECRET = "0123456789abcdef0123456789abcdef"
AUDIENCE = "fieldgate"


@cache
def private_key(kind: str) -> PrivateKeyTypes:
    """A private key: `RS256`, `ES256`, `EdDSA`, or one of those that must not be taken."""
    if kind in ("RS256", "another RS256"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if kind == "small RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    if kind == "P-384":
        return ec.generate_private_key(ec.SECP384R1())
    return ec.generate_private_key(ec.SECP256R1()) if "ES256" in kind else ed25519.Ed25519PrivateKey.generate()


def private_pem(kind: str, password: bytes | None = None) -> bytes:
    return private_key(kind).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption(),
    )


def public_pem(kind: str) -> bytes:
    return (
        private_key(kind)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a right token that lives for an hour; a claim that is None is left out."""
    whole = {
        "sub": "panel", "aud": AUDIENCE, "exp": int(time.time()) + 3600, "jti": "t-1", "read": ["*"], "command": [],
        **changed,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


def signed(algorithm: str = "HS256", key: Any = None, **changed: Any) -> str:
    """A token signed by the library."""
    if key is None:
        key = SECRET if algorithm == "HS256" else private_key(algorithm)
    return jwt.encode(claims(**changed), key, algorithm=algorithm)


def forged(header: dict[str, Any], payload: Any, secret: bytes | None = SECRET.encode()) -> str:
    """A token whose parts are what they are, signed with HMAC-SHA256 (or, without a secret, not at all)."""
    parts = [_base64(json.dumps(part).encode()) for part in (header, payload)]
    message = ".".join(parts)
    signature = hmac.new(secret, message.encode(), hashlib.sha256).digest() if secret is not None else b""
    return f"{message}.{_base64(signature)}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
