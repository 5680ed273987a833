"""A broker as it is configured: addresses, credentials, certificates, and what is said of mistakes."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.errors import LinkError
from gateway.mqtt.connection import Broker
from tests.mqtt.talking import options
from tests.parts.certificates import Authority

SECRET = "hunter2-hunter2"


def broker(url: str, base: Path = Path(), **given: Any) -> Broker:
    made = options(url, base, **given).broker("generated")
    assert isinstance(made, Broker)
    return made


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("mqtt://broker", "broker", 1883, None),
        ("mqtt://broker:1884/", "broker", 1884, None),
        ("mqtts://broker", "broker", 8883, None),
        ("ws://broker", "broker", 80, "/mqtt"),
        ("ws://broker:9001/", "broker", 9001, "/mqtt"),
        ("wss://broker/ws/mqtt", "broker", 443, "/ws/mqtt"),
        ("wss://broker/größe x%20y", "broker", 443, "/gr%C3%B6%C3%9Fe%20x%20y"),
        ("mqtt://[::1]:1885", "::1", 1885, None),
    ],
)
def test_a_url_says_where_the_broker_is(url: str, host: str, port: int, path: str | None) -> None:
    address = broker(url).address
    assert (address.host, address.port, address.path) == (host, port, path)
    assert (address.tls is not None) == url.startswith(("mqtts:", "wss:"))


def test_a_place_is_written_as_in_a_url() -> None:
    assert broker("mqtt://[::1]").address.place == "[::1]:1883"
    assert broker("ws://broker").address.place == "broker:80"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("tcp://broker", "expected mqtt://HOST:PORT, or mqtts://, ws:// or wss://"),
        ("broker:1883", "expected mqtt://HOST:PORT, or mqtts://, ws:// or wss://"),
        ("mqtt://", "expected mqtt://HOST:PORT, or mqtts://, ws:// or wss://"),
        ("mqtt://broker:0", "expected mqtt://HOST:PORT, or mqtts://, ws:// or wss://"),
        ("mqtt://broker:70000", "expected mqtt://HOST:PORT, or mqtts://, ws:// or wss://"),
        ("mqtt://broker/path", "a path belongs to ws:// and wss:// only, and nothing may follow it"),
        (
            "wss://broker/?token=hunter2-hunter2",
            "a path belongs to ws:// and wss:// only, and nothing may follow it",
        ),
        ("mqtts://me:hunter2-hunter2@broker", "credentials go into `username` and `password_file`, not into the URL"),
    ],
)
def test_a_url_that_is_none_says_why_without_what_it_had(url: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        options(url)
    (error,) = caught.value.errors(include_input=False)
    assert error["msg"] == reason
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"tls": {}}, "`tls` needs a URL that begins with mqtts:// or wss://"),
        ({"password": SECRET}, "a password needs a `username`"),
        ({"username": "a", "username_file": "b"}, "`username` and `username_file` exclude each other"),
        (
            {"username": "a", "password": SECRET, "password_file": "b"},
            "`password` and `password_file` exclude each other",
        ),
    ],
)
def test_keys_that_do_not_go_together_say_so(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(reason)) as caught:
        options("mqtt://broker", **given)
    assert SECRET not in str(caught.value)


def test_credentials_come_from_files_as_they_are_at_each_connection(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("me\n")
    (tmp_path / "password").write_text(f"{SECRET}\r\n")
    made = options("mqtt://broker", tmp_path, username_file="user", password_file="password")
    first = made.broker("id")
    assert isinstance(first, Broker)
    assert (first.username, first.password) == ("me", SECRET)
    (tmp_path / "password").write_text("another")
    second = made.broker("id")
    assert isinstance(second, Broker)
    assert second.password == "another"
    (tmp_path / "user").unlink()
    with pytest.raises(LinkError, match=f"^the username file cannot be read: .*{tmp_path / 'user'}"):
        made.broker("id")


def test_no_secret_stands_in_a_representation(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(SECRET)
    for given in ({"password": SECRET}, {"password_file": "password"}):
        made = options("mqtt://broker", tmp_path, username="me", **given)
        assert SECRET not in f"{made!r} {made} {made.broker('id')!r}"


def test_a_client_id_of_ones_own_is_taken_and_else_the_generated_one() -> None:
    assert broker("mqtt://broker", client_id="mine").client_id == "mine"
    assert broker("mqtt://broker").client_id == "generated"
    for wrong in ("", "a\nb", "x" * 129):
        with pytest.raises(ValidationError):
            options("mqtt://broker", client_id=wrong)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"ca": "missing.pem"}, "the certificate of an authority {base}/missing.pem cannot be read: No such file"),
        ({"ca": "key.pem"}, "the file {base}/key.pem holds no certificate of an authority in PEM form"),
        ({"ca": "broken.pem"}, "the file {base}/broken.pem holds no certificate that can be used"),
        ({"ca": "."}, "the certificate of an authority {base} is not a file"),
        ({"certificate": "missing.pem"}, "the certificate {base}/missing.pem cannot be read: No such file"),
        ({"certificate": "cert.pem"}, "the file {base}/cert.pem holds no private key in PEM form"),
        (
            {"certificate": "cert.pem", "key": "other.pem"},
            "the key {base}/other.pem does not belong to the certificate {base}/cert.pem",
        ),
        ({"certificate": "cert.pem", "key": "locked.pem"}, "the private key is encrypted"),
        ({"key": "key.pem"}, "a `key` needs a `certificate`"),
    ],
)
def test_files_that_cannot_be_used_are_errors_of_the_configuration(
    tmp_path: Path, given: dict[str, str], reason: str
) -> None:
    authority = Authority(tmp_path / "pki")
    for name, pair in (("", authority.sign()), ("other", authority.sign("other"))):
        pair.certificate.rename(tmp_path / f"{name}cert.pem")
        pair.key.rename(tmp_path / f"{name or 'key'}.pem")
    authority.sign("locked", password=b"x").key.rename(tmp_path / "locked.pem")
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(ValidationError) as caught:
        options("mqtts://broker", tmp_path, tls=given)
    assert reason.format(base=tmp_path) in str(caught.value)
