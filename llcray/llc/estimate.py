"""The estimate of an LLC from draws, with error bar, diagnostics and verdict. NumPy in, numbers out.

    lambda-hat = n beta (E[L_n(w)] - L_n(w*))

Reference: Lau et al. 2023 (arXiv 2308.12108), Definition 1; Hitchcock & Hoogland 2025 (arXiv 2507.21449), eq. 3.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from llcray_storage.schema.verdicts import NUM_SIGMAS, VerdictName

from llcray.llc.advice import Spent
from llcray.llc.draws import Draws
from llcray.llc.errors import error_parts
from llcray.llc.extrapolation import Extrapolation
from llcray.llc.importance import Importance
from llcray.llc.localization import Localized, homogeneous_sensitivity, localization_sensitivity, localized
from llcray.llc.spectrum import Spectrum
from llcray.llc.step_bias import PredictedBias
from llcray.llc.summary import Summary, corrected_summary, spread_of_chains, summarize
from llcray.llc.verdict import CONSTANT, LOWER, Diagnostics, JudgedNumbers, judge
from llcray.llc.virial import virial_of


@dataclass(frozen=True, kw_only=True)
class Work:
    """The cost of an estimate. Gradients are full-data equivalents over all chains.

    Attributes:
        num_gradients: All gradients, those of warmup, tuning and loss evaluations included.
        warmup_gradients: The part before the first kept draw.
        sampling_seconds: Wall seconds of warmup and sampling, compilation excluded.
        sampling_cpu_seconds: CPU seconds of the same, over all cores; on an accelerator, those of its host.
        compile_seconds: Wall seconds of compilation that this run waited for.
        num_compilations: Programs compiled for this run.
    """

    num_gradients: float
    warmup_gradients: float
    sampling_seconds: float
    sampling_cpu_seconds: float
    compile_seconds: float
    num_compilations: int


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """The cost of precision: squared Monte Carlo error times work, and effective draws per unit of work.

    MCSE^2 times work is also the work that a standard error of one nat costs, so `time_to_se1` and `fde_to_se1` equal
    `wnv_seconds` and `wnv_gradients`. Units are those of the columns.
    """

    wnv_seconds: float
    wnv_gradients: float
    ess_per_second: float
    ess_per_gradient: float
    time_to_se1: float
    fde_to_se1: float


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of the estimate in the temperature and in the step size; NaN where they were not asked for.

    `llcray.estimation.companions` computes these from further estimates, by `llcray.llc.extrapolation` and
    `llcray.llc.free_energy`.
    """

    llc_extrapolated: float = float("nan")
    llc_extrapolated_se: float = float("nan")
    multiplicity_extrapolated: float = float("nan")
    llc_richardson: float = float("nan")
    llc_richardson_mcse: float = float("nan")
    llc_plateau: float = float("nan")
    llc_plateau_se: float = float("nan")
    llc_reweighted: float = float("nan")
    llc_reweighted_se: float = float("nan")
    free_energy_slope: float = float("nan")
    free_energy_slope_se: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Estimate(Limits, Localized, Efficiency, Work, JudgedNumbers):
    """An LLC with everything needed to trust or distrust it. Field names are the dataset's column names.

    `llc` is `llc_uncorrected` minus `step_size_bias` where the sampler's calibration subtracts it (`kind: auto`).
    `llc_sampling_se` joins the Monte Carlo error with what is uncertain of the step-size bias, and `llc_se` joins this
    with what the localization could move (see `llcray.llc.errors`).
    """

    llc_sampling_se: float
    llc_se: float
    llc_sd: float
    llc_between_chain_sd: float
    llc_uncorrected: float
    step_size_bias: float
    step_size_bias_se: float
    ess_tail: float
    dispersion: float
    num_divergent: int
    num_draws: int
    num_warmup_draws: int
    verdict: VerdictName
    verdict_reason: str


def estimate(
    draws: Draws,
    *,
    num_warmup_draws: int,
    n_beta: float,
    localization: float,
    num_sampled_params: int,
    work: Work,
    seen_share: float = 1.0,
    importance: Importance | None = None,
    limit: Extrapolation | None = None,
    draws_are_means: bool = False,
    unpredicted_bias: str = "",
    step_bias: PredictedBias | None = None,
    bias_is_inconsistent: bool = False,
    restarts_exhausted: bool = False,
    unresolved: str = "",
    spectrum: Spectrum | None = None,
    has_automatic_localization: bool = False,
    has_exact_losses: bool = True,
    spent: Spent | None = None,
    budget_of_warmup: float = float("nan"),
) -> Estimate:
    """The LLC of one run, with its error, diagnostics, verdict and cost.

    Args:
        draws: All draws, shape (chain, draw).
        num_warmup_draws: First draws of each chain that are not averaged.
        n_beta: n times the inverse temperature.
        localization: gamma.
        num_sampled_params: d.
        work: Cost of the draws.
        seen_share: Share of the heat that biases the loss.
        importance: The loss under the posterior by importance sampling, for draws that were resampled by weights.
        limit: The learning coefficient as n beta grows, where the draws tell; None elsewhere.
        draws_are_means: Whether draws are means over many positions, so that their spread is not the posterior's.
        unpredicted_bias: What biases every estimate of the sampler and is in no prediction; empty where nothing does.
        step_bias: Bias that the sampler's calibration predicts and the estimate is freed of; None: that share of the
            heat is reported as the bias, and left in.
        bias_is_inconsistent: Whether the evidence for that bias disagrees.
        restarts_exhausted: Whether calibration failed to find a stable step size.
        unresolved: What the precision of the chains does not resolve of the posterior; empty where it resolves all.
        spectrum: Spectrum of the Hessian of n beta L_n at w*; None where it was not taken.
        has_automatic_localization: Whether gamma was chosen for the user.
        has_exact_losses: Whether the losses of draws are over all of the data, and not over a batch for each draw.
        spent: What the run was allowed and took, for advice on its budget; None where this is not known.
        budget_of_warmup: Gradients of a run whose warmup the budget does not end; NaN where the warmup came to its end.
    """
    kept = draws.after(num_warmup_draws)
    healthy = draws.healthy
    alive = kept.of_chains(healthy)
    raw = n_beta * alive.centered_loss
    if importance is not None:
        bias, series, summary = 0.0, raw, importance.llc(n_beta)
    elif step_bias is None:
        bias, series, summary = seen_share * _mean(alive.heat), raw, summarize(raw)
    else:
        of_draw = step_bias.of_draw[healthy][:, num_warmup_draws:]
        bias, series, summary = _mean(of_draw), raw - of_draw, corrected_summary(raw, of_draw)
    numbers = JudgedNumbers(
        llc=summary.mean,
        llc_mcse=summary.mcse,
        rhat=summary.rhat,
        ess_bulk=summary.ess_bulk,
        num_chains=draws.num_chains,
        num_failed_chains=int((~healthy).sum()),
        acceptance_rate=_mean(alive.acceptance_rate),
        pareto_khat=importance.pareto_khat if importance else np.nan,
    )
    # The spread of means over many positions is not that of the posterior.
    spread = np.full_like(raw, np.nan) if draws_are_means else raw
    measured = localization_sensitivity(spread, alive.squared_distance, localization)
    virial = virial_of(alive.virial, alive.heat, raw, alive.squared_distance, localization)
    if_homogeneous = homogeneous_sensitivity(spread, numbers.llc, virial)
    local = localized(spectrum, virial, measured, if_homogeneous, numbers.llc, numbers.llc_mcse, localization)
    lowest = _summary_of_lowest_chain(series)
    has_metropolis_test = not np.isnan(numbers.acceptance_rate)
    floor = -LOWER if has_exact_losses else -LOWER - NUM_SIGMAS * _noise_of_draws(raw)
    verdict = judge(
        Diagnostics(
            **vars(numbers),
            num_sampled_params=num_sampled_params,
            num_dead_chains=int((np.ptp(raw, axis=1) == 0).sum()) if raw.size and importance is None else 0,
            has_constant_loss=_has_constant_loss(raw, alive.squared_distance, importance),
            lowest_chain_llc=lowest.mean,
            lowest_chain_mcse=lowest.mcse,
            share_lower=float((raw < floor).mean()) if raw.size else 0.0,
            remaining_bias=_beyond_error(bias, seen_share * spread_of_chains(alive.heat)) if step_bias is None else 0.0,
            subtracted_bias_se=0.0 if step_bias is None else step_bias.se,
            bias_is_inconsistent=bias_is_inconsistent,
            unpredicted_bias=unpredicted_bias,
            energy_variance=np.nan if has_metropolis_test else _mean(alive.energy_change**2) / num_sampled_params,
            restarts_exhausted=restarts_exhausted,
            unresolved=unresolved,
            virial=virial.value if localization > 0 else np.nan,  # without one, flat directions never end
            virial_se=virial.se,
            misses_flat_directions_only=local.misses_flat_directions_only,
            llc_unlocalized=local.llc_unlocalized if has_automatic_localization else np.nan,
            spent=spent,
            budget_of_warmup=budget_of_warmup,
        )
    )
    errors = error_parts(summary.mcse, abs(bias) if step_bias is None else step_bias.se, local.localization_se)
    chain_means = series.mean(axis=1) if series.size else np.array([])
    return Estimate(
        **vars(numbers),
        **vars(work),
        **vars(_efficiency(numbers, work)),
        llc_sampling_se=errors.sampling,
        **vars(local),
        **(vars(_limits(limit)) if limit else {}),
        llc_se=errors.total,
        llc_sd=summary.sd,
        llc_between_chain_sd=float(chain_means.std(ddof=1)) if len(chain_means) > 1 else float("nan"),
        llc_uncorrected=float(raw.mean()) if raw.size else float("nan"),
        step_size_bias=bias,
        step_size_bias_se=errors.step_size,
        ess_tail=summary.ess_tail,
        dispersion=float(raw.var() / raw.mean()) if raw.size and raw.mean() and not draws_are_means else float("nan"),
        num_divergent=int(np.nansum(draws.num_divergent)),
        num_draws=kept.num_draws,
        num_warmup_draws=num_warmup_draws,
        verdict=verdict.name,
        verdict_reason=verdict.reason,
    )


def _noise_of_draws(raw: np.ndarray) -> float:
    """Standard deviation of the noise that batches of their own add to n beta (L - L*) of draws, nats.

    Noise differs from draw to draw while the loss itself hardly does, so that half the mean squared difference between
    neighbours is the variance of the noise, or more.
    """
    return float(np.sqrt(0.5 * np.mean(np.diff(raw, axis=1) ** 2))) if raw.shape[1] > 1 else 0.0


def with_work_of(estimate: Estimate, others: Sequence[Estimate]) -> Estimate:
    """The estimate with the work of others, done on its behalf, counted as its own."""
    everything = (estimate, *others)
    work = Work(
        num_gradients=sum(e.num_gradients for e in everything),
        warmup_gradients=estimate.warmup_gradients,
        sampling_seconds=sum(e.sampling_seconds for e in everything),
        sampling_cpu_seconds=sum(e.sampling_cpu_seconds for e in everything),
        compile_seconds=sum(e.compile_seconds for e in everything),
        num_compilations=sum(e.num_compilations for e in everything),
    )
    return replace(estimate, **vars(work), **vars(_efficiency(estimate, work)))


def with_all_work(estimate: Estimate, everything: Estimate) -> Estimate:
    """The estimate with the work of another in place of its own, which is part of it."""
    names = ("num_gradients", "sampling_seconds", "sampling_cpu_seconds", "compile_seconds", "num_compilations")
    work = {field.name: getattr(estimate, field.name) for field in fields(Work)}
    work |= {name: getattr(everything, name) for name in names}
    return replace(estimate, **work, **vars(_efficiency(estimate, Work(**work))))


def _efficiency(numbers: JudgedNumbers, work: Work) -> Efficiency:
    variance = numbers.llc_mcse**2
    seconds, gradients = work.sampling_seconds, work.num_gradients
    return Efficiency(
        wnv_seconds=variance * seconds,
        wnv_gradients=variance * gradients,
        ess_per_second=numbers.ess_bulk / seconds if seconds else float("nan"),
        ess_per_gradient=numbers.ess_bulk / gradients if gradients else float("nan"),
        time_to_se1=variance * seconds,
        fde_to_se1=variance * gradients,
    )


def _limits(limit: Extrapolation) -> Limits:
    return Limits(
        llc_extrapolated=limit.llc, llc_extrapolated_se=limit.se, multiplicity_extrapolated=limit.multiplicity
    )


def _has_constant_loss(raw: np.ndarray, squared_distance: np.ndarray, importance: Importance | None) -> bool:
    """Whether all draws have one loss although they moved; means along rays may be equal, but then are not zero."""
    is_flat = bool(raw.size and np.ptp(raw) < CONSTANT and np.ptp(squared_distance) > 0)
    return is_flat and (importance is None or float(np.abs(raw).max()) < CONSTANT)


def _summary_of_lowest_chain(series: np.ndarray) -> Summary:
    if series.size == 0:
        return summarize(series)
    lowest = int(series.mean(axis=1).argmin())
    return summarize(series[lowest : lowest + 1])


def _beyond_error(bias: float, se: float) -> float:
    """The part of a bias that is no error of its measurement: what two standard errors leave of it."""
    return float(np.sign(bias) * max(abs(bias) - 2 * se, 0.0)) if np.isfinite(se) else bias


def _mean(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN where none is finite."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
