"""The broker as it is installed: passwords and rights of docker-compose.yml, TLS, invented devices, health and figures (O3, O4, O6, P8)."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import httpx
import pytest
import pytest_asyncio
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI
from pydantic import SecretStr

from bot import health
from bot.api.app import build_api
from bot.channels import mqtt
from bot.channels.mqtt_reading import Address, address_of
from bot.commands import devices as command
from bot.settings import Settings
from bot.simulated_devices import invented, plan
from data import crypto, embedded
from tests.api_desk import ADMIN, MONDAY, Desk
from tests.broker import Broker, broker
from tests.mqtt_house import alarms, at, community, counted, heard, listening, signals, standing, swept, until
from tests.serving import served

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease is renewed and looked for more often than in production."""
    monkeypatch.setattr(mqtt, "_RENEW", 0.2)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def standing_community(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Desk]:
    async with community(postgres, template, keyring, "test_mqtt_installation") as made:
        yield made


@pytest_asyncio.fixture
async def desk(standing_community: Desk) -> Desk:
    return await swept(standing_community)


async def compose_settings(folder: Path, **passwords: str) -> str:
    """What docker-compose.yml gives Mosquitto, with our folder and our accounts."""
    configs = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["configs"]
    (folder / "rights").write_text(configs["mosquitto_rights"]["content"].replace("$$", "$"))
    (folder / "passwords").touch(mode=0o600)
    for user, word in passwords.items():
        process = await asyncio.create_subprocess_exec(
            "mosquitto_passwd", "-b", str(folder / "passwords"), user, word
        )
        assert await process.wait() == 0
    written: str = configs["mosquitto"]["content"]
    return (
        written.replace("listener 1883", "listener {port} 127.0.0.1\nlog_dest file {folder}/log")
        .replace("/mosquitto/data/", "{folder}/")
        .replace("/mosquitto/config/", "{folder}/")
    )


async def publish(mosquitto: Broker, user: str, word: str, device: str) -> None:
    """A device presses its button."""
    async with mosquitto.client(username=user, password=word) as client:
        press = json.dumps({"type": "sos", "at": at(0)})
        await client.publish(f"anlin/anlin_garden/{device}/signal", press, qos=1)


async def test_rights_are_as_small_as_they_can_be(desk: Desk, tmp_path: Path) -> None:
    settings = await compose_settings(tmp_path, anlin="a", devices="d", button="b")
    async with broker(tmp_path, settings) as mosquitto:
        own = Address(host="127.0.0.1", port=mosquitto.port, user="anlin", password="a")
        async with listening(desk, mosquitto, address=own):
            await publish(mosquitto, "button", "b", "somebody-else")
            await publish(mosquitto, "button", "b", "button")
            await publish(mosquitto, "devices", "d", "any")
            await heard(desk, 2)
            with pytest.raises(aiomqtt.MqttError):
                await publish(mosquitto, "devices", "wrong", "any")
            with pytest.raises(aiomqtt.MqttError):
                await mosquitto.say("any", {"type": "sos"})  # without a name
    assert {alarm.source for alarm in await alarms(desk)} == {"device:button", "device:any"}


def _certificate(folder: Path) -> None:
    """A certificate of 127.0.0.1 that nobody but we ourselves have signed: `own.pem` and `own.key`."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")]),
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "own.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "own.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


# paho leaves it to the collector to close a socket over which TLS was refused
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_tls_with_an_authority_and_a_password_from_files(desk: Desk, tmp_path: Path) -> None:
    _certificate(tmp_path)
    (tmp_path / "secret").write_text("a\n")
    settings = await compose_settings(tmp_path, anlin="a", devices="d")
    settings += "certfile {folder}/own.pem\nkeyfile {folder}/own.key\n"
    async with broker(tmp_path, settings) as mosquitto:
        given = Settings(
            _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own
            mqtt_url=SecretStr(f"mqtts://anlin@127.0.0.1:{mosquitto.port}"),
            mqtt_password_file=tmp_path / "secret",
            mqtt_ca=tmp_path / "own.pem",
        )
        address = address_of(given)
        async with listening(desk, mosquitto, address=address):
            tls = aiomqtt.TLSParameters(ca_certs=str(tmp_path / "own.pem"))
            async with mosquitto.client(username="devices", password="d", tls_params=tls) as client:
                await client.publish("anlin/anlin_garden/pir/signal", json.dumps({"type": "motion"}), qos=1)
            await heard(desk, 1)
        stranger = address_of(given.model_copy(update={"mqtt_ca": None}))

        async def told() -> bool:
            return "certificate" in ((await standing(desk)).fault or "")

        async with listening(desk, mosquitto, address=stranger, ready=False):
            await until(told)
    gc.collect()  # here, where it is expected


async def test_invented_devices_over_both_ways(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sendings = plan("replay", invented(2), start=MONDAY - timedelta(hours=1), hours=0.5, seed=7)
    different = len({each.payload for each in sendings})
    assert different < len(sendings)
    app = FastAPI()
    app.mount("/api/v1", build_api(desk.house))
    async with broker(tmp_path) as mosquitto, listening(desk, mosquitto) as made, served(app) as address:
        for way, url in ((command.Way.mqtt, mosquitto.url), (command.Way.http, address)):
            await command._simulate(
                desk.house.settings, sendings, 1e6, way, url, ADMIN, "anlin_garden", dry_run=False
            )
        await heard(desk, different)
        await counted(made, desk, taken=different, repeated=len(sendings) - different)
    assert len(await signals(desk)) == different
    assert {alarm.source for alarm in await alarms(desk)} == {"device:sos-3-2-501", "device:sos-3-1-202"}
    printed = capsys.readouterr().out
    assert printed.count("the button is pressed") >= 4
    assert f"{len(sendings)} sent in" in printed
    assert "200 A2026" in printed


async def test_a_broker_that_is_not_there_is_said() -> None:
    sendings = plan("sos", invented(1), start=MONDAY, hours=0.1, seed=1)
    for way, url in ((command.Way.mqtt, "mqtt://127.0.0.1:1"), (command.Way.http, "http://127.0.0.1:1")):
        with pytest.raises(command.SimulationRefused):
            await command._simulate(
                Settings(_env_file=None),
                sendings,
                1e6,
                way,
                url,
                None,
                "x",
                dry_run=False,  # type: ignore[call-arg]
            )


async def test_health_and_figures_tell_of_the_broker_wherever_it_is_listened_to(
    desk: Desk, tmp_path: Path
) -> None:
    """A process that serves pages tells what another one hears."""
    given = desk.house.settings.model_copy(update={"mqtt_url": SecretStr("mqtt://broker")})
    app = FastAPI()
    app.include_router(health.build(replace(desk.house, settings=given)))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bot")
    async with client:
        assert (await client.get("/readyz")).json()["optional"]["mqtt"] == "away: no process listens"
        assert 'anlin_mqtt_connected{broker="mqtt"} 0.0' in (await client.get("/metrics")).text
        async with broker(tmp_path) as mosquitto, listening(desk, mosquitto) as made:
            await mosquitto.say("pir", {"type": "motion"})
            await mosquitto.say("pir", b"rubbish")
            await counted(made, desk, taken=1, malformed=1)
            assert (await client.get("/readyz")).json()["optional"]["mqtt"] == "on"
            figures = (await client.get("/metrics")).text
        assert 'anlin_mqtt_connected{broker="mqtt"} 1.0' in figures
        assert 'anlin_mqtt_reports{outcome="malformed"} 1.0' in figures
        told = (await client.get("/readyz")).json()
    assert told["optional"]["mqtt"].startswith("away since 2026-11-23T02:00")
    assert "mqtt" not in told["reasons"], "residents are served without the devices"
