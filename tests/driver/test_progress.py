"""Views show people and programs how far a sweep is."""

import io
import json
import time

import llcray_storage as ls
import pytest
from rich.console import Console

from llcray.driver.plan.cost import CostModel
from llcray.driver.progress.live import frame
from llcray.driver.progress.reports import RunReport, TrialReport
from llcray.driver.progress.tracker import Tracker
from llcray.driver.progress.view import JsonLines, Lines
from llcray.driver.wording import labels
from llcray.estimation.trial import TrialEvent, run_trial
from llcray.spec import Sweep, load_sweep, trials

SWEEP = """
name: wide
question: Does it fit?
targets:
  - architecture:
      kind: mlp
      widths: [16, 16]
      activation: {grid: [relu, tanh]}
      initialization: {grid: [he_normal, glorot_uniform]}
    data: {kind: digits}
    noise: {kind: label_flip, rate: {grid: [0.0, 0.2]}}
samplers: [{kind: sgld, step_size: {grid: [1.0e-3, 1.0e-4]}}, {kind: hmc}]
"""


@pytest.fixture
def sweep(tmp_path) -> Sweep:
    (tmp_path / "wide.yaml").write_text(SWEEP)
    return load_sweep(tmp_path / "wide.yaml")


def new_tracker(sweep: Sweep) -> Tracker:
    return Tracker.of(sweep, trials(sweep.runs, 2), labels(sweep.runs), CostModel(), num_before=0, num_slots=2)


@pytest.fixture
def tracker(sweep: Sweep) -> Tracker:
    """Ten seconds in: one run done, another at 45%, a second trial building its target."""
    tracker = new_tracker(sweep)
    tracker.started = time.monotonic() - 10
    tracker.trial_started(0)
    tracker.trial_started(1)
    first, second = (run.run_id for run in tracker.plans[0].runs[:2])
    done = RunReport(first, "done", llc=12.3, llc_mcse=0.4, verdict="ok")
    tracker.reported(0, TrialReport((done,), "sampling", second, 1234.5, 67.8, 0.45), "here")
    return tracker


def test_the_live_view_takes_one_line_a_trial_and_fits_80_columns(tracker):
    stream = io.StringIO()
    Console(file=stream, width=80, force_terminal=True, color_system=None).print(frame(tracker))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= 80
    assert "1/24 runs" in lines[0] and "left" in lines[0]
    assert "45%" in lines[1] and "LLC 1234 ± 68 (sampling)" in lines[1] and "sampling" in lines[1]


def test_a_label_names_what_differs_and_nothing_else(sweep):
    first = next(iter(labels(sweep.runs).values()))
    assert first == "sgld initialization he_normal relu rate 0 step_size 0.001"


def test_labels_tell_all_runs_apart(sweep):
    assert len(set(labels(sweep.runs).values())) == len(sweep.runs)


def test_the_log_shows_failures_at_once_and_successes_once_a_second(tracker):
    stream = io.StringIO()
    view = Lines(Console(file=stream, width=80))
    runs = [run.run_id for plan in tracker.plans for run in plan.runs]
    for run_id in runs[:10]:
        view.run_finished(tracker, RunReport(run_id, "done", llc=1.0, llc_mcse=0.1, verdict="ok"))
    view.run_finished(tracker, RunReport(runs[10], "failed", reason="ValueError: no"))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "ValueError: no" in lines[1] and "(and 9 more)" in lines[1]


def test_json_lines_are_json_without_nan(tracker):
    stream = io.StringIO()
    view = JsonLines(stream)
    view.opened(tracker)
    view.run_finished(tracker, RunReport(tracker.plans[0].runs[0].run_id, "failed", reason="x"))
    view.tick(tracker)
    view.closed(tracker)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    events = [json.loads(line, parse_constant=refuse) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["opened", "run_finished", "progress", "closed"]
    assert events[1]["llc"] is None
    assert events[2]["running"][0]["fraction"] == 0.45


def test_time_left_scales_with_the_cost_that_is_left(tracker):
    total = sum(tracker.costs.values())
    first, second = (tracker.costs[run.run_id] for run in tracker.plans[0].runs[:2])
    done = first + 0.45 * second
    assert tracker.seconds_left() == pytest.approx(10 * (total - done) / done, rel=0.02)


def test_time_left_is_what_finished_runs_of_the_sampler_took_without_compilation(sweep):
    """Catches minutes that were spent compiling and are multiplied by the runs that are left."""
    tracker = new_tracker(sweep)
    costs = tracker.costs
    runs = [run for plan in tracker.plans for run in plan.runs]
    last = {run.sampler.kind: run for run in runs}
    for run in runs:
        if run not in last.values():
            slow = 2.0 if run.sampler.kind == "hmc" else 0.5
            seconds = 100 + slow * costs[run.run_id]
            tracker.done_elsewhere([RunReport(run.run_id, "done", seconds=seconds, compile_seconds=100)])
    expected = 0.5 * costs[last["sgld"].run_id] + 2 * costs[last["hmc"].run_id]
    assert len({plan for plan in tracker.plans if set(plan.runs) & set(last.values())}) == 1
    assert tracker.seconds_left() == pytest.approx(expected)


def test_compilation_is_expected_once_more_for_each_sampler_that_has_not_finished(sweep):
    tracker = new_tracker(sweep)
    run = tracker.plans[0].runs[0]
    seconds = 30 + tracker.costs[run.run_id]
    tracker.done_elsewhere([RunReport(run.run_id, "done", seconds=seconds, compile_seconds=30)])
    rest = [sum(tracker.costs[run.run_id] for run in plan.runs) for plan in tracker.plans]
    rest[0] -= tracker.costs[run.run_id]
    assert tracker.seconds_left() == pytest.approx(max(max(rest), sum(rest) / 2) + 30)


def test_a_run_reported_twice_counts_once(tracker):
    again = RunReport(tracker.plans[0].runs[0].run_id, "done")
    assert tracker.reported(0, TrialReport((again,)), "here") == []
    assert tracker.num_done == 1


SMALL = """
name: small
question: What does a trial say it does?
targets:
  - architecture: {kind: mlp, widths: [2], activation: tanh}
    teacher: {kind: mlp, widths: [2], activation: tanh}
    data: {kind: gaussian, input_dimension: 2, num_data: 50}
    noise: {kind: gaussian, scale: 0.1}
    training: {kind: adam, num_steps: 20}
samplers: [{kind: auto}, {kind: hmc, num_integration_steps: 2}]
sampling: {num_chains: 2, num_warmup: 10, spectrum: "off", budget: {num_gradients: 3000}}
"""


def test_a_trial_says_when_it_trains_calibrates_and_samples(tmp_path):
    """`auto` calibrates in pilot blocks, `hmc` in its warmup; draws that are kept belong to sampling alone."""
    (tmp_path / "small.yaml").write_text(SMALL)
    [plan] = trials(load_sweep(tmp_path / "small.yaml").runs, 1)
    seen: list[TrialEvent] = []
    list(run_trial(plan, "small", ls.Dataset.create_or_open(tmp_path / "results"), seen.append))
    assert seen[0].phase == "training"
    for run in plan.runs:
        phases = [event.phase for event in seen if event.run_id == run.run_id]
        assert list(dict.fromkeys(phases)) == ["calibrating", "sampling"], run.sampler.kind
        assert sum(event.num_gradients for event in seen if event.run_id == run.run_id) > 0
