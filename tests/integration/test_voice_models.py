"""Fetching a model from a real server on this machine (V1)."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from voice.models import ModelError, fetch_model

NAME = "vosk-model-test"


class Quiet(SimpleHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return  # a quiet test


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    thread.join()
    server.server_close()


def publish(folder: Path, entry: str = f"{NAME}/conf/model.conf", **wrong: object) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        bundle.writestr(entry, "--sample-frequency=16000")
    archive = packed.getvalue()
    (folder / f"{NAME}.zip").write_bytes(archive)
    md5 = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    row = {"name": NAME, "size": len(archive), "md5": md5} | wrong
    (folder / "model-list.json").write_text(json.dumps([row]))
    return archive


def test_a_whole_model_is_unpacked_and_its_sum_recorded(site: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = site
    archive = publish(folder)
    seen: list[tuple[int, int]] = []
    got = fetch_model(tmp_path / "m", name=NAME, site=address, progress=lambda *at: seen.append(at))
    assert (got.path / "conf/model.conf").is_file()
    assert got.sha256 == hashlib.sha256(archive).hexdigest()
    assert seen[-1] == (len(archive), len(archive))
    (folder / "model-list.json").unlink()
    assert fetch_model(tmp_path / "m", name=NAME, site=address) == got, "not fetched again"
    with pytest.raises(ModelError):
        fetch_model(tmp_path / "m", name=NAME, site=address, sha256="0" * 64)


@pytest.mark.parametrize("wrong", [{"size": 5}, {"size": 10_000}, {"md5": "0" * 32}, {"name": "other"}])
def test_anything_not_as_published_is_refused(
    site: tuple[str, Path], tmp_path: Path, wrong: dict[str, object]
) -> None:
    publish(site[1], **wrong)
    with pytest.raises(ModelError):
        fetch_model(tmp_path / "m", name=NAME, site=site[0])
    assert list((tmp_path / "m").iterdir()) == [], "nothing is left behind"


@pytest.mark.parametrize("entry", ["../evil", "/evil", f"{NAME}/readme"])
def test_an_archive_that_is_no_model_is_refused(site: tuple[str, Path], tmp_path: Path, entry: str) -> None:
    publish(site[1], entry)
    with pytest.raises(ModelError):
        fetch_model(tmp_path / "m", name=NAME, site=site[0])
    assert list((tmp_path / "m").iterdir()) == []
    assert not (tmp_path / "evil").exists()
