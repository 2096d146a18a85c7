"""The refined LLC of one head of a model of GPT-2's shape (124 million parameters, random weights), on the CPU.

    python benchmarks/large_checkpoint.py [--folder DIR] [--sequences 4] [--length 16] [--component l5h3]

Prints seconds, the largest resident set of the process in GiB, and the estimate. What it shows is memory and time: a
random network is at no minimum, so the verdict is not `ok`.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from llcray import PosteriorSpec, SamplingSpec, Target, estimate_llc
from llcray.data.tokens import Tokens
from llcray.sampling.spec import Budget, StoppingCriteria
from llcray.targets import CheckpointTarget
from llcray.targets.build import build_target
from llcray.targets.checkpoint.decoder.config import read_config
from llcray.targets.checkpoint.decoder.names import weights_of

CONFIG = {"model_type": "gpt2", "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024, "vocab_size": 50257}
NEVER = StoppingCriteria(relative_mcse=1e-12, rhat=1 + 1e-12)


def write_checkpoint(folder: Path) -> None:
    """A checkpoint of GPT-2's shape with random weights, as save_pretrained would write it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    rng, width = np.random.default_rng(0), CONFIG["n_embd"]
    shapes = {"wte": (CONFIG["vocab_size"], width), "wpe": (CONFIG["n_positions"], width)}
    shapes |= {"c_attn": (width, 3 * width), "c_fc": (width, 4 * width)}
    tensors = {}
    for name in weights_of(read_config(folder), "transformer."):
        module = name.split(".")[-2]
        if module.startswith("ln_"):
            tensors[name] = np.ones(width, np.float32)
        else:
            shape = (4 * width, width) if "mlp.c_proj" in name else shapes.get(module, (width, width))
            tensors[name] = 0.02 * rng.standard_normal(shape, np.float32)
        if module not in ("wte", "wpe"):
            outputs = tensors[name].shape[-1]
            tensors[name.removesuffix("weight") + "bias"] = np.zeros(outputs, np.float32)
    save_file(tensors, folder / "model.safetensors")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "llcray_gpt2_shape")
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("--length", type=int, default=16)
    parser.add_argument("--component", default="l5h3")
    parser.add_argument("--steps", type=int, default=50)
    arguments = parser.parse_args()
    if not (arguments.folder / "model.safetensors").is_file():
        write_checkpoint(arguments.folder)
    tokens = np.random.default_rng(1).integers(0, CONFIG["vocab_size"], (arguments.sequences, arguments.length))
    np.save(arguments.folder / "tokens.npy", tokens.astype(np.int32))
    started = time.perf_counter()
    data = Tokens(path=arguments.folder / "tokens.npy")
    target = build_target(CheckpointTarget(path=arguments.folder, data=data, remat=True))
    _report("read", started)
    estimate = _estimate(target, arguments.component, arguments.steps)
    _report("done", started)
    print(f"{arguments.component}: {estimate!r}; {estimate.num_draws} draws kept")


def _estimate(target: Target, component: str, steps: int):
    """2 chains of one block of draws, 64 steps, or more where `steps` is more; the loss of all sequences at each."""
    return estimate_llc(
        target,
        {"kind": "sgld", "step_size": 1e-6, "batch_size": 2},
        num_chains=2,
        component=component,
        posterior=PosteriorSpec(localization=1000.0),
        sampling=SamplingSpec(until=NEVER, budget=Budget(num_gradients=1, num_draws=steps), steps_per_draw=1),
    )


def _report(what: str, started: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what}: {time.perf_counter() - started:.0f} s, peak {peak:.2f} GiB", flush=True)


if __name__ == "__main__":
    main()
