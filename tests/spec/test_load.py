"""From a sweep file to runs."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from llcray.samplers import SGLD
from llcray.spec import RunSpec, SpecError, Sweep, load_sweep, trials
from llcray.spec.aliases import PLACES
from llcray.targets import QuadraticTarget

Load = Callable[..., Sweep]
TWO_BY_TWO = """
name: sweep
question: How hard is a quadratic?
targets:
  - {kind: quadratic, num_params: {grid: [5, 10]}}
samplers:
  - {kind: hmc}
  - {kind: sgld, step_size: 1e-5}
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def _load(text: str, *overrides: str) -> Sweep:
        path = tmp_path / "sweep.yaml"
        path.write_text(text)
        return load_sweep(path, overrides)

    return _load


def _problems(load: Load, text: str, *overrides: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(text, *overrides)
    return [str(problem).rpartition("sweep.yaml:")[2] for problem in caught.value.problems]


def _sizes(sweep: Sweep) -> list[int | None]:
    return [run.target.num_params for run in sweep.runs if isinstance(run.target, QuadraticTarget)]


def test_targets_are_crossed_with_samplers_and_kept_together(load: Load) -> None:
    """Catches a lost combination, and runs of a target that are apart."""
    sweep = load(TWO_BY_TWO)
    assert sweep.name == "sweep" and sweep.source == TWO_BY_TWO
    assert _sizes(sweep) == [5, 5, 10, 10]
    assert [run.sampler.kind for run in sweep.runs] == ["hmc", "sgld"] * 2
    assert len({run.run_id for run in sweep.runs}) == 4


def test_replicates_are_seeds_from_zero(load: Load) -> None:
    """Catches seeds that start at one, and replicates that share an id."""
    sweep = load(TWO_BY_TWO + "replicates: 3\n")
    assert sorted(run.target.seed for run in sweep.runs) == sorted([0, 1, 2] * 4)
    assert len({run.run_id for run in sweep.runs}) == 12
    assert {run.target.seed for run in load(TWO_BY_TWO + "seeds: [7, 9]\n").runs} == {7, 9}


def test_seeds_reach_targets_that_stand_in_an_axis(load: Load) -> None:
    """Catches seeds that are silently dropped."""
    text = TWO_BY_TWO.replace(
        "- {kind: quadratic, num_params: {grid: [5, 10]}}", "- {grid: [{kind: quadratic, num_params: 2}]}"
    )
    assert {run.target.seed for run in load(text + "replicates: 2\n").runs} == {0, 1}


def test_a_seed_said_twice_is_refused(load: Load) -> None:
    """Catches one of two seeds winning silently."""
    seeded = TWO_BY_TWO.replace("num_params:", "seed: 3, num_params:")
    assert _problems(load, seeded + "replicates: 2\n") == [
        "5:23: targets.0: 'replicates' or 'seeds' at the top sets the seed of every target; leave one of the two out"
    ]
    both = _problems(load, TWO_BY_TWO + "replicates: 2\nseeds: [1]\n")
    assert both == ["2:1: 'replicates' and 'seeds' both set the seeds of the targets; leave one out"]


def test_the_same_run_written_twice_is_one(load: Load) -> None:
    """Catches duplicate work for duplicate YAML."""
    assert len(load(TWO_BY_TWO.replace("[5, 10]", "[5, 5]")).runs) == 2


def test_a_sweep_is_named_as_it_says_else_like_its_file(load: Load) -> None:
    """Catches copies of a file that fail, and overrides of the name that do nothing."""
    assert load(TWO_BY_TWO.replace("name: sweep", "name: other")).name == "other"
    assert load(TWO_BY_TWO.replace("name: sweep", "")).name == "sweep"
    assert load(TWO_BY_TWO, "name=third").name == "third"


def test_a_file_whose_name_no_sweep_can_have_is_told_to_say_one(tmp_path: Path) -> None:
    path = tmp_path / "my sweep.yaml"
    path.write_text(TWO_BY_TWO.replace("name: sweep\n", ""))
    with pytest.raises(SpecError, match=r"'name' is missing, and the file's name 'my sweep' cannot be one"):
        load_sweep(path)


def test_a_mapping_is_the_same_sweep_as_its_file(load: Load) -> None:
    """Catches ids that differ between the command line and Python: specs, tuples, arrays and paths included."""
    mapping = {
        "name": "sweep",
        "question": "How hard is a quadratic?",
        "targets": [{"kind": "quadratic", "num_params": {"grid": np.array([5, 10])}}],
        "samplers": ({"kind": "hmc"}, SGLD(step_size=1e-5)),
    }
    assert load_sweep(mapping).runs == load(TWO_BY_TWO).runs
    assert load(load_sweep(mapping).source).runs == load(TWO_BY_TWO).runs


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": None}, "'name' is missing, which a mapping needs; write name: my_sweep"),
        ({"name": "a/b"}, "name: must be letters, digits, '_', '.' and '-' alone, with a letter or digit first"),
        ({"question": "\ud800"}, r"question: holds \ud800, half of a character"),
        ({"targets": [object()]}, "targets.0: is <object object"),
        ({"samplers": [{"kind": "sgld", "lr": 1e-5}]}, "samplers.0: unknown key 'lr'; here it is 'step_size'"),
    ],
)
def test_mistakes_of_a_mapping_are_named_by_their_path(changed: dict[str, object], message: str) -> None:
    mapping = {"name": "s", "question": "?", "targets": [{"num_params": 3, "kind": "quadratic"}]}
    with pytest.raises(SpecError) as caught:
        load_sweep(mapping | {"samplers": [{"kind": "hmc"}]} | changed)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("samplers: [{kind: sgld, lr: 1e-5}]", "samplers.0: unknown key 'lr'; here it is 'step_size'"),
        ("samplers: [{kind: sgld, epsilon: 1e-5}]", "samplers.0: unknown key 'epsilon'; here it is 'step_size'"),
        ("posterior: {gamma: 100}", "posterior: unknown key 'gamma'; here it is 'localization'"),
        (
            "posterior: {n_beta: 30}",
            "posterior: unknown key 'n_beta'; here it is 'inverse_temperature', as in "
            "posterior: {inverse_temperature: {kind: n_beta, value: 30.0}}",
        ),
        ("sampling: {num_draws: 9}", "sampling: unknown key 'num_draws'; at the top of the file write sampling: {"),
        ("gamma: 100", "unknown key 'gamma'; at the top of the file write posterior: {localization: 100.0}"),
    ],
)
def test_words_of_papers_are_understood(load: Load, written: str, said: str) -> None:
    """Catches a list of known keys in answer to a word that has an exact counterpart."""
    text = "\n".join(
        line for line in TWO_BY_TWO.splitlines() if not line.startswith(("samplers", "  - {kind: h", "  - {kind: s"))
    )
    samplers = "" if written.startswith("samplers") else "\nsamplers: [{kind: hmc}]"
    [problem] = _problems(load, f"{text}{samplers}\n{written}\n")
    assert said in problem


MISWRITTEN = [
    ("name", "größe", "name: must be letters, digits, '_', '.' and '-' alone, with a letter or digit first"),
    ("name", "'a\u202eb'", "name: must be letters, digits"),
    ("name", '"a\\nb"', r"; got 'a\nb'"),
    ("name", "a" * 129, "name: must have at most 128 characters"),
    ("question", "''", "question: must have at least 1 character; got ''"),
    ("question", '"\\ud800"', r"question: holds \ud800, half of a character; write the whole character"),
    ("targets", "[{kind: quadratic, num_params: true}]", "num_params: must be a whole number from 1; got true"),
    ("targets", "[{kind: quadratic, num_params: 3, num_data: 1e3}]", "num_data: must be a whole number from 2; got"),
    ("targets", "[{kind: quadratic, num_params: [3, 4]}]", "to try several values write {grid: [3, 4]}"),
    ("targets", "[{kind: checkpoint, path: [a], data: {path: a.npy}}]", "path: must be text or a path; got"),
    ("targets", "[{kind: checkpoint, path: ~nosuchuser/x, data: {path: a.npy}}]", "~nosuchuser/x holds no config.json"),
    ("targets", "[{kind: python, factory: my.module}]", "a function of a module, written package.module:function"),
    ("samplers", "hmc", "samplers: must be a list; got 'hmc'"),
    ("samplers", "[hmc]", "got 'hmc'; write {kind: hmc}"),
    ("components", "all", "got 'all'; write [all]"),
    ("replicates", "true", "replicates: must be a whole number from 1; got true"),
]


@pytest.mark.parametrize(("key", "value", "said"), MISWRITTEN)
def test_what_is_written_wrongly_is_named_in_words(load: Load, key: str, value: str, said: str) -> None:
    """In the words of a reader, not of pydantic; a place is there, and one line for each mistake."""
    lines = ["question: q", "targets: [{kind: quadratic, num_params: 3}]", "samplers: [{kind: hmc}]"]
    kept = [line for line in lines if not line.startswith(key)]
    problems = _problems(load, "\n".join([*kept, f"{key}: {value}", ""]))
    assert any(said in problem for problem in problems), problems
    assert all("\n" not in problem and problem[0].isdigit() for problem in problems)


def test_a_size_that_nobody_can_have_is_planned_at_once(load: Load) -> None:
    """Planning listed the eigenvalues of a quadratic."""
    assert load(TWO_BY_TWO.replace("{grid: [5, 10]}", "99999999999999999999")).runs


@pytest.mark.parametrize("snippet", sorted(set(PLACES.values())))
def test_what_is_advised_for_an_alias_loads(load: Load, snippet: str) -> None:
    """Catches advice that a rename has made wrong."""
    assert load(f"{TWO_BY_TWO}{snippet}\n").runs


def test_ids_depend_on_meaning_alone(load: Load) -> None:
    """Catches names, questions, resources, written-out defaults or the order of keys entering an identity."""
    plain = load(TWO_BY_TWO)
    reworded = TWO_BY_TWO.replace("How hard", "Why hard") + "resources: {cpus: 2, gpus: 1}\nsampling: {num_chains: 4}\n"
    reworded = reworded.replace(
        "kind: quadratic, num_params: {grid: [5, 10]}", "num_params: {grid: [5, 10]}, kind: quadratic, seed: 0"
    )
    assert [run.run_id for run in load(reworded).runs] == [run.run_id for run in plain.runs]


def test_ids_are_what_they_were(load: Load) -> None:
    """Catches a change that makes every user's finished sweep start again (the second is `sgld`, version 2)."""
    assert [run.run_id for run in load(TWO_BY_TWO).runs][:2] == ["dd690585ef85d257", "a8e0a70d8ee3c45c"]


def test_a_run_reads_back_from_its_json(load: Load) -> None:
    """Catches specs that cannot travel to a worker or be rebuilt from a dataset."""
    run = load(TWO_BY_TWO).runs[1]
    assert RunSpec.model_validate_json(run.model_dump_json()).run_id == run.run_id


def test_one_at_a_time_spans_all_parts_of_a_run(load: Load) -> None:
    """Catches a product of a target's axis with a sampler's."""
    text = TWO_BY_TWO.replace("1e-5", "{grid: [1e-5, 1e-6]}").replace("  - {kind: hmc}\n", "")
    sweep = load(text + "design: one_at_a_time\nposterior: {localization: {grid: [1.0, 2.0]}}\n")
    assert len(sweep.runs) == 1 + 1 + 1 + 1


@pytest.mark.parametrize(
    ("override", "sizes"),
    [
        ("targets.0.num_params=3", [3, 3]),
        ("targets.num_params=3", [3, 3]),
        ("targets.num_params={grid: [2, 3]}", [2, 2, 3, 3]),
        ("targets.num_params.grid.1=7", [5, 5, 7, 7]),
        ("samplers=[{kind: hmc}]", [5, 10]),
        ("targets.0.num_data=50", [5, 5, 10, 10]),
    ],
)
def test_an_override_changes_what_it_names(load: Load, override: str, sizes: list[int]) -> None:
    """Catches overrides that miss list items, or replace more than they name."""
    text = TWO_BY_TWO.replace("  - {kind: sgld, step_size: 1e-5}", "  - {kind: sgld, batch_size: 8}")
    assert _sizes(load(text, override)) == sizes


def test_an_override_passes_through_axes_and_unions(load: Load) -> None:
    """Catches a path that stops at `grid`."""
    text = TWO_BY_TWO.replace("- {kind: quad", "- {grid: [{kind: quad").replace("10]}}", "10]}}]}")
    sweep = load(text, "targets.condition_number=3")
    assert {run.target.condition_number for run in sweep.runs if isinstance(run.target, QuadraticTarget)} == {3.0}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("replicates", "--set replicates: write it as path=value"),
        ("replicates=", "--set replicates=: replicates: "),
        ("replicates=0", "--set replicates=0: replicates: must be at least 1; got 0"),
        ("targets.4.seed=1", "--set targets.4.seed=1: targets: has 1 items, numbered from 0; there is no 4"),
        ("targets.num_parms=3", "targets.0: unknown key 'num_parms'; did you mean 'num_params'?"),
        ("name.x=3", "--set name.x=3: name: is 'sweep', which has no 'x' in it"),
        ("sampling.num_chains=[", "--set sampling.num_chains=[: sampling.num_chains: not valid YAML"),
    ],
)
def test_a_wrong_override_is_named_as_given(load: Load, override: str, message: str) -> None:
    """Catches a mistake of the command line being blamed on the file."""
    if override == "replicates=":
        assert len(load(TWO_BY_TWO, override).runs) == 4
    else:
        assert any(message in problem for problem in _problems(load, TWO_BY_TWO, override))


def test_every_mistake_of_a_file_is_reported_once(load: Load) -> None:
    """Catches repetition over the points of a grid, and errors that hide others."""
    text = """
name: swep
question: Why?
dezign: product
targets:
  - {kind: quadratic, num_params: {grid: [5, 10, 15]}, num_data: {grid: [100, 1]}, seeed: 3}
  - architecture: {kind: mlp, widths: [{grid: [16, 0]}], activation: {grid: [relu, tahn]}}
    data: {kind: digits}
    noise: {kind: label_flip, rate: {grid: [0.1, 1.2]}}
samplers: [{kind: hcm}, {kind: sgld, step_size: {grid: [-1]}}]
posterior: {localization: autp}
sampling: {num_chains: 0}
"""
    assert [problem.partition(": ")[0] for problem in _problems(load, text)] == [
        "4:1", "6:79", "6:84", "7:52", "7:84", "9:50", "10:19", "10:57", "11:27", "12:24",
    ]  # fmt: skip


def test_parts_that_do_not_fit_together_are_refused(load: Load) -> None:
    """Catches a batch larger than the data, and float32 targets under a float64 sampler, that only a worker finds."""
    large = _problems(load, TWO_BY_TWO.replace("1e-5", "1e-5, batch_size: 2000"))
    assert large == [
        "8:47: samplers.1.batch_size: batch_size 2000 is more than the 1000 examples of a target of this sweep; "
        "lower it, or raise the target's num_data"
    ]
    trained = (
        "{architecture: {kind: mlp, widths: [4]}, data: {kind: digits}, training: {kind: adam, precision: float32}}"
    )
    mixed = _problems(load, TWO_BY_TWO, f"targets=[{trained}]")
    assert mixed == [
        "7:12: samplers.0.kind: hmc needs float64 targets, and a target of this sweep is trained in float32; "
        "set its training.precision to float64"
    ]


def test_reading_a_sweep_imports_neither_jax_nor_ray() -> None:
    """Catches validation that takes seconds, or claims a device."""
    code = "import sys, llcray.spec as s; s.load_sweep(sys.argv[1]); print({'jax', 'ray', 'polars'} & set(sys.modules))"
    quickstart = Path(__file__).parents[2] / "experiments" / "quickstart.yaml"
    done = subprocess.run([sys.executable, "-c", code, str(quickstart)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_empty_file_says_what_a_sweep_needs(load: Load) -> None:
    """Catches a crash on nothing."""
    with pytest.raises(SpecError, match="is empty; a sweep needs question, targets and samplers"):
        load("# nothing yet\n")
    assert _problems(load, "- 1\n")[0].startswith("1:1: must be a mapping with question, targets, samplers")


def test_a_trial_is_a_target_with_its_runs(load: Load) -> None:
    """Catches a target that is built by several trials although there are enough targets."""
    sweep = load(TWO_BY_TWO)
    assert [[run.run_id for run in plan.runs] for plan in trials(sweep.runs, 2)] == [
        [run.run_id for run in sweep.runs[:2]],
        [run.run_id for run in sweep.runs[2:]],
    ]


def test_targets_are_split_when_there_are_more_slots(load: Load) -> None:
    """Catches idle slots, lost runs, and parts of one target that share an id."""
    sweep = load(TWO_BY_TWO)
    assert [len(plan.runs) for plan in trials(sweep.runs, 3)] == [1, 1, 2]
    split = trials(sweep.runs, 100)
    assert [plan.runs[0] for plan in split] == list(sweep.runs)
    assert len({plan.trial_id for plan in split}) == 4 and len({plan.target_id for plan in split}) == 2
    assert trials((), 4) == ()


PACKED = """
name: sweep
question: Which targets share programs?
targets:
  - architecture: {kind: mlp, widths: [3], activation: {grid: [relu, tanh]}, gain: {grid: [1.0, 2.0]}}
    teacher: {kind: mlp, widths: [2]}
    data: {kind: gaussian, input_dimension: 4, num_data: 50}
    noise: {kind: gaussian, scale: {grid: [0.1, 0.2]}}
    training: {kind: adam, learning_rate: {grid: [0.01, 0.02]}}
replicates: 2
samplers: [{kind: auto}]
"""


def test_targets_of_one_signature_are_packed_whatever_their_numbers(load: Load) -> None:
    """Initial weights, noise scales, learning rates and seeds are no part of a program; activations are."""
    sweep = load(PACKED)
    packs = trials(sweep.runs, 2, lambda runs: 100)
    assert sorted(len(plan.targets) for plan in packs) == [16, 16]
    assert {run.run_id for plan in packs for run in plan.runs} == {run.run_id for run in sweep.runs}
    for plan in packs:
        assert len({target.model_dump()["architecture"]["activation"] for target in plan.targets.values()}) == 1


def test_packs_leave_no_slot_idle_and_are_no_larger_than_allowed(load: Load) -> None:
    sweep = load(PACKED)
    assert [len(plan.targets) for plan in trials(sweep.runs, 8, lambda runs: 100)] == [4] * 8
    assert {len(plan.targets) for plan in trials(sweep.runs, 2, lambda runs: 3)} == {2, 3}
    assert len(trials(sweep.runs, 32, lambda runs: 100)) == 32


ALONG = """
name: sweep
question: Who trains?
targets:
  - data: {kind: modular, modulus: 7}
    architecture: {kind: embedding_mlp}
    pretraining: [{data: {kind: modular, modulus: 5, vocabulary: 7}, num_steps: 10}]
    training: {kind: adam, num_steps: 20}
    checkpoints: {steps: [1, 10, 20, 30]}
replicates: 3
samplers: [{kind: auto}]
"""


def test_the_checkpoints_of_a_training_stay_in_one_trial(load: Load) -> None:
    """Apart, each trial would train again; phases on other data too, though their programs differ."""
    sweep = load(ALONG)
    for pack_size in (1, 2, 100):
        plans = trials(sweep.runs, 2, lambda runs, most=pack_size: most)
        of_training: dict[str | None, set[str]] = {}
        for plan in plans:
            for run in plan.runs:
                of_training.setdefault(run.trajectory_id, set()).add(plan.trial_id)
        assert [len(trial_ids) for trial_ids in of_training.values()] == [1, 1, 1]
        assert sum(len(plan.runs) for plan in plans) == 12
