"""PyTorch modules in JAX beside torch: errors of losses and gradients, seconds to convert, to compile, of a gradient.

    python benchmarks/torch_zoo.py [NAME ...]

Models are those of `tests/torch`, small and random; without transformers installed, only torch's own. Prints a table of
Markdown. Seconds are those of the processor, so that other work on the machine moves them little; one thread each.
"""

import os
import runpy
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import numpy as np
import torch

import llcray
from llcray.aten.errors import TorchLossError
from llcray.aten.loss import GraphLoss

TESTS = Path(__file__).parents[1] / "tests" / "torch"
CHECKPOINTS = Path(__file__).parents[1] / "tests" / "targets" / "checkpoint" / "fixtures"
DECODED = ("gpt2", "gpt_neox", "llama", "qwen2", "qwen3")
"""Families that llcray's own decoder computes too; here they are traced."""
MEASURED_SECONDS = 0.3
"""Time that gradients are repeated for; of five such times the least counts."""
HEAD = """| model | calls | losses off by | gradient off by | convert, s | compile, s | gradient, ms | torch, ms |
|---|---|---|---|---|---|---|---|"""


class Row(NamedTuple):
    """What was measured of a model.

    Attributes:
        num_calls: Calls of ATen in its graph.
        loss_error: Largest difference of losses from torch's, as a share of the largest loss.
        gradient_error: Largest difference of derivatives, as a share of the largest derivative.
        convert: Processor-seconds to trace the loss and to check it.
        compile: Processor-seconds to compile its gradient.
        gradient: Processor-seconds of a gradient in JAX.
        in_torch: Processor-seconds of a gradient in torch.
    """

    num_calls: int
    loss_error: float
    gradient_error: float
    convert: float
    compile: float
    gradient: float
    in_torch: float


def main() -> None:
    """Measures the models that are named, by default all."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    models = all_models()
    print(HEAD)
    for name in sys.argv[1:] or models:
        torch.manual_seed(0)
        try:
            row = measure(*models[name]())
        except TorchLossError as error:
            print(f"| {name} | refused: {str(error).replace('|', ' ')} | | | | | | |", flush=True)
            continue
        times = f"{row.convert:.1f} | {row.compile:.1f} | {1e3 * row.gradient:.2f} | {1e3 * row.in_torch:.2f}"
        print(f"| {name} | {row.num_calls} | {row.loss_error:.0e} | {row.gradient_error:.0e} | {times} |", flush=True)


def all_models() -> dict[str, Callable[[], Any]]:
    """Functions that make a module, its loss and its data, by name."""
    models = {**runpy.run_path(str(TESTS / "models.py"))["MODELS"], "backward_of_its_own": backward_of_its_own}
    if find_spec("transformers") is not None:
        hub = runpy.run_path(str(TESTS / "hugging_face.py"))
        models |= {f"hf_{name}": lambda make=make: moved(hub, *make()) for name, make in hub["MODELS"].items()}
        models |= {name: lambda name=name: language_model(hub["decoder"](name)) for name in hub["FAMILIES"]}
        models |= {name: lambda name=name: language_model(pretrained(name)) for name in DECODED}
    return models


class HalfGradient(torch.autograd.Function):
    """The identity, whose backward pass halves the gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] / 2


def backward_of_its_own() -> tuple[Any, Any, Any]:
    """A model that is to be refused: chains would not follow the derivative of its losses."""

    def loss(module: Any, batch: Any) -> torch.Tensor:
        return HalfGradient.apply(module(batch["x"])[:, 0]).square()  # pyright: ignore[reportOptionalMemberAccess]

    return torch.nn.Linear(3, 1), loss, {"x": torch.randn(4, 3)}


def pretrained(name: str) -> Any:
    """A small model of a family that the decoder has."""
    import transformers

    return transformers.AutoModelForCausalLM.from_pretrained(CHECKPOINTS / name, dtype=torch.float32)


def moved(hub: dict[str, Any], module: Any, loss: Any, data: Any) -> tuple[Any, Any, Any]:
    """The model with weights away from zero and one."""
    return hub["away"](module), loss, data


def language_model(model: Any) -> tuple[Any, Any, Any]:
    """A causal language model with the loss of the next token."""
    end = min(29, model.config.vocab_size)
    return model, llcray.torch.next_token_loss(model), {"tokens": torch.randint(2, end, (4, 9))}


def measure(module: Any, loss: Any, data: Any) -> Row:
    """Converts a model and compares it with torch on all of its data."""
    module.eval()
    start = time.process_time()
    target = llcray.torch.target(module, loss, data)
    convert = time.process_time() - start
    assert isinstance(target.loss_fn, GraphLoss)
    buffers = () if target.buffers is None else (target.buffers,)

    def mean(params: Any, batch: Any) -> tuple[Any, Any]:
        losses = target.loss_fn(params, batch, *buffers)
        return losses.mean(), losses

    start = time.process_time()
    gradient = jax.jit(jax.grad(mean, has_aux=True)).lower(target.params, target.data).compile()
    compile_seconds = time.process_time() - start
    ours, losses = gradient(target.params, target.data)

    names = [name for name, parameter in module.named_parameters() if name in target.params]
    parameters = [module.get_parameter(name) for name in names]

    def in_torch() -> tuple[Any, Any]:
        expected = loss(module, data)
        return expected, torch.autograd.grad(expected.mean(), parameters)

    expected, theirs = in_torch()
    loss_error = float(np.abs(losses - expected.detach().numpy()).max() / expected.abs().max())
    largest = max(float(part.abs().max()) for part in theirs)
    off = (float(np.abs(ours[name] - part.numpy()).max()) for name, part in zip(names, theirs, strict=True))
    return Row(
        num_calls=len(target.loss_fn.graph.calls),
        loss_error=loss_error,
        gradient_error=max(off) / largest,
        convert=convert,
        compile=compile_seconds,
        gradient=seconds_of(lambda: jax.block_until_ready(gradient(target.params, target.data))),
        in_torch=seconds_of(in_torch),
    )


def seconds_of(function: Callable[[], Any]) -> float:
    """Processor-seconds of a call."""
    found = []
    for _ in range(5):
        count, start = 0, time.process_time()
        while time.process_time() - start < MEASURED_SECONDS / 5:
            function()
            count += 1
        found.append((time.process_time() - start) / count)
    return min(found)


if __name__ == "__main__":
    main()
