"""A plan says what a sweep would do, and does nothing."""

import re
import subprocess
import sys

import pytest
import ray

from llcray.driver import DriverError, SweepOptions, describe_plan, run_sweep
from llcray.driver.cluster.connect import connect_to
from llcray.driver.plan.cost import SECONDS_PER_RUN, CostModel, fit_cost_model, num_gradients
from llcray.driver.plan.plan import SECONDS_TO_COMPILE, SECONDS_TO_START, ordered_trials
from llcray.driver.plan.remaining import Remaining
from llcray.spec import load_sweep

QUADRATICS = "[{kind: quadratic, num_params: {grid: [3, 5]}, num_data: 200}]"
PROGRAM = """
import sys
from llcray.driver import SweepOptions, describe_plan
describe_plan(sys.argv[1], SweepOptions(storage=sys.argv[2]))
print("imported:", [name for name in ("jax", "ray", "blackjax", "flax") if name in sys.modules])
"""


def test_planning_imports_neither_jax_nor_ray_and_writes_nothing(sweep_file, tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(sweep_file(QUADRATICS)), str(tmp_path / "results")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "imported: []" in printed
    assert "4 runs: 0 done, 0 failed, 4 to do" in " ".join(printed.split())
    assert not (tmp_path / "results").exists()


def test_the_plan_counts_the_start_and_the_compilation_of_each_program(sweep_file, tmp_path, screen):
    """It said six seconds at most for what took over a minute."""
    describe_plan(sweep_file(QUADRATICS), SweepOptions(storage=str(tmp_path), max_concurrent=1), screen)
    [said] = re.findall(
        r"At most 2,000 full-data gradients; about (\d+) s here, start and compilation included", screen.text
    )
    assert SECONDS_TO_START + SECONDS_TO_COMPILE <= int(said) < SECONDS_TO_START + SECONDS_TO_COMPILE + 20


def test_the_plan_knows_what_is_done(done, screen):
    describe_plan(done.path, SweepOptions(storage=str(done.storage)), screen)
    assert "4 runs: 4 done, 0 failed, 0 to do" in screen.text


def test_the_plan_of_a_forced_sweep_has_all_runs(done, screen):
    describe_plan(done.path, SweepOptions(storage=str(done.storage), force=True), screen)
    assert "4 to do" in screen.text


def test_trials_come_largest_first(sweep_file):
    runs = load_sweep(sweep_file("[{kind: quadratic, num_params: {grid: [3, 3000, 50]}, num_data: 200}]")).runs
    plans = ordered_trials(Remaining(runs, {}, {}), 1, CostModel())
    assert [plan.target.model_dump()["num_params"] for plan in plans] == [3000, 50, 3]


def test_measured_runs_correct_the_cost_of_their_sampler(sweep_file):
    runs = load_sweep(sweep_file(QUADRATICS)).runs
    guess = CostModel().seconds(runs[0]) - SECONDS_PER_RUN
    model = fit_cost_model(runs, {runs[0].run_id: 3 * guess / num_gradients(runs[0])})
    assert model.seconds(runs[0]) == pytest.approx(3 * guess + SECONDS_PER_RUN)


def test_trials_that_fit_on_no_machine_are_refused_before_anything_runs(cluster, sweep_file, tmp_path, screen):
    path = sweep_file(QUADRATICS)
    options = SweepOptions(storage=str(tmp_path / "results"), overrides=("resources={cpus: 1000}",))
    with pytest.raises(DriverError, match=r"CPU 1000 \(most: \d+\). Lower `resources`"):
        run_sweep(path, options, screen)


def test_addresses_of_no_known_kind_are_refused_with_the_kinds_there_are(sweep_file, tmp_path, screen):
    options = SweepOptions(storage=str(tmp_path / "results"), address="grpc://head:10001")
    with pytest.raises(DriverError, match=r"http://host:8265 or ray://host:10001 from outside"):
        run_sweep(sweep_file("[{kind: quadratic, num_params: 3}]"), options, screen)


def test_an_address_of_another_ray_than_the_connected_one_is_refused(cluster):
    """The Ray of this process was used, whatever the address."""
    connected = ray.get_runtime_context().gcs_address
    for same in ("auto", connected, f"localhost:{connected.rpartition(':')[2]}"):
        with connect_to(same):
            assert ray.is_initialized()
    another = r"connected to the Ray at .*, and 'localhost:1' is another: call ray.shutdown"
    with pytest.raises(DriverError, match=another), connect_to("localhost:1"):
        pass
    assert ray.is_initialized()


def test_storage_that_only_one_process_sees_is_refused(sweep_file, screen):
    with pytest.raises(DriverError, match="one process"):
        run_sweep(sweep_file(QUADRATICS), SweepOptions(storage="memory://x"), screen)


STUDENTS = """[{architecture: {kind: mlp, widths: [{grid: [2, 4, 8]}]}, teacher: {kind: mlp, widths: [2]},
  data: {kind: gaussian, input_dimension: 4, num_data: 50}, noise: {kind: gaussian, scale: {grid: [0.1, 0.2]}},
  training: {kind: adam}}]"""


def test_networks_take_turns_as_many_as_there_are_slots(sweep_file):
    """Workers that start together then compile different programs, and each goes on with its own."""
    runs = load_sweep(sweep_file(STUDENTS)).runs
    todo = Remaining(runs, {}, {})
    plans = ordered_trials(todo, 2, CostModel(), max_pack=1)
    assert [plan.target.model_dump()["architecture"]["widths"] for plan in plans] == [(8,), (4,)] * 2 + [(2,)] * 2
    assert {run.run_id for plan in plans for run in plan.runs} == {run.run_id for run in runs}
    assert len(plans) == len(ordered_trials(todo, 1, CostModel(), max_pack=1))


def test_trials_of_one_network_begin_with_different_samplers(sweep_file):
    """Workers that start together then compile different programs; runs of one target stay together."""
    overrides = ["samplers=[{kind: auto}, {kind: hmc}]", "targets.architecture.widths=[2]"]
    runs = load_sweep(sweep_file(STUDENTS), overrides).runs
    plans = ordered_trials(Remaining(runs, {}, {}), 2, CostModel(), max_pack=1)
    assert [[run.sampler.kind for run in plan.runs] for plan in plans] == [["auto", "hmc"], ["hmc", "auto"]]
    packed = ordered_trials(Remaining(runs, {}, {}), 1, CostModel())
    assert [run.sampler.kind for plan in packed for run in plan.runs] == ["auto", "hmc"] * 2
    assert {run.run_id for plan in plans for run in plan.runs} == {run.run_id for run in runs}
