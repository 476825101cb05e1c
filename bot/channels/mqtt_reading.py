"""What devices say over MQTT, read: where the broker is, whose report a message is, and what cannot be used (E9, P7)."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from bot.settings import Settings
from bot.signals import Report
from data.errors import AnlinError

TOPICS = "anlin/+/+/signal"
"""anlin/<community>/<device>/signal, as interfaces.md names it."""
LARGEST = 16 * 1024
"""Bytes of a report that are read; a real one has a hundred."""
_LONGEST_KEY = 64


class MqttAddressInvalid(AnlinError):
    """ANLIN_MQTT_URL or one of the files named beside it cannot be used."""

    code = "mqtt_address_invalid"


class Refused(AnlinError):
    """A message on a device's topic that is no report. `code` of the reason stands in `reason`; nothing of it is logged."""

    code = "mqtt_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"a message of the broker is no report: {reason}")
        self.reason = reason  # topic, too_large or malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the broker is and how we introduce ourselves."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None  # None: not encrypted

    def __repr__(self) -> str:
        return f"Address({self.host}:{self.port})"  # never the password


def address_of(settings: Settings) -> Address:
    """The broker of the settings; reads the files they name. Raises MqttAddressInvalid."""
    assert settings.mqtt_url is not None
    parts = urlsplit(settings.mqtt_url.get_secret_value())
    if parts.hostname is None:
        raise MqttAddressInvalid("ANLIN_MQTT_URL names no host; write mqtt://user:password@host:1883")
    password = unquote(parts.password) if parts.password is not None else None
    try:
        if settings.mqtt_password_file is not None:
            password = settings.mqtt_password_file.read_text("utf-8").strip()
        tls = _tls(settings) if parts.scheme == "mqtts" else None
    except OSError as error:  # ssl.SSLError is one
        raise MqttAddressInvalid(
            f"a file for the MQTT connection cannot be used ({type(error).__name__}: {error.strerror or error.args[-1]})"
        ) from error
    return Address(
        host=parts.hostname,
        port=parts.port or (8883 if tls is not None else 1883),
        user=unquote(parts.username) if parts.username else None,
        password=password,
        tls=tls,
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context(
        cafile=str(settings.mqtt_ca) if settings.mqtt_ca is not None else None
    )
    if settings.mqtt_certificate is not None:
        key = str(settings.mqtt_key) if settings.mqtt_key is not None else None
        context.load_cert_chain(str(settings.mqtt_certificate), key)
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A report and the community whose topic it came on."""

    community: str  # key
    report: Report  # its device is the topic's: what a device may publish on, the broker watches over


def read(topic: str, payload: bytes) -> Heard:
    """A message of the broker as a report. Raises Refused.

    What cannot be read of the details is left out: nobody would see that a call for help was refused for its time.
    """
    levels = topic.split("/")
    if len(levels) != 4 or levels[0] != "anlin" or levels[3] != "signal":
        raise Refused("topic")
    community, device = levels[1], levels[2]
    if not 0 < len(community) <= _LONGEST_KEY:
        raise Refused("topic")
    if len(payload) > LARGEST:
        raise Refused("too_large")
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Refused("malformed") from error
    if not isinstance(document, dict):
        raise Refused("malformed")
    return Heard(community=community, report=_report({**document, "device": device}))


def _report(document: dict[str, Any]) -> Report:
    try:
        return Report.model_validate(document)
    except ValidationError as error:
        spoilt = {str(found["loc"][0]) for found in error.errors() if found["loc"]}
    if spoilt & {"device", "type"}:
        raise Refused("malformed")
    try:
        return Report.model_validate({name: each for name, each in document.items() if name not in spoilt})
    except ValidationError as error:
        raise Refused("malformed") from error
