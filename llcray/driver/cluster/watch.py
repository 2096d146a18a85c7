"""Notices that a Ray of this process's own has died, which this process would not outlive.

Where its raylet or its head (GCS) dies, Ray ends the driver from within after 14 to 64 seconds, without a word of what
to do. Rows are committed by the workers, so nothing is lost: the same command goes on.
"""

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.5


@contextlib.contextmanager
def watch_daemons(
    daemons: Mapping[str, "subprocess.Popen[bytes]"], scratch: Path, on_lost: Callable[[str], None]
) -> Iterator[None]:
    """Watches Ray's processes; where one dies, ends the others, removes their files, and calls `on_lost`.

    Args:
        daemons: Processes without which Ray is over, by name.
        scratch: Folder of Ray's files.
        on_lost: Called in another thread with the name of the process that died. Ends this process.
    """
    over = threading.Event()

    def look() -> None:
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            lost = next((name for name, process in daemons.items() if process.poll() is not None), None)
            if lost is not None and not over.is_set():
                for process in daemons.values():
                    process.kill()
                shutil.rmtree(scratch, ignore_errors=True)
                on_lost(lost)
                return

    watcher = threading.Thread(target=look, name="watch Ray", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
