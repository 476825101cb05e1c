"""Every setting, once: from the environment (ANLIN_…) or a .env file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may choose. Each field's description is its documentation (`anlin config`)."""

    model_config = SettingsConfigDict(
        env_prefix="ANLIN_", env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    home: Path = Field(Path("var"), description="Folder for data, keys and caches")
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on")
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL address; unset: the embedded server under the home folder"
    )
    keys: SecretStr | None = Field(
        None, description="Encryption keys; unset: the file keys in the home folder, made on first start"
    )
    tz: str = Field("Asia/Shanghai", description="Time zone of a community that has none of its own")
    nlu: Literal["builtin", "rasa"] = Field("builtin", description="Which engine chooses intents")
    rasa_url: str = Field("http://127.0.0.1:5005", description="Address of the Rasa server (with nlu = rasa)")
    telegram_token: SecretStr | None = Field(None, description="Bot token; unset: Telegram is off")
    telegram_api: str = Field("https://api.telegram.org", description="Base address of the Bot API")
    telegram_secret: SecretStr | None = Field(
        None, description="Secret of the Telegram webhook; unset: messages are polled"
    )
    public_url: str | None = Field(
        None,
        description="Address at which the internet reaches this installation; Telegram's webhook is set there",
    )
    admin_token: SecretStr | None = Field(
        None, description="An API token with the admin role, there from the start"
    )
    mqtt_url: SecretStr | None = Field(
        None,
        description="MQTT broker of the devices, mqtt:// or with TLS mqtts://; unset: they report over HTTP only",
    )
    mqtt_password_file: Path | None = Field(
        None,
        description="File that holds the password for the MQTT broker, in the place of one in its address",
    )
    mqtt_ca: Path | None = Field(
        None, description="Certificate authority of the MQTT broker (PEM); unset: those of the system"
    )
    mqtt_certificate: Path | None = Field(
        None, description="Our own certificate for the MQTT broker (PEM), if it wants one"
    )
    mqtt_key: Path | None = Field(None, description="Key of that certificate; unset: in the same file")
    notify_staff: SecretStr | None = Field(
        None, description="Apprise addresses told of every alarm, separated by spaces"
    )
    notify_sms: SecretStr | None = Field(
        None, description="Apprise address for text messages, with {phone} where the number goes"
    )
    vosk_model: Path | None = Field(
        None, description="Folder of the Vosk model; unset: the one that `anlin voice models` fetched, if any"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged")

    @field_validator("tz")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no such time zone: {value}; for example Asia/Shanghai") from error
        return value

    @field_validator("rasa_url", "telegram_api", "public_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("must be an address that starts with http:// or https://")
        return value.rstrip("/")

    @field_validator("mqtt_url")
    @classmethod
    def _broker(cls, value: SecretStr | None) -> SecretStr | None:
        from urllib.parse import urlsplit

        if value is None:
            return None
        try:
            parts = urlsplit(value.get_secret_value())
            known = parts.scheme in ("mqtt", "mqtts") and parts.hostname and parts.port != 0
        except ValueError:  # a port that is no number
            known = None
        if not known:
            raise ValueError("must be an address like mqtt://user:password@host:1883, with TLS mqtts://")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(
            ("postgresql://", "postgresql+psycopg://")
        ):
            raise ValueError("must be a PostgreSQL address: postgresql://user:password@host/name")
        return value
