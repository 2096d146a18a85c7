"""One process of a machine compiles a program, and the others wait: no longer than it lives, and never for ever."""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest

from llcray.sampling import compile_lock
from llcray.sampling.compile_lock import lock_of

PROGRAM = "module @jit_program {}"
HOLD = """
import fcntl, os, sys, time
from pathlib import Path
Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
fcntl.flock(os.open(sys.argv[1], os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(300)
"""
COMPILE = """
import sys
import jax, jax.numpy as jnp
from jax import monitoring
from llcray.sampling.program import Program

hits = []
monitoring.register_event_listener(lambda name, **_: hits.append(name) if name.endswith("cache_hits") else None)
x = jax.device_put(jax.numpy.ones((50, 50)))
hits.clear()
sys.stdin.readline()
Program(lambda x: jnp.linalg.eigh(jnp.sin(x) @ x)[0])((), x)
print(len(hits))
"""


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of PROGRAM."""
    folder = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    path = Path(folder) / compile_lock.LOCKS / hashlib.sha256(PROGRAM.encode()).hexdigest()[:2]
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_process_waits_for_the_one_that_compiles_and_no_longer_than_that_lives(holder: subprocess.Popen[str]) -> None:
    entered = threading.Event()

    def compile_it() -> None:
        with lock_of(PROGRAM):
            entered.set()

    thread = threading.Thread(target=compile_it)
    thread.start()
    assert not entered.wait(0.3)
    holder.kill()
    assert entered.wait(30)
    thread.join()


def test_a_process_that_was_stopped_holds_nobody_up_for_ever(
    holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_lock, "MOST_SECONDS", 0.1)
    started = time.monotonic()
    with lock_of(PROGRAM):
        assert 0.1 <= time.monotonic() - started < 30


@pytest.mark.parametrize("folder", [__file__, "gs://bucket/programs", None])
def test_a_folder_that_is_none_or_not_here_locks_nothing(folder: str | None) -> None:
    before = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    jax.config.update("jax_compilation_cache_dir", folder)
    try:
        assert compile_lock._open("00") is None
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_of_two_processes_that_need_a_program_one_compiles_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a lock that is freed before the program is in the cache."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", COMPILE], **pipes) for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sorted(int(process.communicate(timeout=120)[0]) for process in both) == [0, 1]
