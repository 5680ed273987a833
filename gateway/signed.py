"""Signed tokens (JWT, RFC 7519), read and written. The only file that meets PyJWT and `cryptography`.

It is imported where a configuration has `auth.jwt`, and not before: the two libraries take time and memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt

from gateway.model import SUBJECT, TOKEN_ID, Identity

Algorithm = Literal["HS256", "ES256", "RS256", "EdDSA"]

MAX_TOKEN = 8192  # characters
MAX_GLOBS = 64
MAX_GLOB = 256  # characters

_LEAST_SECRET = 32  # bytes, as many as SHA-256 has (RFC 7518 §3.2)
_LEAST_RSA = 2048  # bits (RFC 7518 §3.3)
_LATEST = 1e11  # seconds since the Unix epoch; a later time is in milliseconds, or nonsense
_FITS = {"ES256": "an EC key of the curve P-256", "RS256": "an RSA key", "EdDSA": "an Ed25519 key"}


class MissingPackageError(ValueError):
    """The algorithm needs a package that is not installed."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A token whose signature is right: who it makes one, and from when, in seconds since the Unix epoch."""

    identity: Identity
    begins: float


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key with the one algorithm, audience and issuer that it is for."""

    algorithm: Algorithm
    audience: str
    issuer: str | None
    fingerprint: str
    _key: Any = field(repr=False, compare=False)

    @classmethod
    def make(cls, algorithm: Algorithm, material: bytes, audience: str, issuer: str | None = None) -> TokenKey:
        """The key of a secret (HS256), or of a public key in PEM form; ValueError where the two do not fit."""
        key = _secret(material) if algorithm == "HS256" else _public_key(algorithm, material)
        parts = (algorithm.encode(), audience.encode(), (issuer or "").encode(), material)
        fingerprint = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
        return cls(algorithm, audience, issuer, fingerprint, key)

    def read(self, token: str) -> Signed | None:
        """What the token says; None where it was not signed with this key, for this audience, or lacks a claim.

        Its times are the reader's to judge.
        """
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        try:
            found = jwt.decode_complete(
                token,
                self._key,
                algorithms=[self.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                options={
                    "require": ["exp", "aud", "sub"],
                    # Times are judged by us: the library takes "12" for one, and cuts fractions off.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            # No extension is understood here, and who lists one as critical must be refused (RFC 7515 §4.1.11).
            return None if "crit" in found["header"] else self._signed(found["payload"])
        except (jwt.PyJWTError, ValueError):
            return None

    def sign(self, identity: Identity, issued: float, private_key: bytes | None = None) -> str:
        """A token for the identity, which has an end and an id; ValueError where the private key does not fit."""
        if self.algorithm == "HS256":
            if private_key is not None:
                raise ValueError("HS256 signs with the secret of the configuration: there is no private key")
            key = self._key
        elif private_key is None:
            raise ValueError(f"{self.algorithm} signs with a private key, which the gateway does not have")
        else:
            key = _private_key(private_key)
        claims = {
            "sub": identity.name, "aud": self.audience, "iat": int(issued), "exp": identity.expires,
            "jti": identity.jti, "read": identity.read, "command": identity.command,
        }  # fmt: skip
        if self.issuer is not None:
            claims["iss"] = self.issuer
        try:
            token = jwt.encode(claims, key, algorithm=self.algorithm)
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise ValueError(f"the private key is not {_FITS[self.algorithm]}") from error
        if self.read(token) is None:
            raise ValueError("the private key does not belong to the public key of the configuration")
        return token

    def _signed(self, claims: Mapping[str, Any]) -> Signed:
        name, jti = claims["sub"], claims.get("jti")
        if not SUBJECT.fullmatch(name) or (jti is not None and not TOKEN_ID.fullmatch(jti)):
            raise ValueError("a name or id that has no place in a log")
        begins = max(_time(claims.get(claim, 0)) for claim in ("nbf", "iat"))
        read, command = _globs(claims.get("read", [])), _globs(claims.get("command", []))
        return Signed(Identity(name, read, command, _time(claims["exp"]), jti, self.fingerprint), begins)


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise ValueError("no time")
    return float(value)


def _globs(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_GLOBS:
        raise ValueError("no list of globs")
    if not all(isinstance(glob, str) and 0 < len(glob) <= MAX_GLOB for glob in value):
        raise ValueError("no glob")
    return tuple(value)


def _secret(material: bytes) -> bytes:
    if len(material) < _LEAST_SECRET:
        raise ValueError(f"the secret is shorter than {_LEAST_SECRET} bytes (`openssl rand -hex 32` makes one)")
    try:
        jwt.encode({}, material, algorithm="HS256")
    except jwt.InvalidKeyError:  # whoever knows a public key could sign with it
        raise ValueError("this is a key or certificate, and no secret: HS256 needs random text") from None
    return material


def _public_key(algorithm: Algorithm, pem: bytes) -> Any:
    try:
        # An extra, because it has no wheels for 32-bit ARM.
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    except ImportError as error:
        raise MissingPackageError(
            f"{algorithm} needs the package cryptography: pip install 'fieldgate[jwt]' (HS256 does without)"
        ) from error
    if b"PRIVATE KEY" in pem:
        raise ValueError("this is a private key, which the gateway should not have: it needs the public one")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("there is no public key in PEM form in it") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA:
        raise ValueError(f"the RSA key has {key.key_size} bits: {_LEAST_RSA} are the least")
    fits = (
        (algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey))
        or (algorithm == "EdDSA" and isinstance(key, ed25519.Ed25519PublicKey))
        or (algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1))
    )
    if not fits:
        raise ValueError(f"{algorithm} needs {_FITS[algorithm]}")
    return key


def _private_key(pem: bytes) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  there, for the public key was read
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        return load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise ValueError("the private key is encrypted: decrypt it first") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("there is no private key in PEM form in it") from error
