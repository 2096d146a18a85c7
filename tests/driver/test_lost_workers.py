"""A worker that dies costs its trial a retry, and no other trial anything."""

import json

import llcray_storage as ls
import pytest

from llcray.driver import SweepOptions, run_sweep


def deadly(folder, deaths: int) -> str:
    folder.mkdir()
    arguments = json.dumps({"folder": str(folder), "deaths": deaths})
    return f"{{kind: python, factory: 'driver_targets:deadly', arguments: {arguments}}}"


@pytest.fixture
def run(cluster, sweep_file, tmp_path, screen):
    """Runs a deadly target beside a harmless one; returns the exit code, the rows and what was printed."""

    def run(deaths: int):
        path = sweep_file(f"[{deadly(tmp_path / 'deaths', deaths)}, {{kind: quadratic, num_params: 3}}]")
        code = run_sweep(path, SweepOptions(storage=str(tmp_path / "results")), screen)
        found = ls.scan_runs(str(tmp_path / "results"), latest=False).collect()
        return code, found, screen.text

    return run


def test_a_killed_worker_costs_a_retry_and_each_run_is_there_once(run):
    code, found, printed = run(deaths=2)
    assert code == 0, printed
    assert found["status"].to_list() == ["done"] * 4
    assert found["run_id"].n_unique() == 4
    assert printed.count("trying again") == 2


@pytest.mark.slow
def test_a_worker_that_dies_between_trials_costs_the_next_one_a_retry(cluster, sweep_file, tmp_path, screen):
    """Tune tells such a death twice, and the trial got failed rows, "2 workers died", with all but one retry left."""
    last = "{kind: python, factory: 'driver_targets:last_of_its_worker'}"
    path = sweep_file(f"[{last}, {{kind: quadratic, num_params: 3, num_data: {{grid: [200, 201]}}}}]")
    path.write_text(path.read_text() + "conduct: {first: [{target_kind: python}]}\n")
    options = SweepOptions(storage=str(tmp_path / "results"), max_pack=1)
    assert run_sweep(path, options, screen) == 0, screen.text
    found = ls.scan_runs(options.storage, latest=False).collect()
    assert found["status"].to_list() == ["done"] * 6
    assert "trying again" in screen.text


@pytest.mark.slow
def test_a_trial_that_always_kills_its_worker_fails_after_its_retries_and_stops_no_other(run):
    code, found, _ = run(deaths=100)
    assert code == 1
    assert sorted(found["status"].to_list()) == ["done", "done", "failed", "failed"]
    reasons = [reason for reason in found["reason"].to_list() if reason]
    assert all("3 workers died" in reason for reason in reasons)


def test_a_failure_of_tune_itself_has_its_reason(cluster, tmp_path):
    """Tune pickles errors of tasks and actors alone; others were `NoneType: None`."""
    from ray.train._internal.storage import StorageContext
    from ray.tune import TuneError
    from ray.tune.experiment import Trial

    from llcray.driver.cluster.ray_internals import last_error_of
    from llcray.driver.trials.scheduling import why_lost

    storage = StorageContext(storage_path=str(tmp_path), experiment_dir_name="tune", trial_dir_name="trial")
    trial = Trial("unknown", stub=True, storage=storage)
    trial.init_local_path()
    assert last_error_of(trial) is None
    for text in ("no worker could be placed", "no room\nanywhere"):
        trial.handle_error(TuneError(text))
    assert why_lost(last_error_of(trial)) == "TuneError: no room anywhere"


def test_a_worker_that_cannot_start_says_what_went_wrong_there():
    """The reason was the first 300 characters of Ray's traceback, colours and carets, without its last line."""
    from llcray.driver.trials.scheduling import why_lost

    text = (
        "The actor died because of an error raised in its creation task, \x1b[36mray::SweepTrial\x1b[39m (pid=7)\n"
        "           ^^^^^^^^^^^^\n  File \"sharing.py\", line 18, in <module>\nImportError: cannot import name 'plural'"
    )
    assert why_lost(RuntimeError(text)) == "it could not start: ImportError: cannot import name 'plural'"
    assert why_lost(OSError("gone\n  away")) == "OSError: gone away"
