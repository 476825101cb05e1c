"""How people speak of what is kept about them, and which of it they mean (F14, P4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.content_reading import plain_yaml

FILE = Path(__file__).with_name("profile.yml")
_KIN = "{kin}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The content of `profile.yml`."""

    calls: Mapping[str, re.Pattern[str]]  # flow → whole messages that begin it
    fields: Mapping[str, re.Pattern[str]]
    told: Mapping[str, re.Pattern[str]]
    purposes: Mapping[str, re.Pattern[str]]
    adjust: Mapping[str, re.Pattern[str]]
    withdraw: re.Pattern[str]
    keep: re.Pattern[str]
    erase: re.Pattern[str]


@cache
def words() -> Words:
    """Read once; raises KeyError where a part of the file is missing."""
    content = plain_yaml(FILE)
    before, after, kin = content["before"], content["after"], content["kin"]
    return Words(
        calls={
            flow: _form(before + "(?:" + "|".join(form.replace(_KIN, kin) for form in forms) + ")" + after)
            for flow, forms in content["calls"].items()
        },
        withdraw=_form(content["withdraw"]),
        keep=_form(content["keep"]),
        erase=_form(content["erase"]),
        **{
            name: {key: _form(form) for key, form in content[name].items()}
            for name in ("fields", "told", "purposes", "adjust")
        },
    )


def called(flow: str) -> re.Pattern[str]:
    """The whole messages that begin a flow."""
    return words().calls[flow]


def first_of(list_name: str, text: str) -> str | None:
    """The first entry of `fields`, `told`, `purposes` or `adjust` whose words are in a text."""
    forms: Mapping[str, re.Pattern[str]] = getattr(words(), list_name)
    return next((key for key, form in forms.items() if form.search(text)), None)


def takes_back(text: str) -> bool:
    """Whether somebody takes an agreement back, instead of asking what there is."""
    return words().withdraw.search(text) is not None


def keeps(text: str) -> bool:
    """Whether somebody would rather not be forgotten after all; in doubt they would."""
    return words().keep.search(text) is not None


def erases(text: str) -> bool:
    """Whether it says that they do want it."""
    return words().erase.search(text) is not None and not keeps(text)


def _form(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
