"""Coverage of routes to an LLC: how often 95% intervals hold the known answer, over seeds, on four families.

    python benchmarks/route_coverage.py --seeds 16

An estimate counts as `wrong` where its verdict is `ok` and it is more than three standard errors, and 1%, off.
"""

import argparse
import math
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from llcray.api import estimate_llc
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import HMC, Auto, Laplace, LocalVolume, Sampler, Variational
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets import EvenPowersTarget, NormalCrossingTarget, QuadraticTarget
from llcray.targets.build import build_target
from llcray.targets.target import Target
from llcray.validation.summary import Z_95

TARGETS = {
    "quadratic, d = 20": QuadraticTarget(num_params=20, condition_number=10),
    "w1^2 + w2^4 + w3^6": EvenPowersTarget(powers=(2, 4, 6)),
    "(w1 w2)^2": NormalCrossingTarget(powers=(1, 1)),
    "(w1 w2)^4": NormalCrossingTarget(powers=(2, 2)),
}
SAMPLERS: dict[str, Sampler] = {
    "auto": Auto(),
    "laplace": Laplace(),
    "variational": Variational(),
    "variational, mean field": Variational(family="mean_field"),
    "local_volume": LocalVolume(),
}
TEMPERATURES = (0.5, 2.0)
SAMPLING = SamplingSpec(until=StoppingCriteria(relative_mcse=0.02), budget=Budget(num_gradients=10_000))
WRONG_SIGMAS, WRONG_SHARE = 3.0, 0.01


class Answer(NamedTuple):
    """An estimate of one seed. The error is that of sampling, nats."""

    llc: float
    se: float
    truth: float
    verdict: str
    num_gradients: float


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--only", default="", help="routes whose name contains this")
    arguments = parser.parse_args()
    started = time.process_time()
    print("| route | target | ok | wrong | mean error / SE | in the 95% interval | gradients |")
    print("|---|---|---|---|---|---|---|")
    for route in (*SAMPLERS, "temperatures with hmc"):
        if arguments.only not in route:
            continue
        for name, spec in TARGETS.items():
            target = build_target(spec)
            answers = [_answer(target, route, seed) for seed in range(arguments.seeds)]
            print(f"| {route} | {name} | {' | '.join(_scores(answers))} |", flush=True)
    print(f"{time.process_time() - started:.0f} CPU s")


def _answer(target: Target, route: str, seed: int) -> Answer:
    """Samples at gamma 1, as in the literature: the loss of some has no curvature at w*."""
    posterior = PosteriorSpec(localization=1.0)
    if route in SAMPLERS:
        e = estimate_llc(target, SAMPLERS[route], seed=seed, posterior=posterior, sampling=SAMPLING)
        llc, se = e.llc, float(e.record["llc_sampling_se"])
    else:
        posterior = posterior.model_copy(update={"temperatures": TEMPERATURES})
        e = estimate_llc(target, HMC(), seed=seed, posterior=posterior, sampling=SAMPLING)
        llc, se = float(e.record["llc_reweighted"]), float(e.record["llc_reweighted_se"])
    assert e.true_llc is not None
    # Temperatures are joined where all of them are `ok`.
    return Answer(llc, se, e.true_llc.value, e.verdict if math.isfinite(llc) else "not_joined", e.num_gradients)


def _scores(answers: list[Answer]) -> Iterator[str]:
    """The cells of a row; errors and coverage are those of the estimates that are `ok`."""
    trusted = [a for a in answers if a.verdict == "ok"]
    errors = np.array([a.llc - a.truth for a in trusted])
    z = errors / np.array([a.se for a in trusted])
    is_wrong = [abs(a.llc - a.truth) > max(WRONG_SIGMAS * a.se, WRONG_SHARE * a.truth) for a in trusted]
    yield f"{len(trusted)} of {len(answers)}"
    yield str(sum(is_wrong))
    yield f"{z.mean():+.2f} ± {1 / np.sqrt(len(z)):.2f}" if trusted else "-"
    yield f"{np.sum(np.abs(z) <= Z_95)} of {len(z)}" if trusted else "-"
    yield f"{np.median([a.num_gradients for a in answers]):,.0f}"


if __name__ == "__main__":
    main()
