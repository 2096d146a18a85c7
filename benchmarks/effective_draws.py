"""Effective draws a CPU second: `auto`, untuned, against devinterp's RMSProp-SGLD at the best of many step sizes.

Both sample one posterior of a deep linear network whose answer is known, on one thread, and are measured in CPU
seconds of their processes. `auto` pays for its calibration and its pilot; the peer's clock leaves out its burn-in, its
evaluations and the search for its step size. A step size counts if its mean is within 3% of the answer.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import contestants
import llcray_storage as ls
import numpy as np

from llcray.estimation.trial import run_trial
from llcray.llc.summary import summarize
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import Auto
from llcray.sampling.spec import SamplingSpec
from llcray.spec import RunSpec, TrialPlan
from llcray.targets import RandomDeepLinearTarget
from llcray.targets.build import build_target

TASK_SEED = 4
"""47-22-25 of rank 13, 1,584 parameters: the largest of the first ten tasks of the generator."""
STEP_SIZES = (1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4)
MAX_BIAS = 0.03


@dataclass(frozen=True)
class Contestant:
    """What a sampler reached.

    Attributes:
        name: As it reads in the table.
        llc: Estimate, nats.
        mcse: Its Monte Carlo error.
        ess: Effective draws of the loss (bulk).
        cpu_seconds: What they cost.
        rhat: Split R-hat.
    """

    name: str
    llc: float
    mcse: float
    ess: float
    cpu_seconds: float
    rhat: float

    @property
    def pace(self) -> float:
        """Effective draws a CPU second."""
        return self.ess / self.cpu_seconds

    def row(self, truth: float, reference: float) -> str:
        """A line of the table."""
        error = f"{100 * (self.llc / truth - 1):+.1f}% ± {100 * self.mcse / truth:.1f}%"
        return (
            f"| {self.name} | {self.llc:.1f} | {error} | {self.rhat:.3f} | {self.ess:.0f} | {self.cpu_seconds:.1f} "
            f"| {self.pace:.3g} | {reference / self.pace:.1f} |"
        )


def table(peer_python: str | None, peer_steps: int) -> str:
    """All contestants, and how many times the effective draws of each `auto` has in a second."""
    run = RunSpec(
        target=RandomDeepLinearTarget(seed=TASK_SEED),
        posterior=PosteriorSpec(),
        sampler=Auto(),
        sampling=SamplingSpec(),
    )
    auto, row = ours(run)
    others = peers(peer_python, run, row, peer_steps) if peer_python else []
    truth = row["true_llc"]
    lines = [
        "| sampler | LLC | error | R-hat | effective draws | CPU s | draws a CPU s | `auto` is faster by |",
        "|---|---|---|---|---|---|---|---|",
        *(contestant.row(truth, auto.pace) for contestant in (auto, *others)),
    ]
    fit = [one for one in others if abs(one.llc / truth - 1) <= MAX_BIAS + 2 * one.mcse / truth]
    if fit:
        best = max(fit, key=lambda one: one.pace)
        lines += ["", f"`auto` has {auto.pace / best.pace:.0f} times the effective draws a second of {best.name}."]
    elif peer_python:
        lines += ["", f"No step size of devinterp's has a mean within {MAX_BIAS:.0%} of the answer."]
    return "\n".join(lines)


def ours(run: RunSpec) -> tuple[Contestant, dict]:
    """`auto`, and its row."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = ls.Dataset.create_or_open(folder)
        (outcome,) = run_trial(TrialPlan((run,)), "effective_draws", dataset)
    row = outcome.row
    seconds = row["sampling_cpu_seconds"]
    return Contestant("`auto`", row["llc"], row["llc_mcse"], row["ess_bulk"], seconds, row["rhat"]), row


def peers(python: str, run: RunSpec, row: dict, num_steps: int) -> list[Contestant]:
    """RMSProp-SGLD at each step size; the first half of each chain is left out, draws and seconds."""
    target = build_target(run.target)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "task.npz"
        kernels = {f"kernel_{i}": target.params[name]["kernel"] for i, name in enumerate(target.params)}
        np.savez(
            path,
            x=target.data["x"],
            y=target.data["y"],
            noise_scale=run.target.draw().noise_scale,
            n_beta=row["n_beta"],
            localization=row["localization"],
            **kernels,
        )
        found = {size: contestants.run_peer(python, "peer_draws.py", path, size, num_steps) for size in STEP_SIZES}
    return [_peer(step_size, result, row["n_beta"]) for step_size, result in found.items()]


def _peer(step_size: float, result: dict, n_beta: float) -> Contestant:
    llc = n_beta * np.array(result["losses"])  # its loss is 0 at w*
    kept = summarize(llc[:, llc.shape[1] // 2 :])
    name, seconds = f"devinterp `rmsprop_sgld`, epsilon {step_size:g}", 0.5 * result["cpu_seconds"]
    return Contestant(name, kept.mean, kept.mcse, kept.ess_bulk, seconds, kept.rhat)
