"""Claims: drivers of one sweep divide its runs, and what a dead one has taken is free again."""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import llcray_storage as ls
import pytest
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.settings import open_store
from llcray_storage.write.claims import Claims
from llcray_storage.write.holders import LOCK_KEPT_SECONDS, _lock_path

NewRow = Callable[..., dict[str, Any]]
RUNS = {f"r{index}": 1 for index in range(8)}
AWAY = """
import sys, llcray_storage as ls
claims = ls.Dataset.open(sys.argv[1]).claims("s")
print(sorted(claims.take({"r0": 1, "r1": 1}).mine), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def driver(root: str) -> Iterator[Callable[..., Claims]]:
    """Makes drivers of the sweep that are closed at the end."""
    ls.Dataset.create_or_open(root)
    with ExitStack() as stack:

        def make(beat_seconds: float = 0.0, expiry_seconds: float = 60.0, at: str = root) -> Claims:
            claims = Claims(open_store(at), sweep_partition("s"), beat_seconds or 0.05, expiry_seconds)
            return stack.enter_context(closing(claims))

        yield make


def folder_of(root: str, name: str) -> list[str]:
    return sorted(path.name for path in Path(root, "_llcray", name, "sweep=s").glob("*"))


def test_a_run_is_one_drivers_until_it_is_released(driver: Callable[..., Claims]):
    first, second = driver(), driver()
    assert first.take({"r0": 1, "r1": 1}).mine == {"r0", "r1"}
    assert first.take({"r0": 1}).mine == {"r0"}
    taken = second.take({"r1": 1, "r2": 1})
    assert (taken.mine, taken.held) == ({"r2"}, {"r1"})
    assert [second.is_held(run_id, 1) for run_id in ("r1", "r2", "r3")] == [True, False, False]
    first.release(["r1"])
    assert second.take({"r1": 1}).mine == {"r1"}


@pytest.mark.parametrize("compacted", [False, True])
def test_a_run_that_was_committed_meanwhile_is_not_done_again(
    compacted: bool, driver: Callable[..., Claims], dataset: ls.Dataset, root: str, new_row: NewRow
):
    claims = driver()
    dataset.write_run(new_row("r0"))
    if compacted:
        ls.compact(root, "s", grace_seconds=0.0)
        ls.vacuum(root, "s", grace_seconds=0.0)
    assert claims.take({"r0": 1, "r1": 1}) == (frozenset({"r1"}), frozenset(), frozenset({"r0"}))
    assert claims.take({"r0": 2}).mine == {"r0"}, "a deliberate rerun is another generation"
    assert folder_of(root, "claims") == ["r0.g2.c1", "r1.g1.c1"]


def test_racing_drivers_divide_the_runs(driver: Callable[..., Claims]):
    """A claim that two drivers get would have both compute its run."""
    drivers = [driver() for _ in range(4)]
    start, shares = threading.Barrier(4), {}

    def race(index: int) -> None:
        start.wait()
        shares[index] = drivers[index].take(RUNS).mine

    threads = [threading.Thread(target=race, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run_id for share in shares.values() for run_id in share) == sorted(RUNS)


def test_claims_of_a_killed_process_are_free_at_once_on_its_machine(driver: Callable[..., Claims], root: str):
    claims = driver()
    away = subprocess.Popen(
        [sys.executable, "-c", AWAY, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert away.stdout is not None and away.stdin is not None
    assert away.stdout.readline() == "['r0', 'r1']\n"
    assert claims.take({"r0": 1}).held == {"r0"}
    assert len(claims.others()) == 1
    away.send_signal(signal.SIGKILL)
    away.wait()
    away.stdin.close()
    away.stdout.close()
    assert claims.take({"r0": 1, "r1": 1}).mine == {"r0", "r1"}
    assert claims.others() == []
    claims.release(["r0", "r1"])
    assert folder_of(root, "claims") == [], "the dead driver's claims go with those that took their place"


def test_a_new_driver_removes_the_files_of_drivers_that_died_long_ago(driver: Callable[..., Claims]):
    """A file that goes too early makes the driver that carries on wait until the dead one's claims expire."""
    alive, just_dead = driver(beat_seconds=60.0)._holder.name, secrets.token_hex(8)
    long_dead = secrets.token_hex(8)
    for name in (just_dead, long_dead):
        _lock_path(name).touch()
    for name in (alive, long_dead):
        os.utime(_lock_path(name), (0, time.time() - LOCK_KEPT_SECONDS - 1))
    driver()
    assert [_lock_path(name).exists() for name in (alive, just_dead, long_dead)] == [True, True, False]
    _lock_path(just_dead).unlink()


@pytest.fixture
def elsewhere() -> Callable[[Claims], None]:
    """Lets a driver die as on another machine: no lock tells of it, and its beats stay."""

    def die(claims: Claims) -> None:
        holder = claims._holder
        holder._closed.set()
        holder._thread.join()
        _lock_path(holder.name).unlink()

    return die


def test_claims_expire_by_the_storages_clock(
    driver: Callable[..., Claims], elsewhere: Callable[[Claims], None], monkeypatch: pytest.MonkeyPatch
):
    """The clocks of both machines are wrong by hours, in different directions, and nobody notices."""
    lost = driver(expiry_seconds=1.0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    claims = driver(expiry_seconds=1.0)
    assert lost.take({"r0": 1}).mine == {"r0"}
    time.sleep(1.5)
    assert claims.take({"r0": 1}).held == {"r0"}, "it beats, so it lives"
    elsewhere(lost)
    assert claims.take({"r0": 1}).held == {"r0"}, "its last beat is younger than the expiry"
    time.sleep(1.5)
    assert claims.take({"r0": 1}).mine == {"r0"}


def test_of_two_that_take_over_one_gets_the_run(driver: Callable[..., Claims], elsewhere: Callable[[Claims], None]):
    lost, first, second = (driver(expiry_seconds=0.3) for _ in range(3))
    lost.take({"r0": 1})
    elsewhere(lost)
    time.sleep(0.6)
    assert first.take({"r0": 1}).mine == {"r0"}
    assert second.take({"r0": 1}).held == {"r0"}
    first.release(["r0"])
    assert second.take({"r0": 1}).mine == {"r0"}


def test_a_holder_whose_beats_do_not_show_yet_is_given_time(driver: Callable[..., Claims], root: str):
    """A listing of NFS may be a minute old; a claim in it must not look like one of a dead driver."""
    claims = driver(expiry_seconds=0.3)
    open_store(root).put_if_absent("_llcray/claims/sweep=s/r0.g1.c1", b"0123456789abcdef")
    assert claims.take({"r0": 1}).held == {"r0"}
    time.sleep(0.5)
    assert claims.take({"r0": 1}).mine == {"r0"}


def test_a_driver_that_leaves_leaves_nothing(driver: Callable[..., Claims], root: str):
    claims = driver()
    claims.take(RUNS)
    claims.close()
    assert folder_of(root, "claims") == folder_of(root, "drivers") == []


def test_a_claim_that_cannot_be_written_stops_nobody(driver: Callable[..., Claims], monkeypatch: pytest.MonkeyPatch):
    claims = driver()

    def refuse(*_: Any) -> bool:
        raise ls.StorageError("no space")

    monkeypatch.setattr(claims._store, "put_if_absent", refuse)
    assert claims.take({"r0": 1}).mine == {"r0"}


def test_removing_a_sweep_takes_its_claims_along(
    driver: Callable[..., Claims], dataset: ls.Dataset, root: str, new_row: NewRow
):
    driver().take(RUNS)
    dataset.write_run(new_row("r9"))
    ls.remove_sweep(root, "s")
    assert folder_of(root, "claims") == []


def test_vacuum_takes_claims_that_are_a_week_old(driver: Callable[..., Claims], root: str):
    driver(beat_seconds=60.0).take({"r0": 1, "r1": 1})
    long_ago = time.time() - 8 * 86400
    os.utime(Path(root, "_llcray/claims/sweep=s/r0.g1.c1"), (long_ago, long_ago))
    ls.vacuum(root, "s")
    assert folder_of(root, "claims") == ["r1.g1.c1"]
    assert ls.verify(root).ok


def test_drivers_share_a_sweep_in_an_object_store(driver: Callable[..., Claims], s3_environment: str, new_row: NewRow):
    dataset = ls.Dataset.create_or_open(s3_environment)
    first, second = driver(at=s3_environment), driver(at=s3_environment)
    assert first.take({"r0": 1, "r1": 1}).mine == {"r0", "r1"}
    dataset.write_run(new_row("r0"))
    first.release(["r0"])
    assert second.take({"r0": 1, "r1": 1, "r2": 1}) == (frozenset({"r2"}), frozenset({"r1"}), frozenset({"r0"}))
    assert len(second.others()) == 1
