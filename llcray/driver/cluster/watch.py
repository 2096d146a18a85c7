"""Notices that a Ray has died which this process would not outlive.

Where the raylet of this machine or the head (GCS) dies, Ray ends the driver from within after 14 to 64 seconds, without
a word of what to do. Rows are committed by the workers, so nothing is lost: the same command goes on.
"""

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_OF_SILENCE = 6.0
"""Time for which a part of a cluster may not answer: less than Ray waits, and more than a moment without a network."""

Place = tuple[str, int]
"""Host and port."""


@contextlib.contextmanager
def watch_daemons(
    daemons: Mapping[str, "subprocess.Popen[bytes]"], scratch: Path, on_lost: Callable[[str], None]
) -> Iterator[None]:
    """Watches a Ray of this process's own; where a daemon dies, ends the others and removes their files.

    Args:
        daemons: Processes without which Ray is over, by name.
        scratch: Folder of Ray's files.
        on_lost: Called in another thread with the name of the process that died. Ends this process.
    """

    def find_lost() -> str | None:
        return next((name for name, process in daemons.items() if process.poll() is not None), None)

    def end(lost: str) -> None:
        for process in daemons.values():
            process.kill()
        shutil.rmtree(scratch, ignore_errors=True)
        on_lost(lost)

    with _watching(find_lost, end):
        yield


@contextlib.contextmanager
def watch_places(places: Mapping[str, Place], on_lost: Callable[[str], None]) -> Iterator[None]:
    """Watches a Ray that was joined, by connecting to what this process cannot do without.

    Args:
        places: Where each part answers, by name.
        on_lost: Called in another thread with the name of the part that answers no more. Ends this process.
    """
    answered = dict.fromkeys(places, time.monotonic())

    def find_lost() -> str | None:
        for name, place in places.items():
            if _answers(place):
                answered[name] = time.monotonic()
            elif time.monotonic() - answered[name] > SECONDS_OF_SILENCE:
                return name
        return None

    with _watching(find_lost, on_lost):
        yield


def _answers(place: Place) -> bool:
    try:
        with socket.create_connection(place, timeout=SECONDS_OF_SILENCE / 3):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def _watching(find_lost: Callable[[], str | None], on_lost: Callable[[str], None]) -> Iterator[None]:
    over = threading.Event()

    def look() -> None:
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            lost = find_lost()
            if lost is not None and not over.is_set():
                on_lost(lost)
                return

    watcher = threading.Thread(target=look, name="watch Ray", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
