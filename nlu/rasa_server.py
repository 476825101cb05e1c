"""Sets up, trains and starts the Rasa server on this machine: `make rasa`, or `python -m nlu.rasa_server serve` (U3).

Rasa 3.6 needs Python 3.10 and libraries older than the product's, so it lives in an environment of its own, outside
the checkout: environment and models lie in one folder, each named by a hash of what it was made of, so that nothing is
made twice and a changed sentence trains anew. The server listens on this machine alone, without CORS and telemetry.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import yaml

from nlu import training_data
from nlu.rasa_domain import CATALOGUE, DOMAIN, RASA
from nlu.training_data import TRAINING_DIR, Example

REQUIREMENTS = RASA / "requirements.txt"
CONFIG = RASA / "config.yml"
PYTHON_VERSION = "3.10"
READY = ".ready"
"""File in an environment that is whole."""

KEPT = 6
"""Models that stay in the cache, the newest first; each is some ten megabytes."""

WARM_UP = ("你好", "我想约明天上午十点理发", "help")

PATIENCE = 300.0
"""Seconds a server may take to load its model: 20 to 30 on a small machine, two minutes on a very busy one."""

_QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "PYTHONWARNINGS": "ignore",
    "RASA_MAX_CACHE_SIZE": "0",  # Rasa's own cache of trained parts; the model's name is ours
}


class RasaSetupError(RuntimeError):
    """The environment, the model or the server could not be made; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What a model is made of."""

    nlu: Mapping[str, str]  # file name → its text: sentences, look-up tables, synonyms
    config: str  # the pipeline, Rasa's config.yml
    domain: str  # the intents, Rasa's domain.yml

    @classmethod
    def product(cls, epochs: int | None = None) -> Project:
        """All sentences of `nlu/training` and the catalogue; `epochs` in the place of the configured ones."""
        files = [*sorted(TRAINING_DIR.glob("*.yml")), CATALOGUE]
        return cls(
            nlu={file.name: file.read_text("utf-8") for file in files},
            config=_with_epochs(CONFIG.read_text("utf-8"), epochs),
            domain=DOMAIN.read_text("utf-8"),
        )

    @classmethod
    def small(cls, sentences: int, epochs: int) -> Project:
        """The same pipeline on the first so many sentences of each intent: quick to train, for tests of the server."""
        whole = cls.product(epochs)
        kept: dict[str, list[str]] = {}
        for example in training_data.load():
            kept.setdefault(example.intent, []).append(_marked(example))
        blocks = [
            {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts[:sentences])}
            for intent, texts in kept.items()
        ]
        text = yaml.safe_dump({"version": "3.1", "nlu": blocks}, allow_unicode=True, sort_keys=False)
        nlu = {"small.yml": text, CATALOGUE.name: whole.nlu[CATALOGUE.name]}
        return cls(nlu=nlu, config=whole.config, domain=whole.domain)

    def key(self) -> str:
        """A hash of everything in it, and of the libraries that train it."""
        parts = {**self.nlu, "/config": self.config, "/domain": self.domain, "/libraries": _environment_key()}
        digest = hashlib.sha256()
        for name, text in sorted(parts.items()):
            digest.update(f"{name}\0{len(text)}\0{text}".encode())
        return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where environment and models are kept: RASA_CACHE, or `anlin/rasa` in the user's cache folder."""
    if named := os.environ.get("RASA_CACHE"):
        return Path(named).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "anlin" / "rasa"


def find_python() -> str:
    """A Python 3.10 that runs: RASA_PYTHON, on the PATH, or one of pyenv's or uv's. Raises RasaSetupError."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local" / "share" / "uv" / "python"))
    if named := os.environ.get("RASA_PYTHON"):
        if _version(named) != PYTHON_VERSION:
            raise RasaSetupError(f"RASA_PYTHON={named} is no Python {PYTHON_VERSION} with the venv module")
        return named
    candidates = [
        *([found] if (found := shutil.which(f"python{PYTHON_VERSION}")) else []),
        *map(str, sorted(pyenv.glob(f"versions/{PYTHON_VERSION}.*/bin/python"), reverse=True)),
        *map(str, sorted(uv.glob(f"cpython-{PYTHON_VERSION}.*/bin/python{PYTHON_VERSION}"), reverse=True)),
    ]
    for candidate in candidates:
        if _version(candidate) == PYTHON_VERSION:
            return candidate
    raise RasaSetupError(
        f"Rasa needs Python {PYTHON_VERSION}, and none was found. Install one (`uv python install {PYTHON_VERSION}`, "
        f"`pyenv install {PYTHON_VERSION}`, or your system's python{PYTHON_VERSION} with its venv module), "
        "or name one: RASA_PYTHON=/path/to/python make rasa"
    )


def environment(cache: Path) -> Path:
    """The folder with Rasa's libraries, made when it is not there yet (2.7 GB, some minutes). Raises RasaSetupError."""
    folder = cache / f"env-{_environment_key()}"
    with _locked(folder):
        if not (folder / READY).exists():
            _say(f"installing Rasa into {folder} (2.7 GB, some minutes, once)")
            install(folder, find_python(), REQUIREMENTS)
    return folder


def install(folder: Path, python: str, requirements: Path) -> None:
    """Makes a virtual environment with exactly the pinned libraries; READY in it says that it is whole. The output is
    beside it, in a file named *.log. Raises RasaSetupError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    _run([python, "-m", "venv", str(folder)], log, "the environment could not be made")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    exactly = ["--no-deps", "--require-hashes", "--requirement", str(requirements)]
    _run([*pip, *exactly], log, "the libraries could not be installed")
    (folder / READY).touch()


def model(cache: Path, project: Project) -> Path:
    """The trained model of a project, trained when it is not there yet. Raises RasaSetupError."""
    libraries = environment(cache)
    kept = cache / "models" / f"{project.key()}.tar.gz"
    with _locked(kept):
        if kept.exists():
            return kept
        _say(f"training {kept} (once for these sentences; all of them take long, see its .log)")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="anlin-rasa-") as name:
            folder = Path(name)
            (folder / "nlu").mkdir()
            for file, text in project.nlu.items():
                (folder / "nlu" / file).write_text(text, "utf-8")
            (folder / "config.yml").write_text(project.config, "utf-8")
            (folder / "domain.yml").write_text(project.domain, "utf-8")
            options = (
                "--nlu nlu --config config.yml --domain domain.yml --out models --fixed-model-name trained"
            )
            _run(
                [str(libraries / "bin" / "rasa"), "train", "nlu", *options.split()],
                kept.parent / f"{project.key()}.log",
                "the model could not be trained",
                folder=folder,
            )
            # Into the folder under another name first: a model that has its name is whole.
            shutil.move(folder / "models" / "trained.tar.gz", kept.with_suffix(".part"))
            kept.with_suffix(".part").replace(kept)
        _forget_old(kept.parent)
        _say(f"trained in {time.monotonic() - began:.0f} s")
    return kept


def command(cache: Path, trained: Path, port: int, interface: str = "127.0.0.1") -> list[str]:
    """The command line that serves a model."""
    rasa = environment(cache) / "bin" / "rasa"
    options = ["--enable-api", "--model", str(trained), "--interface", interface, "--port", str(port)]
    return [str(rasa), "run", *options]


class Server:
    """A Rasa server as a process of our own; its words go to `log`, or where ours go."""

    def __init__(self, cache: Path, trained: Path, port: int, log: Path | None = None) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = command(cache, trained, port)
        self._folder = run_folder(cache)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's number. Raises RasaSetupError when it does not run."""
        if self._process is None:
            raise RasaSetupError("the Rasa server does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it, wait until its model is loaded, and ask it once. Raises RasaSetupError."""
        with self._log.open("wb") if self._log else nullcontext() as log:
            self._process = subprocess.Popen(  # noqa: S603  Rasa's own program, arguments made here
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=_environ(),
            )
        deadline = time.monotonic() + PATIENCE
        while not is_ready(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                tail = f"\n{_tail(self._log)}" if self._log else ""
                raise RasaSetupError(f"the Rasa server does not start on {self.url}{tail}")
            time.sleep(0.2)
        warm_up(self.url)

    def wait(self) -> int:
        """Wait until it ends by itself, or is ended by the Ctrl+C or SIGTERM that we get; gives its exit code."""
        process = self._process
        if process is None:
            return 0
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        signal.signal(signal.SIGINT, lambda *_: process.terminate())
        return process.wait()

    def kill(self) -> None:
        """End it at once, as a crash would; does nothing when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running(cache: Path, project: Project, port: int) -> Iterator[Server]:
    """A server with the model of a project, ended at the end."""
    server = Server(cache, model(cache, project), port, cache / f"server-{port}.log")
    try:
        server.start()
        yield server
    finally:
        server.kill()


def is_ready(url: str) -> bool:
    """Whether a Rasa server listens there and has loaded its model."""
    try:
        with urllib.request.urlopen(f"{url}/status", timeout=2) as answer:  # noqa: S310  our own http address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def warm_up(url: str) -> None:
    """Ask for sentences of some lengths: the first takes Rasa four seconds, more than any resident waits for."""
    for text in WARM_UP:
        body = json.dumps({"text": text}).encode()
        with suppress(OSError), urllib.request.urlopen(f"{url}/model/parse", body, timeout=60) as answer:  # noqa: S310
            answer.read()


def run_folder(cache: Path) -> Path:
    """An empty folder to run the server in, so that it finds nobody's endpoints.yml or credentials.yml."""
    folder = cache / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: environment, train, or serve, which does all three."""
    parser = argparse.ArgumentParser(prog="python -m nlu.rasa_server", description=__doc__)
    parser.add_argument("what", choices=["environment", "train", "serve"])
    parser.add_argument(
        "--cache", type=Path, default=cache_folder(), help="folder of environments and models"
    )
    parser.add_argument("--port", type=int, default=5005)
    options = parser.parse_args(arguments)
    try:
        if options.what == "environment":
            sys.stdout.write(f"{environment(options.cache)}\n")
            return 0
        trained = model(options.cache, Project.product())
        if options.what == "train":
            sys.stdout.write(f"{trained}\n")
            return 0
        server = Server(options.cache, trained, options.port)
        server.start()
        _say(f"Rasa serves on {server.url}; use it with ANLIN_NLU=rasa; Ctrl+C ends it")
        return server.wait()
    except RasaSetupError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _forget_old(models: Path) -> None:
    newest = sorted(models.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest[KEPT:]:
        path.unlink()
        for beside in (".log", ".tar.gz.lock"):
            path.with_name(path.name.replace(".tar.gz", beside)).unlink(missing_ok=True)


def _marked(example: Example) -> str:
    text = example.text
    for mark in reversed(example.marks):
        text = f"{text[: mark.start]}[{text[mark.start : mark.end]}]({mark.entity}){text[mark.end :]}"
    return text


def _environment_key() -> str:
    return hashlib.sha256(PYTHON_VERSION.encode() + REQUIREMENTS.read_bytes()).hexdigest()[:12]


def _with_epochs(config: str, epochs: int | None) -> str:
    if epochs is None:
        return config
    document = yaml.safe_load(config)
    for component in document["pipeline"]:
        if component["name"] == "DIETClassifier":
            component["epochs"] = epochs
    return yaml.safe_dump(document, sort_keys=False)


def _version(python: str) -> str:
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        told = subprocess.run(  # noqa: S603  the interpreter that was found or named
            [python, "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return ""
    return told.stdout.strip()


@contextmanager
def _locked(what: Path) -> Iterator[None]:
    """Only one process at a time makes a thing in the cache; another waits and finds it made."""
    what.parent.mkdir(parents=True, exist_ok=True)
    with what.with_name(f"{what.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(arguments: Sequence[str], log: Path, otherwise: str, folder: Path | None = None) -> None:
    with log.open("ab") as stream:
        code = subprocess.run(  # noqa: S603  pip and Rasa, arguments made here
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=folder,
            env=_environ(),
            check=False,
        ).returncode
    if code:
        raise RasaSetupError(f"{otherwise} (exit code {code}); all of it is in {log}\n{_tail(log)}")


def _environ() -> dict[str, str]:
    """The environment of Rasa's processes: ours without what would lead them into our own libraries."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    return {**kept, **_QUIET}


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
