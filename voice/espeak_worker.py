"""Speaks one sentence with eSpeak NG and ends: the small process behind voice/espeak.py.

Takes one line of JSON on stdin, `{"text", "voice", "words_per_minute"}`, writes a WAV file to stdout, exit code 0.
An end of stdin before that line ends it quietly, so that waiting workers go when their parent goes. It is a process
of its own because pyttsx3 holds global state, is not safe in threads, and eSpeak can be initialised only once.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import espeakng_loader


def load_espeak() -> None:
    """Makes pyttsx3 take the wheel's eSpeak NG 1.52 with its own data.

    pyttsx3 opens `libespeak-ng.so.1` by that name, or one of a list of places; whatever it asks for, it is handed the
    wheel's file. Debian's 1.51, which misreads Chinese, is never taken, installed or not.
    """
    os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()
    path = espeakng_loader.get_library_path()
    ctypes.CDLL(path)
    open_library = ctypes.cdll.LoadLibrary

    def redirected(name: str) -> ctypes.CDLL:
        return open_library(path if "espeak" in name else name)

    setattr(ctypes.cdll, "LoadLibrary", redirected)  # noqa: B010  # pyttsx3 offers no other way to name the library


def start_engine() -> Any:
    """pyttsx3's engine on eSpeak, ready to speak; there can be one in a process."""
    load_espeak()
    import pyttsx3  # looks for the library while its driver is imported: only now

    engine = pyttsx3.init("espeak")
    from pyttsx3.drivers import _espeak

    # The driver adds this flag to every sentence; with it eSpeak also takes [[phonemes]] for what it misreads.
    _espeak.ENDPAUSE |= _espeak.PHONEMES
    return engine


def library_version() -> str:
    """The version of the eSpeak that pyttsx3 took, as the library itself says."""
    from pyttsx3.drivers import _espeak

    _espeak.dll.espeak_Info.restype = ctypes.c_char_p
    version: bytes = _espeak.dll.espeak_Info(None)
    return version.decode()


def synthesise(engine: Any, text: str, voice: str, words_per_minute: int, target: Path) -> None:
    """Writes the sound of `text` to `target`; to be called once in a process."""
    engine.setProperty("voice", voice)
    engine.setProperty("rate", words_per_minute)
    engine.save_to_file(text, str(target))
    # Not runAndWait(): it queues its own end behind the sentence, which cancels eSpeak's still running settings and
    # leaves after 10 ms, so that long sentences are lost and rates ignored. startLoop() ends with the sentence.
    engine.startLoop()


def _memory_folder() -> str | None:
    """A folder that is not on disk, where there is one: sentences carry names and homes."""
    shared = Path("/dev/shm")  # noqa: S108  # only as the parent of a private 0700 folder
    return str(shared) if os.access(shared, os.W_OK) else None


def main() -> int:
    """Waits for one order, speaks it, and says by its exit code whether it could."""
    sound = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # pyttsx3 prints on stdout, which is for the sound only
    engine = start_engine()
    line = sys.stdin.buffer.readline()
    if not line.strip():
        return 0
    order = json.loads(line)
    with tempfile.TemporaryDirectory(prefix="anlin-voice-", dir=_memory_folder()) as folder:
        target = Path(folder) / "speech.wav"
        synthesise(engine, order["text"], order["voice"], int(order["words_per_minute"]), target)
        if not target.exists():
            print(f"eSpeak {library_version()} gave no sound", file=sys.stderr)  # noqa: T201  # stderr is its report
            return 1
        sound.write(target.read_bytes())
        sound.flush()
    return 0


if __name__ == "__main__":
    status = 1
    with contextlib.suppress(KeyboardInterrupt):
        status = main()
    sys.stderr.flush()
    os._exit(status)  # eSpeak's own clean-up can assert on the way out; everything is written by now
