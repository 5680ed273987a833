"""What is wrong with a certificate is told where the configuration names it."""

from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import ConfigurationError
from tests.parts.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


def problem(folder: Path, certificate: Path | str, key: Path | str) -> str:
    """What the configuration that names these two says, without its place."""
    file = folder / "fieldgate.yaml"
    file.write_text(f"server:\n  tls: {{certificate: '{certificate}', key: '{key}'}}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    (line,) = str(caught.value).splitlines()
    place = f"{file}:2:8: server.tls: "
    assert line.startswith(place)
    return line.removeprefix(place)


def test_the_files_stand_relative_to_the_configuration(tmp_path: Path, authority: Authority) -> None:
    authority.sign()
    file = tmp_path / "fieldgate.yaml"
    file.write_text("server: {tls: {certificate: pki/gateway.pem, key: pki/gateway.key}}\n")
    tls = load(file).server.tls
    assert tls is not None
    assert tls.key == tmp_path / "pki" / "gateway.key"


def test_one_file_may_hold_both(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign()
    both = tmp_path / "both.pem"
    both.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    file = tmp_path / "fieldgate.yaml"
    file.write_text("server: {tls: {certificate: both.pem, key: both.pem}}\n")
    assert load(file).server.tls is not None


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_a_missing_file_is_named(tmp_path: Path, authority: Authority, missing: str) -> None:
    pair = authority.sign()
    getattr(pair, missing).unlink()
    what = "private key" if missing == "key" else "certificate"
    said = problem(tmp_path, pair.certificate, pair.key)
    assert said == f"the {what} {getattr(pair, missing)} cannot be read: No such file or directory"


def test_a_folder_is_no_certificate(tmp_path: Path, authority: Authority) -> None:
    assert problem(tmp_path, tmp_path, authority.sign().key) == f"the certificate {tmp_path} is not a file"


def test_the_key_of_another_certificate_is_refused(tmp_path: Path, authority: Authority) -> None:
    pair, other = authority.sign(), authority.sign("other")
    said = problem(tmp_path, pair.certificate, other.key)
    assert said == f"the key {other.key} does not belong to the certificate {pair.certificate}"


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign(password=b"secret")
    said = problem(tmp_path, pair.certificate, pair.key)
    assert said == "the private key is encrypted: the gateway needs one that is not"


def test_what_is_not_pem_is_refused(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign()
    pair.certificate.write_bytes(b"\x30\x82\x01\x0a not text")
    assert (
        problem(tmp_path, pair.certificate, pair.key) == f"the file {pair.certificate} holds no certificate in PEM form"
    )


def test_a_certificate_and_a_key_that_changed_places_are_refused(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign()
    assert problem(tmp_path, pair.key, pair.certificate) == f"the file {pair.key} holds no certificate in PEM form"


def test_damaged_pem_is_refused(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign()
    pair.certificate.write_text(pair.certificate.read_text().replace("M", "-", 1))
    said = problem(tmp_path, pair.certificate, pair.key)
    assert said == f"the files {pair.certificate} and {pair.key} are no pair that can be used"


def test_the_key_is_in_no_message(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign()
    pair.key.write_text(pair.key.read_text().replace("\n", "\nCANARY", 2))
    assert "CANARY" not in problem(tmp_path, pair.certificate, pair.key)
