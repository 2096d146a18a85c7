"""Checkpoints of Hugging Face that are traced: other families, adapters, trainings; and the built-in decoder beside."""

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llcray.data.tokens import Tokens
from llcray.spec import load_sweep
from llcray.targets.checkpoint.architecture import TracedConfig, read_architecture
from llcray.targets.checkpoint.spec import CheckpointTarget
from llcray.templates import new_sweep

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
FIXTURES = Path(__file__).parents[1] / "targets" / "checkpoint" / "fixtures"
HUGGING_FACE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("hugging_face.py")))
FAMILIES, model_of = HUGGING_FACE["FAMILIES"], HUGGING_FACE["decoder"]
FAST = ("mistral", "opt")
LENGTH = 9


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """Six sequences; one ends in padding."""
    drawn = np.random.default_rng(0).integers(2, 29, (6, LENGTH)).astype(np.int32)
    drawn[1, 6:] = -1
    np.save(tmp_path / "tokens.npy", drawn)
    return Tokens(path=tmp_path / "tokens.npy")


def losses_of(target: Any) -> np.ndarray:
    """All losses of a target."""
    buffers = () if target.buffers is None else (target.buffers,)
    return np.asarray(target.loss_fn(target.params, target.data, *buffers))


def losses_in_transformers(model: Any, tokens: np.ndarray) -> np.ndarray:
    """Mean losses of sequences by Hugging Face's own loss, one sequence at a time, without its padding."""
    found = []
    for sequence in tokens:
        ids = torch.tensor(sequence[sequence >= 0], dtype=torch.long)[None]
        with torch.no_grad():
            found.append(float(model(ids, labels=ids, use_cache=False).loss))
    return np.array(found)


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=[] if name in FAST else pytest.mark.slow) for name in FAMILIES]
)
@pytest.mark.filterwarnings("ignore:torch gives row")
def test_a_family_that_the_decoder_lacks_has_the_losses_of_transformers(family: str, tokens: Tokens, tmp_path: Path):
    """Padding included: the loss of a padded sequence is that of the sequence without it."""
    model = model_of(family)
    model.save_pretrained(tmp_path / "model")
    spec = CheckpointTarget(path=tmp_path / "model", data=tokens)
    spec.check()
    target = spec.build()
    expected = losses_in_transformers(model, tokens.load())
    error = np.abs(losses_of(target) / expected - 1).max()
    print(f"{family}: relative error {error:.1e}")
    assert error < 1e-5
    structure = spec.structure()
    assert structure.num_layers == (2 if family == "gpt_neo" else 1)


@pytest.mark.parametrize("name", ["gpt2", pytest.param("qwen3", marks=pytest.mark.slow)])
def test_the_decoder_computes_what_the_traced_model_does(name: str, tokens: Tokens):
    """Losses and names of parameters; catches a decoder that is wrong as its fixture's logits are."""
    from llcray.aten.tracing.pretrained import trace_checkpoint
    from llcray.components.structure import Structure
    from llcray.targets.torch.build import target_of

    decoded = CheckpointTarget(path=FIXTURES / name, data=tokens).build()
    traced = target_of(trace_checkpoint(FIXTURES / name, None, tokens.load(), True, Structure()))
    np.testing.assert_allclose(losses_of(decoded), losses_of(traced), rtol=1e-5)
    for parameter, array in traced.params.items():
        np.testing.assert_array_equal(decoded.params[parameter], array)
    assert set(decoded.params) == set(traced.params)


def test_checkpoints_of_a_training_are_traced_once(tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from llcray.aten.tracing import pretrained

    traced: list[int] = []
    trace = pretrained.trace_module
    monkeypatch.setattr(pretrained, "trace_module", lambda *args, **named: traced.append(1) or trace(*args, **named))
    monkeypatch.setattr(pretrained, "_known", {})
    models = [model_of("mistral", seed) for seed in (1, 2)]
    for step, model in enumerate(models):
        model.save_pretrained(tmp_path / "run" / f"checkpoint-{step}")
    specs = CheckpointTarget(path=tmp_path / "run" / "checkpoint-*", data=tokens).checkpointed()
    targets = [spec.build() for spec in specs]
    assert len(traced) == 1 and targets[0].loss_fn == targets[1].loss_fn
    for model, target in zip(models, targets, strict=True):
        np.testing.assert_allclose(losses_of(target), losses_in_transformers(model, tokens.load()), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # of peft
def test_an_adapter_is_merged_and_its_base_is_part_of_its_id(tokens: Tokens, tmp_path: Path):
    peft = pytest.importorskip("peft")
    model_of("mistral", 1).save_pretrained(tmp_path / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base").eval()
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["q_proj", "down_proj"],
                                                         init_lora_weights=False))  # fmt: skip
    adapted.save_pretrained(tmp_path / "adapter")
    spec = CheckpointTarget(path=tmp_path / "adapter", data=tokens)
    spec.check()
    target = spec.build()
    np.testing.assert_allclose(losses_of(target), losses_in_transformers(adapted, tokens.load()), rtol=1e-5)
    assert not any("lora" in name for name in target.params)
    shutil.rmtree(tmp_path / "base")
    with pytest.raises(ValueError, match="no folder with a model"):
        CheckpointTarget(path=tmp_path / "adapter", data=tokens)
    model_of("mistral", 2).save_pretrained(tmp_path / "base")
    assert CheckpointTarget(path=tmp_path / "adapter", data=tokens).sha256 != spec.sha256


def test_a_new_sweep_has_the_parts_that_names_of_parameters_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Mamba has no attention: a sweep that asked for it would be refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "probe.jsonl").write_text("[1, 2, 3, 4]\n[5, 6, 7, 8]\n" * 4)
    for family, components in (("mistral", ["all", "l0 attn", "l0 mlp"]), ("mamba", ["all"])):
        model_of(family).save_pretrained(tmp_path / family)
        said = new_sweep(Path(f"{family}.yaml"), Path(family), tokens=Path("probe.jsonl"))
        assert f"{family}, 1 layers" in said and "traced with torch" in said
        assert [run.component for run in load_sweep(f"{family}.yaml").runs] == components


def test_what_is_no_causal_language_model_is_refused(tmp_path: Path):
    config = transformers.BertConfig(vocab_size=29, hidden_size=16, num_hidden_layers=1, num_attention_heads=4)
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"BertForMaskedLM, not a causal language model.*llcray\.torch\.target"):
        read_architecture(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"vocab_size": -3}, {"vocab_size": True}, {"architectures": 7, "vocab_size": None}]
)
def test_a_configuration_by_somebody_else_is_refused_in_a_line(changes: dict[str, Any], tmp_path: Path):
    config = {"model_type": "mistral", "architectures": ["MistralForCausalLM"], "vocab_size": 29} | changes
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"vocab_size of config\.json is .*, no number of tokens"):
        read_architecture(tmp_path)


def test_options_of_the_decoder_are_refused(tokens: Tokens, tmp_path: Path):
    model_of("opt").save_pretrained(tmp_path / "model")
    assert isinstance(read_architecture(tmp_path / "model"), TracedConfig)
    with pytest.raises(ValueError, match="compute_dtype are options of the decoder"):
        CheckpointTarget(path=tmp_path / "model", data=tokens, compute_dtype="bfloat16").check()
