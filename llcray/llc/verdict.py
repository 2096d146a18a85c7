"""The verdict on an estimate: written rules, a pure function of the diagnostics.

The verdicts, their meanings, their order and the limits are declared in `llcray_storage.schema.verdicts`.
"""

import math
from dataclasses import dataclass

from llcray_storage.schema.verdicts import (
    CERTAIN_SIGMAS,
    EXACT_EXCESS,
    MAX_CERTAINLY_MISSING,
    MAX_ENERGY_VARIANCE,
    MAX_KHAT,
    MAX_MISSING,
    MAX_RELATIVE_BIAS,
    MAX_RELATIVE_MCSE,
    MAX_RISE,
    MAX_SHARE_LOWER,
    MIN_ACCEPTANCE,
    MIN_ESS,
    NOTABLE_BIAS,
    NUM_SIGMAS,
    RHAT_LIMIT,
    VerdictName,
)

from llcray.llc.advice import Spent, raise_budget, rounded_up

# Nats. Rounding of a loss that does not depend on the parameters stays below this.
CONSTANT = 1e-9
# Nats. At a minimum no draw near it is lower; rounding of float32 chains stays far below this.
LOWER = 1.0
# Nats. A Monte Carlo error below this is small whatever it is beside.
NOTABLE_MCSE = 0.05
# R-hat above which chains are not stationary, so that it does not fall in proportion to their length.
FAR_FROM_MIXED = 1.2


@dataclass(frozen=True, kw_only=True)
class JudgedNumbers:
    """The numbers of an estimate that its verdict depends on and that its row of the dataset holds.

    Names, units and meanings are those of the columns; NaN where a number is unknown. All but the counts of chains are
    of the healthy chains.
    """

    llc: float
    llc_mcse: float
    rhat: float
    ess_bulk: float
    num_chains: int
    num_failed_chains: int = 0
    acceptance_rate: float = float("nan")
    pareto_khat: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Diagnostics(JudgedNumbers):
    """All that the verdict depends on. LLC and errors in nats; NaN where unknown.

    Attributes:
        num_sampled_params: d, the dimension sampled.
        num_dead_chains: Chains whose loss never changed.
        has_constant_loss: Whether all draws have one loss although the parameters moved.
        lowest_chain_llc: Smallest mean over one chain.
        lowest_chain_mcse: Monte Carlo standard error of that mean.
        share_lower: Share of the kept draws whose n beta (L - L*) is below minus one nat, beyond three standard
            deviations of its noise where losses are taken on batches.
        remaining_bias: Part of the predicted step-size bias that is left in `llc`.
        subtracted_bias_se: Standard error of the part that was subtracted.
        energy_variance: Mean square energy error of a step per dimension, of samplers without a Metropolis test.
        bias_is_inconsistent: Whether the evidence for a subtracted step-size bias disagrees beyond its errors.
        unpredicted_bias: What biases every estimate of the sampler and is in no prediction; empty where nothing does.
        restarts_exhausted: Whether calibration gave up on finding a stable step size.
        unresolved: What the precision of the chains does not resolve of the posterior; empty where it resolves all.
        virial: The virial, d where chains have arrived; `virial_se` is its standard error.
        misses_flat_directions_only: Whether what the virial misses lies where the loss is flat.
        llc_unlocalized: The LLC that this approximation promises without a localization; NaN where it is not known or
            gamma was set by hand, which makes it part of the question.
        spent: What the run was allowed and took; None where this is not known.
        budget_of_warmup: Gradients of a run whose warmup the budget does not end; NaN where the warmup came to its end.
    """

    num_sampled_params: int
    num_dead_chains: int = 0
    has_constant_loss: bool = False
    lowest_chain_llc: float = float("nan")
    lowest_chain_mcse: float = float("nan")
    share_lower: float = 0.0
    remaining_bias: float = 0.0
    subtracted_bias_se: float = 0.0
    energy_variance: float = float("nan")
    bias_is_inconsistent: bool = False
    unpredicted_bias: str = ""
    restarts_exhausted: bool = False
    unresolved: str = ""
    virial: float = float("nan")
    virial_se: float = float("nan")
    misses_flat_directions_only: bool = False
    llc_unlocalized: float = float("nan")
    spent: Spent | None = None
    budget_of_warmup: float = float("nan")


@dataclass(frozen=True)
class Verdict:
    """A verdict and the sentence that explains it with the measured value; the sentence is empty for `ok`."""

    name: VerdictName
    reason: str


def judge(d: Diagnostics) -> Verdict:
    """The verdict of the first rule that applies, gravest first.

    * `diverged`: a chain went non-finite, or no stable step size was found.
    * `escaped`: the estimate, or one chain, is negative beyond three standard errors, or more than 1% of the draws lie
      below w* by more than a nat: w* is not a local minimum, and the chain found lower loss.
    * `biased_step`: the step-size bias left in the estimate exceeds a tenth of it, or a twentieth and three standard
      errors; acceptance is below 0.3; the energy error per dimension of an unadjusted microcanonical sampler is above
      0.001; or the estimate exceeds d/2 by a tenth and three standard errors, which no minimum does; with a Metropolis
      test, if it exceeds d by three. Where chains have arrived by R-hat, effective draws and error, also: the sampler
      has a bias that nothing predicts.
    * `biased_weights`: k-hat of importance weights is above 0.7.
    * `not_converged`: a posterior that the chains' precision does not resolve, a loss that does not depend on the
      parameters, a warmup that the budget ended, a chain that never moved, split R-hat above 1.05, fewer than 50
      effective draws, a sampling error above a quarter of the estimate, or a virial that misses a fifth of d beyond
      three standard errors, or a tenth beyond five, unless only directions that the loss does not see miss: the
      estimate is that of the quadratic approximation at w*, and chains have spread in half of the directions that it
      leaves to gamma.
    * `gamma_decides`: the loss is quadratic, and without the automatic localization its LLC would be larger by half.
    * `ok`: none of these.
    """
    for rule in (
        _diverged,
        _warmup_ended_early,
        _unresolved,
        _escaped,
        _biased_weights,
        _biased_step,
        _not_converged,
        _unpredicted_bias,
        _misses_directions,
        _gamma_decides,
    ):
        if verdict := rule(d):
            return verdict
    return Verdict("ok", "")


def _diverged(d: Diagnostics) -> Verdict | None:
    if d.num_failed_chains:
        return Verdict(
            "diverged",
            f"{d.num_failed_chains} of {d.num_chains} chains went non-finite. Lower the step size, or use kind: auto.",
        )
    if d.restarts_exhausted:
        return Verdict("diverged", "No step size was stable. Check that w* is a minimum, or raise the localization.")
    return None


def _warmup_ended_early(d: Diagnostics) -> Verdict | None:
    if math.isnan(d.budget_of_warmup):
        return None
    budget = d.budget_of_warmup
    wanted = f" to at least {{num_gradients: {rounded_up(budget)}}}" if math.isfinite(budget) else ""
    return Verdict(
        "not_converged",
        f"The budget ended the warmup early, and the draws are not of the posterior. Raise the budget{wanted}.",
    )


def _unresolved(d: Diagnostics) -> Verdict | None:
    """Comes before `_escaped`, since differences that the chains' precision rounds away may be negative as well."""
    if d.unresolved:
        return Verdict(
            "not_converged",
            f"{d.unresolved}, and so many parameters stay in float32. Use hmc, which moves in float64, sample a "
            "component, or rescale the model.",
        )
    return None


def _escaped(d: Diagnostics) -> Verdict | None:
    advice = "w* is not a local minimum. Train longer, or raise the localization."
    if d.llc < -NUM_SIGMAS * d.llc_mcse:
        return Verdict("escaped", f"The estimate is negative ({d.llc:.3g} +- {d.llc_mcse:.2g}): {advice}")
    if d.lowest_chain_llc < -NUM_SIGMAS * d.lowest_chain_mcse:
        return Verdict("escaped", f"One chain found lower loss than w* (its LLC is {d.lowest_chain_llc:.3g}): {advice}")
    if d.share_lower > MAX_SHARE_LOWER:
        return Verdict("escaped", f"{d.share_lower:.0%} of the draws have lower loss than w*, by over a nat: {advice}")
    return None


def _biased_weights(d: Diagnostics) -> Verdict | None:
    if d.pareto_khat > MAX_KHAT:
        return Verdict(
            "biased_weights",
            f"Pareto k-hat of the weights is {d.pareto_khat:.2g}, above {MAX_KHAT}: the proposal misses parts of the "
            "posterior. Use a chain: auto or hmc.",
        )
    return None


def _biased_step(d: Diagnostics) -> Verdict | None:
    bias, size = abs(d.remaining_bias), abs(d.llc)
    if bias > max(MAX_RELATIVE_BIAS * size, d.llc_mcse) or bias > max(NOTABLE_BIAS * size, NUM_SIGMAS * d.llc_mcse):
        share = abs(d.remaining_bias / d.llc)
        return Verdict(
            "biased_step",
            f"The step size biases the estimate by about {d.remaining_bias:.3g} nats ({share:.0%}). "
            "Lower it, or use kind: auto.",
        )
    if d.bias_is_inconsistent:
        return Verdict(
            "biased_step",
            "The bias of the step size is not known: levels at two steps, heat and gradient noise disagree, or the "
            "budget did not pay for measuring it. Raise the budget, lower max_heat, or use an exact sampler.",
        )
    if d.acceptance_rate < MIN_ACCEPTANCE:
        return Verdict(
            "biased_step",
            f"Only {d.acceptance_rate:.0%} of proposals are accepted. Raise num_warmup, or use kind: auto.",
        )
    if d.energy_variance > MAX_ENERGY_VARIANCE:
        return Verdict(
            "biased_step",
            f"The energy error per dimension is {d.energy_variance:.2g}, above {MAX_ENERGY_VARIANCE:g}, and nothing "
            "rejects it. Lower energy_variance, raise num_warmup, or use kind: auto.",
        )
    bound = 0.5 * d.num_sampled_params
    if not math.isnan(d.acceptance_rate) or not math.isnan(d.pareto_khat):
        # A Metropolis test, or weights, leave no bias of the step, and d/2 bounds the limit of n: at a small n the
        # posterior's own value may lie above it.
        if d.llc > EXACT_EXCESS * bound and d.llc - EXACT_EXCESS * bound > NUM_SIGMAS * d.llc_mcse:
            return Verdict(
                "biased_step",
                f"The estimate {d.llc:.3g} exceeds d = {2 * bound:g}, twice what any minimum has: the chains left w*. "
                "Raise the localization.",
            )
    elif d.llc > (1 + MAX_RELATIVE_BIAS) * bound and d.llc - bound > NUM_SIGMAS * d.llc_mcse:
        return Verdict(
            "biased_step",
            f"The estimate {d.llc:.3g} exceeds d/2 = {bound:g}, which no minimum has: the step is too large, or the "
            "chains left w*. Lower the step size, or raise the localization.",
        )
    return None


def _not_converged(d: Diagnostics) -> Verdict | None:
    if d.has_constant_loss:
        return Verdict(
            "not_converged",
            "The loss is the same wherever the parameters went: it does not depend on them, and its LLC is 0. Check "
            "that loss_fn uses the parameters, and that there is more than one class.",
        )
    if d.num_dead_chains:
        return Verdict(
            "not_converged", f"{d.num_dead_chains} of {d.num_chains} chains never moved. Lower the step size."
        )
    # Comparisons are written so that NaN, too, fails them.
    advice = _advice(d)
    if math.isnan(d.rhat) and math.isnan(d.pareto_khat):
        return Verdict("not_converged", f"R-hat is not known: the draws kept are too few or constant. {advice}")
    if d.rhat > RHAT_LIMIT:
        return Verdict("not_converged", f"Split R-hat is {d.rhat:.4f}, above {RHAT_LIMIT}. {advice}")
    if not d.ess_bulk >= MIN_ESS:
        return Verdict("not_converged", f"Only {d.ess_bulk:.0f} effective draws, fewer than {MIN_ESS:.0f}. {advice}")
    largest = max(MAX_RELATIVE_MCSE * abs(d.llc), NOTABLE_MCSE)
    if d.llc_mcse > largest:
        return Verdict("not_converged", f"The Monte Carlo error {d.llc_mcse:.2g} is large beside {d.llc:.3g}. {advice}")
    if math.hypot(d.llc_mcse, d.subtracted_bias_se) > largest:
        return Verdict(
            "not_converged",
            f"The step-size bias that was subtracted is known to +- {d.subtracted_bias_se:.2g} nats only, beside "
            f"{d.llc:.3g}. Raise the budget, or lower max_heat.",
        )
    return None


def _unpredicted_bias(d: Diagnostics) -> Verdict | None:
    """Doubts a sampler rather than its chains, and so comes after the rules that tell whether chains have arrived.

    It comes before the virial, which such a bias moves as well.
    """
    if d.unpredicted_bias:
        return Verdict("biased_step", f"{d.unpredicted_bias[0].upper()}{d.unpredicted_bias[1:]}.")
    return None


def _misses_directions(d: Diagnostics) -> Verdict | None:
    missing = d.num_sampled_params - d.virial
    is_much = missing > max(MAX_MISSING * d.num_sampled_params, NUM_SIGMAS * d.virial_se)
    is_certain = missing > max(MAX_CERTAINLY_MISSING * d.num_sampled_params, CERTAIN_SIGMAS * d.virial_se)
    if (is_much or is_certain) and not d.misses_flat_directions_only:
        return Verdict(
            "not_converged",
            f"The virial is {d.virial:.3g} where chains that have arrived have {d.num_sampled_params}: they have not "
            f"spread in all directions. {_advice(d)}",
        )
    return None


def _advice(d: Diagnostics) -> str:
    """Says how much more work each rule asks for that the run has failed, by the one that asks for most."""
    missing = (d.num_sampled_params - d.virial) / d.num_sampled_params
    are_chains = math.isnan(d.pareto_khat)
    factors = [(d.rhat - 1) / (RHAT_LIMIT - 1)] if are_chains else []
    factors.append(MIN_ESS / d.ess_bulk if d.ess_bulk else math.inf)
    if d.llc_mcse > NOTABLE_MCSE and d.llc:
        factors.append((d.llc_mcse / (MAX_RELATIVE_MCSE * d.llc)) ** 2)
    if MAX_MISSING < missing < 1 and not d.misses_flat_directions_only:
        factors.append(math.log(MAX_MISSING) / math.log(missing))
    is_far = (are_chains and not d.rhat <= FAR_FROM_MIXED) or missing > MAX_MISSING
    return raise_budget(d.spent, max(factors), is_lower_bound=is_far)


def _gamma_decides(d: Diagnostics) -> Verdict | None:
    if d.llc_unlocalized > (1 + MAX_RISE) * d.llc:
        return Verdict(
            "gamma_decides",
            f"The automatic gamma holds directions that the loss sees: without it the LLC would be about "
            f"{d.llc_unlocalized:.3g}. Set posterior: {{localization: ladder}}, or rescale the model.",
        )
    return None
