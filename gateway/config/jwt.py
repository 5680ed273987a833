"""The key that signed tokens are read with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, Self

from pydantic import PrivateAttr, SecretStr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.plugged import located
from gateway.config.strict import FilePath, Strict

if TYPE_CHECKING:
    from gateway.signed import TokenKey

_MAX_BYTES = 1 << 16

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class JwtSection(Strict):
    """Signed tokens: one key, one algorithm, one audience."""

    algorithm: Literal["HS256", "ES256", "RS256", "EdDSA"]
    secret: SecretStr | None = None
    secret_file: FilePath | None = None
    public_key_file: FilePath | None = None
    audience: Text
    issuer: Text | None = None
    revocations: FilePath | None = None
    _key: TokenKey = PrivateAttr()

    @property
    def key(self) -> TokenKey:
        """The key, as it was when the configuration was read."""
        return self._key

    @model_validator(mode="after")
    def _usable(self) -> Self:
        where = self._where()
        # Its libraries take time and memory, and most gateways do without.
        from gateway.signed import MissingPackageError, TokenKey  # noqa: PLC0415

        try:
            self._key = TokenKey.make(self.algorithm, self._material(), self.audience, self.issuer)
        except MissingPackageError as error:
            _refuse("algorithm", str(error), error)
        except OSError as error:
            _refuse(where, f"cannot be read: {error.strerror}", error)
        except ValueError as error:
            _refuse(where, str(error), error)
        return self

    def _where(self) -> str:
        """The setting that has the key, the only one that may be there."""
        given = [name for name in ("secret", "secret_file", "public_key_file") if getattr(self, name) is not None]
        allowed = ("secret", "secret_file") if self.algorithm == "HS256" else ("public_key_file",)
        for name in given:
            if name not in allowed:
                _refuse(name, f"{self.algorithm} takes {' or '.join(f'`{other}`' for other in allowed)}")
        if not given:
            _refuse("algorithm", f"{self.algorithm} needs {' or '.join(f'`{name}`' for name in allowed)}")
        if len(given) > 1:
            _refuse(given[1], "`secret` and `secret_file` exclude each other")
        return given[0]

    def _material(self) -> bytes:
        if self.secret is not None:
            return self.secret.get_secret_value().encode("utf-8", "surrogatepass")
        path = self.secret_file or self.public_key_file or Path()
        if path.exists() and not path.is_file():
            raise ValueError("is not a file")
        with path.open("rb") as opened:
            material = opened.read(_MAX_BYTES + 1)
        if len(material) > _MAX_BYTES:
            raise ValueError(f"is larger than {_MAX_BYTES} bytes")
        return material.rstrip(b"\r\n")  # editors add it


def _refuse(key: str, message: str, cause: Exception | None = None) -> NoReturn:
    raise located((key,), PydanticCustomError("jwt", "{message}", {"message": message}), None) from cause
