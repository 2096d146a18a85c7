"""Components and other examples as axes of a sweep file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from llcray.components.masks import mask_of
from llcray.spec import SpecError, Sweep, load_sweep, spec_columns

Load = Callable[[str], Sweep]
SWEEP = """
name: sweep
question: Which part is complex?
targets:
  - {kind: trained, data: {kind: digits}, architecture: {kind: mlp, widths: [4, 4]}}
samplers: [{kind: sgld, step_size: 1e-5}]
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def _load(more: str) -> Sweep:
        path = tmp_path / "sweep.yaml"
        path.write_text(SWEEP + more)
        return load_sweep(path)

    return _load


def test_without_components_ids_are_what_they_were(load: Load) -> None:
    """Catches a new field that enters the identity of every old run."""
    [run] = load("").runs
    assert run.component == "all" and run.loss_on is None
    assert [run.run_id] == [each.run_id for each in load("components: [all]\nloss_on: [own]\n").runs]
    assert "loss_on" not in spec_columns(run) and '"component"' not in spec_columns(run)["spec"]


def test_each_component_is_a_run_of_its_own(load: Load) -> None:
    sweep = load('components: [all, {layers: each}, "*/bias", {match: output}, {any_of: [l0, unembed]}]\n')
    assert [run.component for run in sweep.runs] == ["all", "l0", "l1", "*/bias", "output", "l0 + unembed"]
    assert len({run.run_id for run in sweep.runs}) == 6 and len({run.target_id for run in sweep.runs}) == 1


def test_the_same_component_said_twice_is_one_run(load: Load) -> None:
    assert [run.component for run in load('components: [l0, "l0 ", {layers: [0]}]\n').runs] == ["l0"]


@pytest.mark.parametrize(
    ("components", "words"),
    [
        ("[l0 atn]", "component 'l0 atn' is not understood"),
        ("[{attention: {heads: each}}]", "how many heads the target has"),
        ("[{layers: [5]}]", "layers [5] do not exist: the target has 2"),
        ("[{attention: {}, mlp: {}}]", "exactly one of"),
        ("[{mask: nowhere.safetensors}]", "there is no file nowhere.safetensors"),
        ("[{atention: {}}]", "attention"),
    ],
)
def test_components_that_mean_nothing_are_refused_at_their_place(load: Load, components: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(f"components: {components}\n")
    [problem] = caught.value.problems
    assert words in str(problem) and ":7:" in str(problem)


def test_heads_are_listed_where_the_spec_does_not_say_how_many(load: Load) -> None:
    chosen = "components: [{attention: {layers: [0, 1], heads: [0, 1]}}, {attention: {layers: each, parts: [q]}}]\n"
    expected = ["l0h0", "l0h1", "l1h0", "l1h1", "l0 attn q", "l1 attn q"]
    assert [run.component for run in load(chosen).runs] == expected


def test_other_examples_are_an_axis(load: Load) -> None:
    """Catches two distributions that share an id, and a column that holds only the kind."""
    sweep = load("loss_on: [own, {kind: test}, {kind: data, data: {kind: digits, num_data: 50}}]\n")
    assert len({run.run_id for run in sweep.runs}) == 3
    cells = [spec_columns(run).get("loss_on") for run in sweep.runs]
    assert cells[:2] == [None, "test"] and cells[2] is not None and '"num_data":50' in cells[2]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("loss_on: [{kind: test, num_data: 400}]", "num_data 400 is more than the 359 held-out examples. Lower it"),
        ("loss_on: [own, {kind: tokens, data: {path: FILE}}]", "is for checkpoints; this target is trained"),
        ("loss_on: [{kind: data, data: {kind: gaussian}}]", "gaussian has inputs only: give a teacher"),
        ("observables: [{name: probe, num: 400, examples: {kind: test}}]", "probe: num 400 is more than its 359"),
        (
            "observables: [{name: probe, num: 300, examples: {kind: test, num_data: 400}}]",
            "probe: num_data 400 is",
        ),
        ("loss_on: [{kind: test, num_data: 50}]\nobservables: [{name: probe, num: 60}]", "num 60 is more than its 50"),
    ],
)
def test_examples_that_a_target_does_not_have_are_refused_before_it_is_trained(
    load: Load, tmp_path: Path, asked: str, words: str
) -> None:
    """1,797 images, of which a fifth is held out."""
    np.save(tmp_path / "tokens.npy", np.zeros((3, 4), np.int32))
    with pytest.raises(SpecError) as caught:
        load(asked.replace("FILE", str(tmp_path / "tokens.npy")) + "\n")
    [problem] = caught.value.problems
    assert words in str(problem) and any(f":{line}:" in str(problem) for line in (7, 8))


def test_a_mask_is_named_by_its_bytes_wherever_its_file_lies(load: Load, tmp_path: Path) -> None:
    """Catches a run done again because a file moved, and one not done although its mask changed."""
    first, moved, changed = (tmp_path / name for name in ("a.safetensors", "b.safetensors", "c.safetensors"))
    for file, entries in ((first, [1, 0]), (moved, [1, 0]), (changed, [0, 1])):
        save_file({"output/bias": np.array(entries, np.uint8)}, file)
    runs = [load(f"components: [{{mask: {file}}}]\n").runs[0] for file in (first, moved, changed)]
    assert runs[0].run_id == runs[1].run_id != runs[2].run_id
    assert load(f'components: ["l0 + mask:{first}"]\n').runs[0].component == f"l0 + {runs[0].component}"
    assert str(tmp_path) not in spec_columns(runs[0])["spec"]
    assert spec_columns(runs[1])["mask_files"] == [str(moved)]
    params = {"output": {"bias": np.zeros(2)}}
    for run, chosen in zip(runs, ([True, False], [True, False], [False, True]), strict=True):
        assert mask_of(run.component, params, None, run.mask_files)["output"]["bias"].tolist() == chosen
    with pytest.raises(ValueError, match="changed or moved"):
        mask_of(runs[0].component, params, None, runs[2].mask_files)
