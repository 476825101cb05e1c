"""docker-compose.yml, Dockerfile and .env.example fit each other and the product, as far as can be told without Docker (O3)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from bot.cli import app
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {f"ANLIN_{name.upper()}" for name in Settings.model_fields}
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?::[-?][^}]*)?\}")

# The parts of the Compose specification that the file uses, written down from its documentation.
_STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_SECONDS = {"type": "string", "pattern": r"^\d+s$"}
_SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["image"]}, {"required": ["build"]}],
    "required": ["restart", "healthcheck"],
    "properties": {
        "image": {"type": "string", "pattern": r"^[a-z-]+(:[a-z0-9.-]+)?$"},
        "build": {
            "oneOf": [
                {"const": "."},
                {
                    "type": "object",
                    "properties": {"context": {"const": "."}, "dockerfile": {"type": "string"}},
                    "required": ["context", "dockerfile"],
                    "additionalProperties": False,
                },
            ]
        },
        "profiles": _STRINGS,
        "restart": {"enum": ["no", "unless-stopped"]},
        "command": _STRINGS,
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "env_file": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"path": {"const": ".env"}, "required": {"const": False}},
                "required": ["path", "required"],
                "additionalProperties": False,
            },
        },
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^\$\{[A-Z_]+:-[\d.:-]+\}:\d+$"}},
        "volumes": {"type": "array", "items": {"type": "string", "pattern": r"^[a-z]+:/[a-z/]+$"}},
        "shm_size": {"type": "string"},
        "deploy": {
            "type": "object",
            "properties": {"replicas": {"type": "string"}},
            "required": ["replicas"],
            "additionalProperties": False,
        },
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"condition": {"enum": ["service_healthy", "service_completed_successfully"]}},
                "required": ["condition"],
                "additionalProperties": False,
            },
        },
        "configs": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"source": {"type": "string"}, "target": {"type": "string"}},
                "required": ["source", "target"],
                "additionalProperties": False,
            },
        },
        "healthcheck": {
            "oneOf": [
                {"type": "object", "properties": {"disable": {"const": True}}, "required": ["disable"]},
                {
                    "type": "object",
                    "properties": {
                        "test": {**_STRINGS, "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}], "minItems": 2},
                        "interval": _SECONDS,
                        "timeout": _SECONDS,
                        "retries": {"type": "integer", "minimum": 1},
                        "start_period": _SECONDS,
                    },
                    "required": ["test", "interval", "timeout", "retries", "start_period"],
                    "additionalProperties": False,
                },
            ]
        },
    },
}
_COMPOSE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "services", "volumes"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"const": "anlin"},
        "services": {"type": "object", "additionalProperties": _SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
        "configs": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"content": {"type": "string"}},
                "required": ["content"],
                "additionalProperties": False,
            },
        },
    },
}


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_read("docker-compose.yml"))
    return found


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def _example() -> dict[str, str]:
    """The variables that .env.example names, also those it only suggests."""
    lines = (line.removeprefix("#") for line in _read(".env.example").splitlines())
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


def test_it_has_the_shape_of_a_compose_file(compose: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(_COMPOSE).validate(compose)


def test_the_whole_is_there(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"setup", "bot", "worker", "postgres", "rasa", "mosquitto"}
    assert services["bot"]["command"][:2] == ["anlin", "web"]
    assert services["worker"]["command"][:2] == ["anlin", "worker"]
    for name in ("bot", "worker"):
        assert services[name]["deploy"]["replicas"].startswith("${")


def test_every_setting_is_one_of_the_product(services: dict[str, dict[str, Any]]) -> None:
    used = {
        name
        for service in services.values()
        for name in service.get("environment", {})
        if name[:6] == "ANLIN_"
    }
    used |= set(re.findall(r"\b(ANLIN_[A-Z_]+)=", _read("Dockerfile") + _read(".env.example")))
    assert used
    assert used <= SETTINGS


def test_the_settings_of_the_bots_and_workers_are_taken(services: dict[str, dict[str, Any]]) -> None:
    for name in ("setup", "bot", "worker"):
        written = services[name]["environment"]
        values = {
            key.removeprefix("ANLIN_").lower(): _VARIABLE.sub(
                "builtin" if key == "ANLIN_NLU" else "word", value
            )
            for key, value in written.items()
        }
        taken = Settings(_env_file=None, **values)
        assert taken.database_url is not None
        assert "@postgres:5432/" in taken.database_url.get_secret_value()


@pytest.mark.parametrize("name", ["setup", "bot", "worker"])
def test_the_commands_exist_with_their_options(services: dict[str, dict[str, Any]], name: str) -> None:
    program, *arguments = services[name]["command"]
    assert program == "anlin"
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    command.make_context(name, arguments)  # parses; raises for an unknown option or a bad value


def test_the_image_s_own_command_exists() -> None:
    group: Any = typer.main.get_command(app)
    assert 'CMD ["anlin", "run"]' in _read("Dockerfile")
    assert "run" in group.commands


def test_bots_listen_where_the_health_check_and_the_port_say(services: dict[str, dict[str, Any]]) -> None:
    command = services["bot"]["command"]
    port = command[command.index("--port") + 1]
    assert command[command.index("--host") + 1] == "0.0.0.0"
    assert services["bot"]["ports"][0].endswith(f":{port}")
    assert f":{port}/readyz" in services["bot"]["healthcheck"]["test"][-1]
    assert f"EXPOSE {port}" in _read("Dockerfile")


def test_services_find_each_other(services: dict[str, dict[str, Any]]) -> None:
    hosts = set(services)
    for service in services.values():
        for value in service.get("environment", {}).values():
            for host in re.findall(r"(?:@|://)([a-z]+):\d+", value):
                assert host in hosts, f"{value} names no service"
        assert set(service.get("depends_on", {})) <= hosts


def test_volumes_and_configs_are_declared_and_used(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    mounted = {mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])}
    assert mounted == set(compose["volumes"])
    configured = {each["source"] for service in services.values() for each in service.get("configs", [])}
    assert configured == set(compose["configs"])


def test_variables_are_explained_and_no_secret_is_inside(services: dict[str, dict[str, Any]]) -> None:
    text = _read("docker-compose.yml")
    example = _example()
    assert set(_VARIABLE.findall(text)) <= set(example)
    for name, value in example.items():
        if re.search("PASSWORD|TOKEN|KEYS|SECRET", name):
            assert value == "", f"{name} has a value in .env.example"
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or "@" in value:
                assert ":?" in value, f"{name} is not asked for"


def test_rasa_is_built_only_for_who_wants_it_and_has_a_whole_project(
    services: dict[str, dict[str, Any]],
) -> None:
    assert [name for name, service in services.items() if "profiles" in service] == ["rasa"]
    assert services["rasa"]["profiles"] == [_example()["COMPOSE_PROFILES"]]
    assert not any("rasa" in service.get("depends_on", {}) for service in services.values())
    dockerfile = _read("nlu/rasa/Dockerfile")
    copied = {
        source
        for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == {
        "nlu/rasa/requirements.txt",
        "nlu/rasa/config.yml",
        "nlu/rasa/domain.yml",
        "nlu/rasa/catalogue.yml",
        "nlu/training",
    }
    assert "RASA_TELEMETRY_ENABLED=false" in dockerfile
    assert "--cors" not in dockerfile


def test_the_image_and_the_service_have_one_health_check(services: dict[str, dict[str, Any]]) -> None:
    [written] = re.findall(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", _read("nlu/rasa/Dockerfile"), re.MULTILINE)
    assert ["CMD", *yaml.safe_load(written)] == services["rasa"]["healthcheck"]["test"]


def test_only_the_machine_itself_reaches_the_ports(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(":-127.0.0.1:" in port for port in ports)


def test_the_images_are_made_of_files_that_are_there(services: dict[str, dict[str, Any]]) -> None:
    ignored = _read(".dockerignore").splitlines()
    for dockerfile in ("Dockerfile", services["rasa"]["build"]["dockerfile"]):
        for line in _read(dockerfile).splitlines():
            if not line.startswith("COPY "):
                continue
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), f"{dockerfile}: {source}"
                assert f"!{source.split('/')[0]}" in ignored, f"{source} does not reach Docker"
