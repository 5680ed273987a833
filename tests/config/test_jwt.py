"""The section `auth.jwt`: what is wrong with a key is told where it stands, before anything starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config import Config, parse
from gateway.errors import ConfigurationError
from tests.parts.keys import SECRET, private_pem, public_pem


def section(**members: str) -> str:
    lines = "".join(f"    {name}: {value}\n" for name, value in {"audience": "fieldgate", **members}.items())
    return f"auth:\n  jwt:\n{lines}"


def read(folder: Path, text: str) -> Config:
    return parse(text, "fieldgate.yaml", folder, {})


def problem(folder: Path, text: str) -> str:
    """The one problem of the text."""
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text)
    (found,) = str(caught.value).splitlines()
    return found.removeprefix("fieldgate.yaml:")


def key(config: Config) -> str:
    assert config.auth is not None
    assert config.auth.jwt is not None
    return config.auth.jwt.key.fingerprint


def test_a_secret_stands_in_the_file_or_in_one_beside_it_with_or_without_a_newline(tmp_path: Path) -> None:
    inline = key(read(tmp_path, section(algorithm="HS256", secret=SECRET)))
    for ending in ("", "\n", "\r\n"):
        (tmp_path / "jwt.key").write_bytes(SECRET.encode() + ending.encode())
        assert key(read(tmp_path, section(algorithm="HS256", secret_file="jwt.key"))) == inline
    (tmp_path / "jwt.key").write_bytes(b"x" * 32)
    assert key(read(tmp_path, section(algorithm="HS256", secret_file="jwt.key"))) != inline


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_public_key_stands_in_a_file_beside_the_configuration(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "public.pem").write_bytes(public_pem(algorithm))
    assert key(read(tmp_path, section(algorithm=algorithm, public_key_file="public.pem")))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"secret": SECRET}, "3:5: auth.jwt.algorithm: is missing"),
        ({"algorithm": "none", "secret": SECRET}, "4:16: auth.jwt.algorithm: 'none' is not one of HS256, ES256, RS256"),
        ({"algorithm": "HS256"}, "4:16: auth.jwt.algorithm: HS256 needs `secret` or `secret_file`"),
        ({"algorithm": "HS256", "secret": "short"}, "5:13: auth.jwt.secret: the secret is shorter than 32 bytes"),
        ({"algorithm": "HS256", "secret_file": "none"}, "5:18: auth.jwt.secret_file: cannot be read: No such file"),
        ({"algorithm": "HS256", "secret_file": "."}, "5:18: auth.jwt.secret_file: is not a file"),
        ({"algorithm": "HS256", "secret_file": "huge"}, "5:18: auth.jwt.secret_file: is larger than 65536 bytes"),
        ({"algorithm": "HS256", "secret_file": "pub"}, "5:18: auth.jwt.secret_file: this is a key or certificate, and"),
        ({"algorithm": "HS256", "public_key_file": "pub"}, "5:22: auth.jwt.public_key_file: HS256 takes `secret` or `"),
        ({"algorithm": "HS256", "secret": SECRET, "secret_file": "pub"}, "6:18: auth.jwt.secret_file: `secret` and `s"),
        ({"algorithm": "ES256"}, "4:16: auth.jwt.algorithm: ES256 needs `public_key_file`"),
        ({"algorithm": "ES256", "secret": SECRET}, "5:13: auth.jwt.secret: ES256 takes `public_key_file`"),
        ({"algorithm": "ES256", "public_key_file": "none"}, "5:22: auth.jwt.public_key_file: cannot be read: No such"),
        ({"algorithm": "ES256", "public_key_file": "huge"}, "5:22: auth.jwt.public_key_file: is larger than 65536 byt"),
        ({"algorithm": "RS256", "public_key_file": "pub"}, "5:22: auth.jwt.public_key_file: RS256 needs an RSA key"),
        ({"algorithm": "ES256", "public_key_file": "private"}, "5:22: auth.jwt.public_key_file: this is a private key"),
        ({"algorithm": "HS256", "secret": SECRET, "audience": "''"}, "3:15: auth.jwt.audience: expected text of at"),
        ({"algorithm": "HS256", "secret": SECRET, "leeway": "5"}, "6:5: auth.jwt.leeway: unknown key, expected one of"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_stands(tmp_path: Path, members: dict[str, str], said: str) -> None:
    (tmp_path / "pub").write_bytes(public_pem("ES256"))
    (tmp_path / "private").write_bytes(private_pem("ES256"))
    (tmp_path / "huge").write_bytes(b"x" * 65537)
    assert problem(tmp_path, section(**members)).startswith(said)


def test_no_error_shows_a_secret(tmp_path: Path) -> None:
    canary = "canary-" + "x" * 9
    for members in ({"secret": canary}, {"secret": f"[{canary}]"}, {"secret": canary, "secret_file": "none"},
                    {"secret": canary, "algorithm": "RS256"}):  # fmt: skip
        assert canary not in problem(tmp_path, section(**{"algorithm": "HS256", **members}))
    assert SECRET not in repr(read(tmp_path, section(algorithm="HS256", secret=SECRET)))


def test_without_the_package_a_public_key_is_refused_and_a_secret_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pub").write_bytes(public_pem("ES256"))
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    said = problem(tmp_path, section(algorithm="ES256", public_key_file="pub"))
    assert said.startswith("4:16: auth.jwt.algorithm: ES256 needs the package cryptography: ")
    assert "pip install 'fieldgate[jwt]'" in said
    assert key(read(tmp_path, section(algorithm="HS256", secret=SECRET)))


def test_who_has_no_signed_tokens_does_not_load_their_libraries() -> None:
    """They take time at the start, and memory for ever."""
    program = (
        "import sys; import gateway.app, gateway.cli.run; from gateway.config import Config; "
        "Config.model_validate({'auth': {'tokens': []}}); print({'jwt', 'cryptography'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"
