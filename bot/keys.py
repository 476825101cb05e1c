"""Where the encryption keys of an installation come from."""

from __future__ import annotations

from bot.settings import Settings
from data.crypto import Keyring


def keyring_of(settings: Settings) -> Keyring:
    """The keys from the setting, or from the key file in the home folder, which is made on the first start."""
    if settings.keys is not None:
        return Keyring.parse(settings.keys.get_secret_value())
    settings.home.mkdir(parents=True, exist_ok=True)
    return Keyring.from_file(settings.home / "keys")
