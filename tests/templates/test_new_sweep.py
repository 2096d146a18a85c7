"""`llcray new`: what it writes loads, and is about the data it was given."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from llcray.data import File
from llcray.likelihoods import GaussianLikelihood
from llcray.spec import SpecError, load_sweep
from llcray.targets import CheckpointTarget, TrainedTarget
from llcray.targets.checkpoint import architecture
from llcray.targets.torch.spec import TorchTarget
from llcray.templates import new_sweep

PROBE = Path(__file__).parents[1] / "aten" / "fixtures" / "probe.llcray"
FIXTURES = Path(__file__).parents[1] / "targets" / "checkpoint" / "fixtures"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a user stands in, with a table and an archive."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    numbers = {"rooms": rng.integers(1, 40, 60), "area m2": rng.normal(80, 20, 60), "city": ["a", "b"] * 30}
    pl.DataFrame({**numbers, "price": rng.normal(100, 10, 60)}).write_csv("houses.csv")
    pl.DataFrame({**numbers, "x: y": rng.normal(size=60), "kind": ["true", "null"] * 30}).write_parquet("kinds.parquet")
    np.savez("images.npz", x=rng.integers(0, 9, (60, 8, 8, 1)), y=rng.integers(0, 3, 60))
    return tmp_path


def only_target(file: Path) -> TrainedTarget:
    target = load_sweep(file).runs[0].target
    assert isinstance(target, TrainedTarget)
    return target


def test_without_data_it_is_a_sweep_over_synthetic_data(folder: Path):
    new_sweep(Path("first.yaml"))
    sweep = load_sweep("first.yaml")
    assert sweep.name == "first" and len(sweep.runs) == 4
    assert "llcray sweep first.yaml" in sweep.source


@pytest.mark.parametrize(
    ("data", "predict", "inputs", "targets", "task"),
    [
        ("houses.csv", None, ("rooms", "area m2"), ("price",), "numbers"),
        ("houses.csv", "city", ("rooms", "area m2", "price"), ("city",), "classes"),
        ("kinds.parquet", None, ("rooms", "area m2", "x: y"), ("kind",), "classes"),
        ("images.npz", None, ("x",), ("y",), "classes"),
    ],
)
def test_columns_are_read(
    folder: Path, data: str, predict: str | None, inputs: tuple[str, ...], targets: tuple[str, ...], task: str
):
    """Catches names that YAML reads as something else, and labels among the inputs."""
    said = new_sweep(Path("mine.yaml"), Path(data), predict)
    assert "60 examples" in said
    target = only_target(Path("mine.yaml"))
    assert isinstance(target.data, File)
    assert (target.data.inputs, target.data.targets, target.data.predict) == (inputs, targets, task)


def test_the_error_bar_of_labels_is_a_tenth_of_their_spread(folder: Path):
    new_sweep(Path("mine.yaml"), Path("houses.csv"))
    spread = pl.read_csv("houses.csv")["price"].std(ddof=0)
    likelihood = only_target(Path("mine.yaml")).likelihood
    assert isinstance(likelihood, GaussianLikelihood) and isinstance(spread, float)
    assert likelihood.scale == pytest.approx(0.1 * spread, rel=0.05)


def test_a_checkpoint_gets_its_layers_as_components(folder: Path):
    (folder / "probe.jsonl").write_text("[1, 2, 3, 4]\n[5, 6, 7, 8]\n" * 4)
    said = new_sweep(Path("lm.yaml"), FIXTURES / "gpt2", tokens=Path("probe.jsonl"))
    assert "gpt2, 2 layers of 4 heads" in said
    sweep = load_sweep("lm.yaml")
    assert isinstance(sweep.runs[0].target, CheckpointTarget)
    assert [run.component for run in sweep.runs] == ["all", "l0 attn", "l1 attn", "l0 mlp", "l1 mlp"]


def test_a_traced_loss_gets_a_sweep_of_its_file(folder: Path):
    said = new_sweep(Path("probe.yaml"), PROBE)
    assert "1,051 parameters in 15 arrays, 24 examples" in said
    [run] = load_sweep("probe.yaml").runs
    assert isinstance(run.target, TorchTarget) and run.component == "all"


def test_a_checkpoint_that_cannot_be_traced_here_is_refused_with_the_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    (folder / "model").mkdir()
    config = {"model_type": "mistral", "architectures": ["MistralForCausalLM"], "vocab_size": 29}
    (folder / "model" / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(architecture, "find_spec", lambda name: None)
    with pytest.raises(SpecError, match=r"install torch and transformers \(pip install 'llcray\[transformers\]'\)"):
        new_sweep(Path("lm.yaml"), folder / "model")


def test_without_tokens_the_file_says_that_they_are_missing(folder: Path):
    new_sweep(Path("lm.yaml"), FIXTURES / "gpt2")
    with pytest.raises(SpecError, match=r"lm\.yaml:\d+:\d+: .*there is no file .*probe\.jsonl"):
        load_sweep("lm.yaml")


@pytest.mark.parametrize(
    ("file", "data", "predict", "message"),
    [
        ("houses.csv", None, None, "exists already"),
        ("new/first.yaml", None, None, "there is no folder"),
        ("mine.yaml", "gone.csv", None, "there is no such file"),
        ("mine.yaml", "notes.txt", None, "ends in none of"),
        ("mine.yaml", "houses.csv", "prize", "has no prize. It has: rooms, area m2, city, price"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_left(
    folder: Path, file: str, data: str | None, predict: str | None, message: str
):
    before = sorted(folder.iterdir())
    with pytest.raises(SpecError, match=message):
        new_sweep(Path(file), None if data is None else Path(data), predict)
    assert sorted(folder.iterdir()) == before
