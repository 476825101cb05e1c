"""What devices say over MQTT: whose it is, what is left out, what is refused; and where the broker is."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bot.channels.mqtt_reading import LARGEST, MqttAddressInvalid, Refused, address_of, read
from bot.settings import Settings
from data.devices import TYPES

TOPIC = "anlin/garden/sos-3-2-501/signal"


def settings(url: str, **more: object) -> Settings:
    return Settings(_env_file=None, mqtt_url=url, **more)  # type: ignore[call-arg, arg-type]


def test_the_topic_says_whose_report_it_is() -> None:
    heard = read(TOPIC, b'{"type": "sos", "device": "somebody else", "resident": "elder-1"}')
    assert (heard.community, heard.report.device, heard.report.type) == ("garden", "sos-3-2-501", "sos")
    assert heard.report.resident == "elder-1"


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("anlin/garden/signal", "topic"),
        ("anlin/garden/pir/status", "topic"),
        ("other/garden/pir/signal", "topic"),
        ("anlin/garden/pir/signal/more", "topic"),
        ("anlin//pir/signal", "topic"),
        (f"anlin/{'g' * 65}/pir/signal", "topic"),
        ("anlin/garden//signal", "malformed"),
        ("anlin/garden/a\x07b/signal", "malformed"),
        (f"anlin/garden/{'d' * 65}/signal", "malformed"),
    ],
)
def test_other_topics_are_refused(topic: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read(topic, b'{"type": "sos"}')
    assert refused.value.reason == reason


def test_what_is_too_large_is_not_even_read() -> None:
    with pytest.raises(Refused) as refused:
        read(TOPIC, b'{"type": "sos", "more": "' + b"x" * LARGEST + b'"}')
    assert refused.value.reason == "too_large"


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    what=st.sampled_from(TYPES),
    details=st.fixed_dictionaries({}, optional=dict.fromkeys(("at", "resident", "battery", "x"), _anything)),
)
def test_no_detail_whatever_costs_a_report(what: str, details: dict[str, object]) -> None:
    assert read(TOPIC, json.dumps({"type": what, **details}).encode()).report.type == what


@given(payload=st.binary(max_size=200) | _anything.map(lambda one: json.dumps(one).encode()))
def test_rubbish_is_refused_and_nothing_else_happens(payload: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read(TOPIC, payload)
    assert refused.value.reason in ("malformed", "too_large")


def test_the_address_of_the_broker() -> None:
    found = address_of(settings("mqtt://bot:p%40ss@broker.example"))
    assert (found.host, found.port, found.user, found.password) == ("broker.example", 1883, "bot", "p@ss")
    assert found.tls is None
    assert "p@ss" not in repr(found)


def test_with_tls_the_broker_is_checked() -> None:
    found = address_of(settings("mqtts://broker.example"))
    assert found.port == 8883
    assert found.tls is not None
    assert found.tls.verify_mode is ssl.CERT_REQUIRED
    assert found.tls.check_hostname


def test_the_password_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("from the file\n")
    found = address_of(settings("mqtt://bot:from-the-url@broker", mqtt_password_file=secret))
    assert found.password == "from the file"


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(MqttAddressInvalid, match="file"):
        address_of(settings("mqtt://bot@broker", mqtt_password_file=tmp_path / "none"))
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificate")
    with pytest.raises(MqttAddressInvalid, match="file"):
        address_of(settings("mqtts://broker", mqtt_ca=bad))


@pytest.mark.parametrize("url", ["broker:1883", "http://broker", "mqtt://", "mqtt://broker:port", ""])
def test_what_is_no_address_of_a_broker_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(url)


def test_the_address_is_a_secret() -> None:
    assert isinstance(settings("mqtt://bot:word@broker").mqtt_url, SecretStr)
