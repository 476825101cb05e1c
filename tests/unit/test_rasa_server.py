"""Rasa's environment and models are made once, and what goes wrong is said. Programs that stand in for pip and Rasa."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest
import yaml

from nlu import rasa_server, training_data
from nlu.rasa_server import Project, RasaSetupError, Server
from nlu.understanding import INTENTS


def program(path: Path, *lines: str) -> Path:
    """A shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def pretend_environment(cache: Path, *lines: str) -> Path:
    """An environment that is ready and whose `rasa` does what the lines say."""
    folder = cache / f"env-{rasa_server._environment_key()}"
    program(folder / "bin" / "rasa", *lines)
    (folder / rasa_server.READY).touch()
    return folder


@pytest.fixture
def project() -> Project:
    return Project(nlu={"greet.yml": "nlu: []"}, config="pipeline: []", domain="intents: []")


def test_the_product_trains_all_its_sentences_and_the_catalogue() -> None:
    whole = Project.product()
    files = {path.name for path in training_data.TRAINING_DIR.glob("*.yml")}
    assert set(whole.nlu) == files | {"catalogue.yml"}
    assert whole.config == rasa_server.CONFIG.read_text("utf-8")


def test_a_small_project_has_every_intent_and_keeps_the_marks() -> None:
    small = Project.small(sentences=3, epochs=7)
    blocks = yaml.safe_load(small.nlu["small.yml"])["nlu"]
    assert sorted(block["intent"] for block in blocks) == sorted(INTENTS)
    first: dict[str, list[training_data.Example]] = {}
    for example in training_data.load():
        first.setdefault(example.intent, []).append(example)
    for block in blocks:
        lines = [
            training_data.strip_marks(line.removeprefix("- ")) for line in block["examples"].splitlines()
        ]
        assert lines == [(example.text, example.marks) for example in first[block["intent"]][:3]]
    epochs = [component.get("epochs") for component in yaml.safe_load(small.config)["pipeline"]]
    assert [number for number in epochs if number] == [7]


@pytest.mark.parametrize("part", ["nlu", "config", "domain"])
def test_what_changes_the_model_changes_its_name(project: Project, part: str) -> None:
    other = {"nlu": {"greet.yml": "nlu: [] "}}.get(part, "changed")
    assert dataclasses.replace(project, **{part: other}).key() != project.key()
    assert dataclasses.replace(project).key() == project.key()


def test_a_model_is_trained_once(tmp_path: Path, project: Project) -> None:
    pretend_environment(
        tmp_path,
        f'echo trained >> "{tmp_path}/count"',
        '[ "$RASA_TELEMETRY_ENABLED" = false ] || exit 9',
        "cat nlu/greet.yml config.yml domain.yml > /dev/null || exit 8",
        "mkdir models && echo model > models/trained.tar.gz",
    )
    trained = rasa_server.model(tmp_path, project)
    assert trained.read_text("utf-8") == "model\n"
    assert rasa_server.model(tmp_path, project) == trained
    assert (tmp_path / "count").read_text("utf-8") == "trained\n"


def test_only_the_newest_models_are_kept(tmp_path: Path, project: Project) -> None:
    pretend_environment(tmp_path, "mkdir models && echo model > models/trained.tar.gz")
    for number in range(rasa_server.KEPT + 2):
        rasa_server.model(tmp_path, dataclasses.replace(project, domain=f"{number}"))
    assert len(list((tmp_path / "models").glob("*.tar.gz"))) == rasa_server.KEPT


def test_a_training_that_fails_says_why_and_leaves_no_model(tmp_path: Path, project: Project) -> None:
    pretend_environment(tmp_path, "echo no such component >&2", "exit 3")
    with pytest.raises(RasaSetupError, match=r"(?s)exit code 3.*no such component"):
        rasa_server.model(tmp_path, project)
    assert not list((tmp_path / "models").glob("*.tar.gz"))


def test_libraries_that_cannot_be_installed_say_why(tmp_path: Path) -> None:
    python = program(
        tmp_path / "python",
        'mkdir -p "$3/bin" && printf "#!/bin/sh\necho no wheel; exit 1" > "$3/bin/python"',
        'chmod +x "$3/bin/python"',
    )
    with pytest.raises(RasaSetupError, match=r"(?s)could not be installed.*no wheel"):
        rasa_server.install(tmp_path / "env", str(python), rasa_server.REQUIREMENTS)
    assert not (tmp_path / "env" / rasa_server.READY).exists()


def test_python_is_found_on_the_path_but_not_one_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RASA_PYTHON", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    with pytest.raises(RasaSetupError, match="Install one"):
        rasa_server.find_python()
    shim = program(tmp_path / "bin" / "python3.10", "exit 127")
    with pytest.raises(RasaSetupError):
        rasa_server.find_python()
    of_pyenv = program(tmp_path / ".pyenv" / "versions" / "3.10.13" / "bin" / "python", "echo 3.10")
    assert rasa_server.find_python() == str(of_pyenv)
    program(shim, "echo 3.10")
    assert rasa_server.find_python() == str(shim)


def test_a_python_that_was_named_is_the_one_or_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASA_PYTHON", str(program(tmp_path / "python", "echo 3.12")))
    with pytest.raises(RasaSetupError, match="RASA_PYTHON"):
        rasa_server.find_python()
    named = program(tmp_path / "python", "echo 3.10")
    assert rasa_server.find_python() == str(named)


def test_it_is_served_to_this_machine_alone(tmp_path: Path) -> None:
    pretend_environment(tmp_path)
    command = rasa_server.command(tmp_path, tmp_path / "m.tar.gz", 5005)
    assert command[1:] == [
        *("run", "--enable-api", "--model", str(tmp_path / "m.tar.gz")),
        *("--interface", "127.0.0.1", "--port", "5005"),
    ]


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    pretend_environment(tmp_path, "echo the port is taken", "exit 1")
    server = Server(tmp_path, tmp_path / "m.tar.gz", 1, tmp_path / "log")
    with pytest.raises(RasaSetupError, match="the port is taken"):
        server.start()
    with pytest.raises(RasaSetupError, match="does not run"):
        server.pid  # noqa: B018  that it raises is what is tested


def test_the_cache_is_where_the_user_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASA_CACHE", str(tmp_path / "mine"))
    assert rasa_server.cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("RASA_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert rasa_server.cache_folder() == tmp_path / "anlin" / "rasa"


def test_the_command_line_tells_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RASA_PYTHON", str(tmp_path / "nowhere"))
    assert rasa_server.main(["train", "--cache", str(tmp_path)]) == 2
    assert "RASA_PYTHON" in capsys.readouterr().err
