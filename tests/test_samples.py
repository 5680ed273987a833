"""The sample files in config/ do what they say, as they are and with their commented parts."""

import asyncio
from pathlib import Path

import aiomqtt
import pytest

from gateway.config import load
from tests.parts.certificates import Authority
from tests.parts.mosquitto import MISSING, find_mosquitto
from tests.parts.ports import free_port
from tests.parts.process import Process
from tests.parts.waiting import wait_for

SAMPLES = Path(__file__).parent.parent / "config"


def uncommented(text: str, first: str) -> str:
    """The text with the comment mark taken from the line that starts with `# first` and the comment lines after it."""
    before, mark, rest = text.partition(f"# {first}")
    assert mark, f"no commented {first}"
    lines = (mark + rest).splitlines()
    end = next(index for index, line in enumerate(lines) if not line.lstrip().startswith("#"))
    return before + "\n".join([line.replace("# ", "", 1) for line in lines[:end]] + lines[end:])


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_a_sample_is_a_valid_configuration(path: Path, tmp_path: Path) -> None:
    """With the files beside it that it names."""
    pair = Authority(tmp_path).sign()
    pair.certificate.rename(tmp_path / "cert.pem")
    pair.key.rename(tmp_path / "key.pem")
    (tmp_path / "jwt.key").write_text("a secret of 32 bytes or more, by random\n")
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    assert load(copy).adapters


def test_the_sample_for_other_machines_has_tls_tokens_and_a_log_without_them() -> None:
    text = (SAMPLES / "secure.yaml").read_text(encoding="utf-8")
    for needed in ("listen: 0.0.0.0:", "  tls:\n", "  tokens:\n", "  jwt:", "access: true"):
        assert needed in text


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_a_sample_names_its_schema_first(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=fieldgate.schema.json"


@pytest.mark.parametrize("commented", ["auth:", "username:", "publish:"])
def test_the_commented_parts_of_the_full_sample_are_valid(commented: str, tmp_path: Path) -> None:
    text = (SAMPLES / "fieldgate.yaml").read_text(encoding="utf-8")
    path = tmp_path / "fieldgate.yaml"
    path.write_text(uncommented(text, commented), encoding="utf-8")
    (tmp_path / "broker-password").write_text("secret\n")
    config = load(path)
    if commented == "auth:":
        assert config.auth is not None
        assert config.auth.anonymous is not None
        assert [token.name for token in config.auth.tokens] == ["wall-panel"]
    assert (config.publish is not None) == (commented == "publish:")
    assert config != load(SAMPLES / "fieldgate.yaml")


async def test_mosquitto_takes_the_sample_and_keeps_strangers_out(tmp_path: Path) -> None:
    program = find_mosquitto()
    assert program is not None, MISSING
    port = free_port()
    passwords = tmp_path / "passwd"
    passwords.touch()
    # Started by root, it would go on as another user, who may not read this folder.
    text = "user root\n" + (SAMPLES / "mosquitto.conf").read_text(encoding="utf-8")
    for sample, tested in {
        "listener 1883 127.0.0.1": f"listener {port} 127.0.0.1",
        "#listener 1883 192.168.1.10": f"listener {port} 127.0.0.2",  # loopback too, in place of the network
        "#allow_anonymous false": "allow_anonymous false",
        "#password_file /etc/mosquitto/fieldgate.passwd": f"password_file {passwords}",
    }.items():
        assert sample in text
        text = text.replace(sample, tested, 1)
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(text)
    broker = Process("mosquitto", tmp_path)
    broker.start([program, "-c", str(configuration)])
    try:
        wait_for(lambda: " running\n" in broker.stderr_text() or not broker.running, 10, "Mosquitto's start")
        assert broker.running, broker.stderr_text()
        async with asyncio.timeout(5):
            async with aiomqtt.Client("127.0.0.1", port):
                pass
            with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
                async with aiomqtt.Client("127.0.0.2", port):
                    pass
    finally:
        broker.kill()
