"""Fetches the model that makes Vosk understand Mandarin, and makes sure that it is whole.

Trust, said plainly: the Vosk project publishes a size and an MD5 sum for each model in its own list, over HTTPS, from the
same site as the model. That finds a broken or half download; it does not protect against somebody who controls that site. So
the SHA-256 of what was fetched is written beside the model and printed: compare it with another machine's, and give it with
`sha256=` on every further machine, which then refuses anything else.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

SITE = "https://alphacephei.com/vosk/models/"
"""The Vosk project's own page of models."""

DEFAULT_MODEL = "vosk-model-small-cn-0.22"
"""Mandarin, small: about 42 MB to fetch, 65 MB on disk, fit for a Raspberry Pi. Apache License 2.0."""

_LARGEST = 4 * 1024**3  # bytes unpacked: the largest Mandarin model has under 3 GiB


class ModelError(Exception):
    """The model could not be fetched, or is not what it should be; nothing was left behind."""

    code = "voice.model"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedModel:
    """A model ready for ANLIN_VOSK_MODEL."""

    path: Path  # the folder
    sha256: str  # of the archive it came from, hexadecimal
    size: int  # of the archive, in bytes


def fetch_model(
    folder: Path,
    *,
    name: str = DEFAULT_MODEL,
    site: str = SITE,
    sha256: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FetchedModel:
    """Fetches, checks and unpacks a model into `folder/name`; one that is there already is not fetched again.

    `sha256`: the archive must have this one. `progress`: called with bytes so far and in all. Blocks for as long as the
    download takes. Raises ModelError.
    """
    import httpx  # not above: the service names models, and need not wait for an HTTP client

    target, record = folder / name, folder / f"{name}.sha256"
    if target.is_dir() and record.is_file():
        known, known_size = record.read_text().split()[:2]
        if sha256 is not None and known != sha256.lower():
            raise ModelError(
                f"{target} came from an archive with SHA-256 {known}, not {sha256}; move it away first"
            )
        return FetchedModel(path=target, sha256=known, size=int(known_size))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as working:
        archive = Path(working) / "model.zip"
        try:
            with httpx.Client(timeout=30, follow_redirects=True) as client:
                size, md5 = _published(client, site, name)
                digest = _download(client, f"{site}{name}.zip", archive, size, md5, progress)
        except httpx.HTTPError as error:
            raise ModelError(f"{site} does not answer as it should: {error}") from error
        if sha256 is not None and digest != sha256.lower():
            raise ModelError(f"the archive's SHA-256 is {digest}, expected {sha256}")
        unpacked = Path(working) / "unpacked"
        _unpack(archive, unpacked)
        inside = unpacked / name
        if not (inside / "conf" / "model.conf").is_file():
            raise ModelError("the archive holds no Vosk model of that name")
        if target.exists():
            raise ModelError(f"{target} exists, but not from here; move it away first")
        shutil.move(inside, target)
        record.write_text(f"{digest} {size}\n")
    return FetchedModel(path=target, sha256=digest, size=size)


def _published(client: httpx.Client, site: str, name: str) -> tuple[int, str]:
    """Size in bytes and MD5 sum of the archive, from the project's list."""
    answer = client.get(f"{site}model-list.json")
    answer.raise_for_status()
    try:
        rows = {row["name"]: row for row in answer.json()}
        return int(rows[name]["size"]), str(rows[name]["md5"]).lower()
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{site}model-list.json does not tell about {name}") from error


def _download(
    client: httpx.Client,
    address: str,
    archive: Path,
    size: int,
    md5: str,
    progress: Callable[[int, int], None] | None,
) -> str:
    """Writes the archive, checks size and MD5, gives its SHA-256."""
    whole, sums = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    received = 0
    with client.stream("GET", address) as answer, archive.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_bytes(1 << 16):
            received += len(chunk)
            if received > size:
                raise ModelError(f"more than the published {size} bytes came")
            whole.update(chunk)
            sums.update(chunk)
            file.write(chunk)
            if progress is not None:
                progress(received, size)
    if received != size:
        raise ModelError(f"{received} of {size} bytes came; try again")
    if sums.hexdigest() != md5:
        raise ModelError("the archive's MD5 sum is not the published one; try again")
    return whole.hexdigest()


def _unpack(archive: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as bundle:
            if sum(entry.file_size for entry in bundle.infolist()) > _LARGEST:
                raise ModelError("the archive would unpack to more than any model needs")
            for entry in bundle.infolist():
                path = PurePosixPath(entry.filename)
                if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
                    raise ModelError(f"the archive wants to write outside its folder: {entry.filename}")
            bundle.extractall(target)  # every name was looked at above
    except zipfile.BadZipFile as error:
        raise ModelError("what came is no archive") from error
