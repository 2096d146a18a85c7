"""An estimate as columns of the dataset: what a sweep writes of it and what the Python API returns."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
from llcray_storage.schema.status import DONE, FAILED

from llcray.array_types import Row
from llcray.estimation.pack import RunEstimate
from llcray.estimation.provenance import num_devices
from llcray.llc.draws import Draws
from llcray.subnetwork.masked import unchanged
from llcray.targets.target import Target, TargetFacts

FEW_EXAMPLES = 30
"""beta = 1/log n is meant for large n."""
RISE_SHARE, RISE_SIGMAS = 0.1, 3.0
"""Of the LLC, and of its Monte Carlo error: a rise without the localization that is worth a warning."""
SLOPE_SHARE = 0.1
"""Of the LLC: a fall along the gradient at w* that could be larger is worth a warning."""


def record_of(result: RunEstimate, target: Target) -> Row:
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
        **({"loss_kind": target.loss_kind} if target.loss_kind else {}),
        "is_likelihood": target.is_likelihood,
        "warnings": warnings_of(result, target.facts),
        "device_seconds": num_devices() * (result.estimate.sampling_seconds + result.estimate.compile_seconds),
        "pack_size": result.pack_size,
        "spectrum_gradients": result.spectrum_gradients,
        **_ladder(result),
        "loss_estimator": result.loss_estimator,
        "num_data": result.num_data,
        "num_params": result.num_params,
        "num_sampled_params": result.num_sampled_params,
        "loss_at_center": result.loss_at_center,
    }


def with_depths(columns: Row) -> Row:
    """Columns of a spec, with the number of hidden layers where their widths say it."""
    depths = {
        f"{prefix}_depth": len(columns[f"{prefix}_widths"])
        for prefix in ("architecture", "teacher")
        if columns.get(f"{prefix}_widths") is not None
    }
    return columns | depths


def _ladder(result: RunEstimate) -> Row:
    if not result.ladder:
        return {}
    return {
        "ladder_gamma": [rung.localization for rung in result.ladder],
        "ladder_llc": [rung.llc for rung in result.ladder],
        "ladder_llc_se": [rung.se for rung in result.ladder],
        "ladder_verdict": [rung.verdict for rung in result.ladder],
    }


def warnings_of(result: RunEstimate, facts: TargetFacts) -> list[str]:
    """Sentences that a reader should know beside the verdict."""
    warnings: list[str] = []
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
    llc, unlocalized = result.estimate.llc, result.estimate.llc_unlocalized
    if not result.ladder and unlocalized - llc > max(RISE_SHARE * abs(llc), RISE_SIGMAS * result.estimate.llc_mcse):
        warnings.append(
            f"the localization gamma = {gamma:.3g} decides this number: the loss is quadratic here, and without a "
            f"localization its LLC would be about {unlocalized:.3g}. Set posterior: {{localization: ladder}} to see"
        )
    dispersion = result.estimate.dispersion
    if math.isfinite(dispersion) and not 0.5 <= dispersion <= 2.0:
        warnings.append(
            f"dispersion {dispersion:.2f}: n beta (L - L*) is not Gamma distributed (1 expected); "
            "the posterior is not scale-free at this temperature"
        )
    if result.unresolved is not None:
        remedy = (
            "chains ran in float64" if result.precision == "float64" else "do not trust the estimate; rescale the model"
        )
        warnings.append(f"{result.unresolved}: {remedy}")
    if result.num_pack_splits:
        warnings.append(
            f"out of memory: the runs done side by side were halved {result.num_pack_splits} times, to "
            f"{result.pack_size} at most"
        )
    return warnings


def _truth(result: RunEstimate) -> Row:
    true, asymptotic = result.true_llc, result.asymptotic_llc
    row: Row = {}
    if true is not None:
        row |= {"true_llc": true.value, "true_llc_kind": true.kind, "true_llc_source": true.source}
        row["true_llc_mcse"] = true.mcse
    if asymptotic is not None:
        row |= {"true_llc_asymptotic": asymptotic.value, "true_llc_asymptotic_kind": asymptotic.kind}
        row["true_multiplicity"] = asymptotic.multiplicity
    return row


def update_of(target: Target, mask: Any) -> Row:
    """The shares of a component that fine-tuning left unchanged so far, in float32 and, as published, in bfloat16."""
    if target.base is None:
        return {}
    import jax

    new = jax.tree.leaves(target.params)
    masks = [True] * len(new) if mask is None else jax.tree.leaves(mask)
    tensors = list(zip(jax.tree.leaves(target.base), new, masks, strict=True))
    own, half = (unchanged(tensors, dtype) for dtype in ("float32", "bfloat16"))
    return {
        "update_sparsity_exact": own.exact,
        "update_sparsity_tolerance": own.tolerance,
        "update_sparsity_relative": own.relative,
        "update_sparsity_bfloat16": half.exact,
        "update_sparsity_bfloat16_tolerance": half.tolerance,
    }


def draw_rows(result: RunEstimate) -> list[Row]:
    """Rows of the table of draws, one a chain."""
    draws, rows = result.sampled.draws, []
    for chain in range(draws.num_chains):
        finite = np.isfinite(draws.centered_loss[chain])
        failed_at = None if finite.all() else int(np.argmin(finite))
        rows.append(
            {
                "chain": chain,
                "status": DONE if failed_at is None else FAILED,
                "reason": None if failed_at is None else f"the loss was not finite at draw {failed_at}",
                "failed_at": failed_at,
                "n_beta": result.n_beta,
                "step_size": result.sampled.step_size,
                "num_warmup_draws": result.sampled.num_warmup_draws,
                "centered_loss": draws.centered_loss[chain],
                "squared_distance": draws.squared_distance[chain],
                "acceptance_rate": draws.acceptance_rate[chain],
                "heat": draws.heat[chain],
                "energy": draws.energy[chain],
                "energy_change": draws.energy_change[chain],
                **_projection(draws, chain),
            }
        )
    return rows


def _projection(draws: Draws, chain: int) -> Row:
    dimension = draws.projection.shape[2]
    return {"projection": draws.projection[chain], "projection_dimension": dimension} if dimension else {}
