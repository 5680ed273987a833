"""Addresses of brokers."""

import pytest

from device_sims.broker_url import BrokerUrl


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("mqtt://localhost", BrokerUrl("localhost", 1883)),
        ("mqtt://127.0.0.1:23999/", BrokerUrl("127.0.0.1", 23999)),
        ("mqtts://broker.local", BrokerUrl("broker.local", 8883, tls=True)),
        ("mqtt://me:p%40ss@broker", BrokerUrl("broker", 1883, username="me", password="p@ss")),
        ("mqtt://[::1]:1884", BrokerUrl("::1", 1884)),
    ],
)
def test_an_address_is_read(text: str, url: BrokerUrl) -> None:
    assert BrokerUrl.parse(text) == url


@pytest.mark.parametrize(
    "text", ["", "localhost", "localhost:1883", "http://localhost", "mqtt://", "mqtt://host/topic", "mqtt://host:port"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        BrokerUrl.parse(text)


def test_a_printed_address_has_no_password() -> None:
    assert str(BrokerUrl.parse("mqtt://me:secret@broker:1884")) == "mqtt://me@broker:1884"
    assert str(BrokerUrl.parse("mqtts://[::1]")) == "mqtts://[::1]:8883"
