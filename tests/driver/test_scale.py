"""What a driver and a dataset keep of a sweep of many trials, and what several drivers show to one cluster."""

import gc
from functools import partial
from typing import Any

import llcray_storage as ls
import pytest
from llcray_storage.state.manifest import newest_manifest_number
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.marker import open_existing
from ray.air.execution._internal.tracked_actor import TrackedActor
from ray.tune.experiment import Trial

from llcray.driver import SweepOptions, run_sweep
from llcray.driver.cluster.driver_state import published_states
from llcray.driver.cluster.state_publisher import StatePublisher
from llcray.driver.cluster.status import ask_to_stop, show_cluster
from llcray.driver.errors import DriverError
from llcray.driver.progress.tracker import Tracker
from llcray.driver.trials import scheduling
from llcray.driver.trials.compaction import Compactor
from llcray.driver.trials.halving import RestartingScheduler
from tests.driver.test_stopping import wait_until

QUADRATIC = "[{kind: quadratic, num_params: 3, num_data: 200}]"


class WatchedScheduler(RestartingScheduler):
    """Counts what Ray keeps each time that a trial reports or ends."""

    answers: list[int]
    objects: list[int]

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        decision = super().on_trial_result(tune_controller, trial, result)
        kept = tune_controller._actor_manager._tracked_actors_to_task_futures.values()
        self.answers.append(max(len(futures) for futures in kept))
        return decision

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        super().on_trial_complete(tune_controller, trial, result)
        gc.collect()
        self.objects.append(sum(isinstance(thing, Trial | TrackedActor) for thing in gc.get_objects()))


def test_what_ray_keeps_grows_neither_with_reports_nor_with_trials(cluster, sweep_file, tmp_path, screen, monkeypatch):
    """It kept the answer to each report of a trial under way, and two objects of each trial that was over."""
    WatchedScheduler.answers, WatchedScheduler.objects = [], []
    monkeypatch.setattr(scheduling, "scheduler_of", lambda *_: WatchedScheduler())
    overrides = ("samplers.0.step_size=1e-3", "replicates=14")
    options = SweepOptions(storage=str(tmp_path), max_pack=1, overrides=overrides)
    assert run_sweep(sweep_file(QUADRATIC), options, screen) == 0, screen.text
    objects = WatchedScheduler.objects
    assert len(objects) == 14
    assert objects[-3] <= objects[4], objects
    assert max(WatchedScheduler.answers) <= 2, WatchedScheduler.answers


def test_a_sweep_is_compacted_while_it_goes_on(cluster, sweep_file, tmp_path, screen, monkeypatch):
    """At its end a sweep of so few runs is left as it is, so the manifest was written before."""
    monkeypatch.setattr(scheduling, "Compactor", partial(Compactor, due_files=4))
    storage = str(tmp_path / "results")
    path, five = sweep_file(QUADRATIC), ("replicates=5",)
    assert run_sweep(path, SweepOptions(storage=storage, max_pack=1, overrides=five), screen) == 0, screen.text
    store, partition = open_existing(storage), sweep_partition("tiny")
    wait_until(lambda: newest_manifest_number(store, partition) > 0, seconds=30)
    rows = ls.scan_runs(storage, latest=False).collect()
    assert rows["run_id"].n_unique() == len(rows) == 10
    assert ls.scan_draws(storage).collect()["run_id"].n_unique() == 10
    assert run_sweep(path, SweepOptions(storage=storage, overrides=five), screen) == 0
    assert "nothing to do" in screen.text


def test_two_drivers_of_a_sweep_show_themselves_and_stop_side_by_side(cluster, screen):
    """The second driver overwrote the first one's state, and took away what it was asked."""
    trackers = [Tracker("tiny", (), {}, {}, num_before=0, num_slots=slots) for slots in (1, 2)]
    first, second = (StatePublisher(tracker, "/data") for tracker in trackers)
    other = StatePublisher(Tracker("tiny", (), {}, {}, num_before=0, num_slots=3), "/elsewhere")
    publishers = (first, second, other)
    for publisher in publishers:
        publisher.tick()
    assert sorted(state.num_slots for state in published_states()) == [1, 2, 3]
    with pytest.raises(DriverError, match=r"3 drivers meant.*tiny \(.*into /elsewhere\)"):
        ask_to_stop("auto", "tiny", None, False, screen)
    other.close()
    assert ask_to_stop("auto", "tiny", None, True, screen) == 0
    assert "tiny (2 drivers) stops now." in screen.text
    for publisher in (first, second):
        publisher._last_state = float("-inf")
        publisher.tick()
        assert publisher.stop_request == "stop"
    first.close()
    show_cluster("auto", None, screen)
    assert screen.text.count("into /data") == 1
    second.close()
    assert not published_states()
