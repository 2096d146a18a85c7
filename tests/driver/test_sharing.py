"""Several drivers of one sweep on one dataset: each run is done once, a dead one's runs by those that live."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import llcray_storage as ls
import pytest

from llcray.driver import SweepOptions, run_sweep
from llcray.spec import load_sweep, spec_columns
from tests.driver.test_stopping import num_finished, wait_until

PROGRAM = """
import sys
from llcray.driver import SweepOptions, run_sweep
sys.exit(run_sweep(sys.argv[1], SweepOptions(storage=sys.argv[2], max_pack=1, max_concurrent=1)))
"""
NUM_TARGETS = 10
COUNTED = (
    "[{{kind: python, factory: 'driver_targets:counted', "
    "arguments: {{folder: '{folder}', number: {{grid: [{numbers}]}}}}}}]"
)


def test_a_run_that_another_driver_has_is_left_to_it(cluster, sweep_file, tmp_path, screen):
    """The other driver finishes its run only once nothing else is left, so that this one has to wait for it."""
    path, storage = sweep_file("[{kind: quadratic, num_params: {grid: [3, 5]}, num_data: 200}]"), str(tmp_path / "here")
    runs = load_sweep(path).runs
    dataset = ls.Dataset.create_or_open(storage)
    claims = dataset.claims("tiny")
    assert claims.take({runs[0].run_id: 1}).mine

    def finish_later() -> None:
        try:
            wait_until(lambda: "waiting for 1 run of other drivers" in screen.text)
        finally:
            row = {
                **spec_columns(runs[0]),
                "sweep": "tiny",
                "trial_id": "elsewhere",
                "status": "failed",
                "reason": "there",
            }
            dataset.write_run(row)
            claims.close()

    other = threading.Thread(target=finish_later)
    other.start()
    assert run_sweep(path, SweepOptions(storage=storage, max_pack=1), screen) == 1, screen.text
    other.join()
    rows = ls.scan_runs(storage, latest=False).collect()
    assert sorted(rows["run_id"]) == sorted(run.run_id for run in runs)
    assert rows.filter(run_id=runs[0].run_id)["trial_id"].item() == "elsewhere"
    assert "waiting for 1 run of other drivers" in screen.text
    assert "4 runs done (1 of them by other drivers)" in screen.text and "1 failed" in screen.text


@pytest.fixture
def counted(sweep_file, modules, tmp_path) -> tuple[Path, Path, str]:
    """A sweep of slow targets, a folder with a file for each time that one was built, and a place for its dataset."""
    folder = tmp_path / "built"
    folder.mkdir()
    numbers = ", ".join(map(str, range(NUM_TARGETS)))
    return sweep_file(COUNTED.format(folder=folder, numbers=numbers)), folder, str(tmp_path / "results")


def start(path: Path, storage: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(path), storage]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_two_drivers_compute_each_run_once(counted):
    path, folder, storage = counted
    with start(path, storage) as first, start(path, storage) as second:
        printed = [program.communicate(timeout=300)[0] for program in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), printed
    rows = ls.scan_runs(storage, latest=False).collect()
    assert rows["run_id"].n_unique() == len(rows) == 2 * NUM_TARGETS
    assert len(list(folder.iterdir())) == NUM_TARGETS, "a target was built twice"
    assert all("by other drivers" in text for text in printed), printed
    assert not list(Path(storage, "_llcray", "claims").rglob("*.c1"))


@pytest.mark.slow
def test_the_other_driver_finishes_what_a_killed_one_has_taken(counted):
    path, folder, storage = counted
    with start(path, storage) as first, start(path, storage) as second:
        wait_until(lambda: num_finished(storage) >= 8, seconds=240)
        second.send_signal(signal.SIGKILL)
        printed, _ = first.communicate(timeout=300)
        second.communicate(timeout=60)
    assert first.returncode == 0, printed
    rows = ls.scan_runs(storage, latest=False).collect()
    assert rows["run_id"].n_unique() == len(rows) == 2 * NUM_TARGETS
    # The killed driver loses the target that it builds; another may be built by both, for the run that each has of it.
    assert len(list(folder.iterdir())) <= NUM_TARGETS + 2, "more was lost than what the killed driver had under way"
