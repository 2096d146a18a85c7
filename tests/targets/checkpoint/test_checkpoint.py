"""Language models on disk as targets: identity, token files, trajectories, sampling of one head."""

import json
import shutil
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import polars as pl
import pytest

from llcray.data.tokens import Tokens
from llcray.estimation.trial import run_trial
from llcray.spec import TrialPlan, load_sweep
from llcray.targets import CheckpointTarget
from llcray.targets.build import build_target
from llcray.targets.stored import load_or_build
from llcray.variant import content_id

FIXTURES = Path(__file__).parent / "fixtures"
SWEEP = """
name: sweep
question: Which head is complex?
targets:
  - kind: checkpoint
    path: {path}
    data: {{kind: tokens, path: {tokens}, num_data: 12}}
samplers: [{{kind: sgld, step_size: 1e-6, batch_size: 4}}]
sampling: {{num_chains: 2, spectrum: "off", budget: {{num_gradients: 40, num_draws: 16}}}}
components: [l0h1, {{attention: {{layers: [1], heads: each}}}}]
"""


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.npy"
    np.save(path, np.random.default_rng(0).integers(0, 29, (20, 8)))
    return path


def _target(name: str, tokens: Path, **changes: Any) -> CheckpointTarget:
    return CheckpointTarget(path=FIXTURES / name, data=Tokens(path=tokens), **changes)


def test_bytes_make_the_identity_and_places_do_not(tmp_path: Path, tokens: Path) -> None:
    moved = shutil.copytree(FIXTURES / "llama", tmp_path / "elsewhere")
    (moved / "README.md").write_text("notes do not count")
    own, copy = (_target("llama", tokens), CheckpointTarget(path=moved, data=Tokens(path=tokens)))
    assert content_id(own) == content_id(copy) == content_id(own.model_copy(update={"remat": True}))
    raw = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps(raw | {"rms_norm_eps": 1e-5}))
    assert content_id(CheckpointTarget(path=moved, data=Tokens(path=tokens))) != content_id(own)
    with pytest.raises(ValueError, match="changed after the sweep was planned"):
        build_target(copy)


def test_the_dataset_keeps_no_second_copy_of_the_weights(tmp_path: Path, tokens: Path) -> None:
    spec, store = _target("qwen3", tokens), ls.Dataset.create_or_open(tmp_path / "results")
    built, again = load_or_build(spec, store), load_or_build(spec, store)
    assert all(np.array_equal(again.params[name], leaf) for name, leaf in built.params.items())
    artifacts = list((tmp_path / "results").rglob("*.safetensors"))
    assert len(artifacts) == 1 and artifacts[0].stat().st_size < 1000
    assert built.target_id == again.target_id == content_id(spec)


def test_token_files_of_each_form_hold_the_same(tmp_path: Path) -> None:
    """Ragged lists are padded with -1 and cut at `length`; a stream is cut without remainder."""
    rows = [[1, 2, 3, 4, 5], [6, 7], [8, 9, 10]]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"input_ids": row}) for row in rows) + "\n")
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pl.DataFrame({"tokens": rows}).write_parquet(tmp_path / "c.parquet")
    np.save(tmp_path / "d.npy", np.arange(10))
    expected = [[1, 2, 3, 4], [6, 7, -1, -1], [8, 9, 10, -1]]
    for name, column in (("a.jsonl", "input_ids"), ("b.jsonl", "input_ids"), ("c.parquet", "tokens")):
        assert Tokens(path=tmp_path / name, column=column, length=4).load().tolist() == expected
    assert Tokens(path=tmp_path / "d.npy", length=4).load().tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert Tokens(path=tmp_path / "d.npy", length=4, num_data=1).load().shape == (1, 4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"column": "nothing"}, "have lines without|has lines without"),
        ({"num_data": 9}, "holds 3 sequences, fewer than num_data 9"),
    ],
)
def test_token_files_that_lack_something_say_so(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"input_ids": [1, 2]}) for _ in range(3)))
    with pytest.raises(ValueError, match=words):
        Tokens(path=tmp_path / "a.jsonl", **changes).load()


def test_tokens_outside_of_the_vocabulary_are_refused(tmp_path: Path) -> None:
    """JAX would clamp them silently."""
    np.save(tmp_path / "tokens.npy", np.full((3, 4), 29))
    with pytest.raises(ValueError, match="holds token 29, the model's vocabulary has 29"):
        build_target(_target("gpt2", tmp_path / "tokens.npy"))


@pytest.mark.slow
def test_heads_of_a_checkpoint_are_runs(tmp_path: Path, tokens: Path) -> None:
    """`each` comes from config.json at planning; what moves is the head's slices; the loss is flagged."""
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP.format(path=FIXTURES / "gpt_neox", tokens=tokens))
    runs = load_sweep(path).runs
    assert [run.component for run in runs] == ["l0h1", "l1h0", "l1h1", "l1h2", "l1h3"]
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    [outcome] = run_trial(TrialPlan(runs[:1]), "sweep", dataset)
    # Q, K, V and their biases, and O without its bias: 4 x (16 x 4) + 3 x 4.
    assert outcome.row["num_sampled_params"] == 268
    assert outcome.row["num_data"] == 12 and outcome.row["is_likelihood"] is False
    expected = build_target(runs[0].target)
    assert outcome.row["loss_at_center"] == pytest.approx(
        float(np.mean(expected.loss_fn(expected.params, expected.data))), rel=1e-5
    )


def test_a_folder_of_checkpoints_is_a_trajectory(tmp_path: Path, tokens: Path) -> None:
    """Steps in order of number, not of name; all share a trajectory."""
    for step, name in ((9, "qwen2"), (10, "llama3_rope"), (100, "qwen2")):
        shutil.copytree(FIXTURES / name, tmp_path / "run" / f"checkpoint-{step}")
    whole = CheckpointTarget(path=tmp_path / "run" / "checkpoint-*", data=Tokens(path=tokens))
    targets = whole.checkpointed()
    assert [target.step for target in targets] == [9, 10, 100]
    assert len({content_id(target) for target in targets}) == 3
    assert len({content_id(target.at_step(None)) for target in targets}) == 1
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP.format(path=tmp_path / "run" / "checkpoint-*", tokens=tokens))
    runs = load_sweep(path).runs
    assert len(runs) == 15 and len({run.target_id for run in runs}) == 3


def test_folders_that_are_no_trajectory_are_refused(tmp_path: Path, tokens: Path) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        CheckpointTarget(path=tmp_path / "nothing-*", data=Tokens(path=tokens))
    shutil.copytree(FIXTURES / "qwen2", tmp_path / "run-best")
    with pytest.raises(ValueError, match="ends in no step"):
        CheckpointTarget(path=tmp_path / "run-*", data=Tokens(path=tokens))
