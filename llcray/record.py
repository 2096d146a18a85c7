"""An estimate as columns of the dataset: what a sweep writes of it and what the Python API returns."""

import json
import math
from dataclasses import asdict
from typing import Any

from llcray.estimation import RunEstimate
from llcray.targets.target import Target, TargetFacts

Record = dict[str, Any]

FEW_EXAMPLES = 30
"""beta = 1/log n is meant for large n."""
SLOPE_SHARE = 0.1
"""Of the LLC: a fall along the gradient at w* that could be larger is worth a warning."""


def record_of(result: RunEstimate, target: Target) -> Record:
    """Every column that is known of an estimate, without the identity of its spec and the machine it ran on."""
    return {
        **asdict(target.facts),
        **asdict(result.estimate),
        **_truth(result),
        "n_beta": result.n_beta,
        "inverse_temperature": result.inverse_temperature,
        "localization": result.sampled.localization,
        "step_size": result.sampled.step_size,
        "steps_per_draw": result.sampled.steps_per_draw,
        "calibration": json.dumps(result.sampled.decisions) if result.sampled.decisions else None,
        "is_likelihood": target.is_likelihood,
        "warnings": warnings_of(result, target.facts),
        "pack_size": result.pack_size,
        "num_data": result.num_data,
        "num_params": result.num_params,
        "num_sampled_params": result.num_sampled_params,
        "loss_at_center": result.loss_at_center,
    }


def warnings_of(result: RunEstimate, facts: TargetFacts) -> list[str]:
    """What a reader should know beside the verdict."""
    warnings = []
    if result.num_data < FEW_EXAMPLES:
        warnings.append(
            f"only {result.num_data} examples: the estimate is n beta E[L - L*] at this n beta, which says little of "
            "the learning coefficient, a limit of many"
        )
    slope, gamma = facts.gradient_norm_at_center or 0.0, result.sampled.localization
    fall = (result.n_beta * slope) ** 2 / (2 * gamma) if gamma > 0 else 0.0
    if fall > SLOPE_SHARE * abs(result.estimate.llc):
        warnings.append(
            f"w* is no minimum: |grad L| = {slope:.3g} there; along it n beta L could fall by {fall:.3g} nats before "
            "the localization stops it"
        )
    dispersion = result.estimate.dispersion
    if math.isfinite(dispersion) and not 0.5 <= dispersion <= 2.0:
        warnings.append(
            f"dispersion {dispersion:.2f}: n beta (L - L*) is not Gamma distributed (1 expected); "
            "the posterior is not scale-free at this temperature"
        )
    if result.num_pack_splits:
        warnings.append(
            f"out of memory: the runs done side by side were halved {result.num_pack_splits} times, to "
            f"{result.pack_size} at most"
        )
    return warnings


def _truth(result: RunEstimate) -> Record:
    true, asymptotic = result.true_llc, result.asymptotic_llc
    row: Record = {}
    if true is not None:
        row |= {"true_llc": true.value, "true_llc_kind": true.kind, "true_llc_source": true.source}
        row["true_llc_mcse"] = true.mcse
    if asymptotic is not None:
        row |= {"true_llc_asymptotic": asymptotic.value, "true_llc_asymptotic_kind": asymptotic.kind}
        row["true_multiplicity"] = asymptotic.multiplicity
    return row
