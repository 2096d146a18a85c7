"""Estimates that need companions: other temperatures or gammas, or a finer step, sampled beside them in the same pack.

A request that asks for `temperatures`, a ladder of localizations or `richardson` becomes several estimates, which are
joined into the one that was asked for, with the work of all (`llcray.llc.extrapolation`, `llcray.llc.ladder`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llcray.estimation.pack import RunEstimate, estimate_pack, raise_failure
from llcray.estimation.prepare import FailureFn
from llcray.estimation.request import EstimateRequest
from llcray.llc.draws import Draws
from llcray.llc.estimate import Estimate, with_all_work, with_work_of
from llcray.llc.extrapolation import Extrapolation, extrapolate_step_size, extrapolate_temperature
from llcray.llc.free_energy import reweigh
from llcray.llc.ladder import Rung, find_plateau
from llcray.sampling.engine import ProgressFn
from llcray.sampling.schedules.requests import Phase
from llcray.targets.target import Target
from llcray.variant import seed_from

# Verdicts of companions that still say something about the limit.
RUNG = "gamma x "
"""The names of rungs begin with this."""
USABLE = ("ok", "not_converged", "biased_step", "gamma_decides")


@dataclass(frozen=True)
class Member:
    """One of the estimates that a request becomes.

    Attributes:
        owner: Index of the request.
        name: What it is to its owner: `itself`, `finer`, its temperature, or a rung such as `gamma x 0.1`.
        request: What to estimate.
    """

    owner: int
    name: str | float
    request: EstimateRequest


def estimate_with_companions(
    wanted: Sequence[tuple[Target, EstimateRequest]],
    on_progress: ProgressFn | None = None,
    on_failure: FailureFn = raise_failure,
    max_width: int | None = None,
) -> Iterator[tuple[int, RunEstimate]]:
    """`estimate_pack`, with companions where a request asks for them. Progress is that of the estimate itself."""
    members = [member for index, (_, request) in enumerate(wanted) for member in members_of(index, request)]
    expected = {index: sum(member.owner == index for member in members) for index in range(len(wanted))}
    done: dict[int, dict[str | float, RunEstimate]] = {index: {} for index in expected}
    failed: set[int] = set()

    def report(index: int, phase: Phase, draws: Draws | None) -> None:
        if on_progress is not None and members[index].name == "itself":
            on_progress(members[index].owner, phase, draws)

    def fail(index: int, error: Exception) -> None:
        owner = members[index].owner
        if owner not in failed:
            failed.add(owner)
            on_failure(owner, error)

    pack = [(wanted[member.owner][0], member.request) for member in members]
    for index, result in estimate_pack(pack, report, fail, max_width):
        member = members[index]
        results = done[member.owner]
        results[member.name] = result
        if len(results) == expected[member.owner] and member.owner not in failed:
            yield member.owner, join(done.pop(member.owner), wanted[member.owner][1])


def members_of(index: int, request: EstimateRequest) -> list[Member]:
    """The estimates a request becomes: itself first."""
    members = [Member(index, "itself", request)]
    alone = replace(request, keeper=None, handover=None)
    for temperature in dict.fromkeys(request.posterior.temperatures):
        if temperature != 1.0:
            changed = replace(alone, temperature=temperature, seed=_seed(request.seed, temperature))
            members.append(Member(index, temperature, changed))
    for share in request.posterior.rungs[1:]:
        name = f"{RUNG}{share:g}"
        members.append(Member(index, name, replace(alone, localization_share=share, seed=_seed(request.seed, name))))
    if request.sampling.richardson and request.sampler.bias_order is not None:
        changed = replace(alone, sampler=request.sampler.finer(), seed=_seed(request.seed, "finer"))
        members.append(Member(index, "finer", changed))
    return members


def _seed(seed: int, name: str | float) -> int:
    return seed_from(f"{seed} {name}")


def join(results: dict[str | float, RunEstimate], request: EstimateRequest) -> RunEstimate:
    """The estimate asked for, completed by its companions."""
    own = results["itself"]
    others = [result.estimate for name, result in results.items() if name != "itself"]
    if not others:
        return own
    estimate, record = with_work_of(own.estimate, others), list(own.sampled.decisions)
    tempered = [result for name, result in results.items() if name == "itself" or isinstance(name, float)]
    if len(tempered) > 1:
        found = _across_temperatures(tempered)
        estimate = replace(
            estimate,
            llc_extrapolated=found.llc,
            llc_extrapolated_se=found.se,
            multiplicity_extrapolated=found.multiplicity,
        )
        estimate = _reweighted(estimate, tempered)
        record += [_point(result) for result in tempered] + [_fit_record(fit) for fit in found.fits]
    if "finer" in results:
        finer, order = results["finer"], request.sampler.bias_order
        assert order is not None
        line = extrapolate_step_size(
            (own.sampled.step_size**order, finer.sampled.step_size**order),
            (own.estimate.llc_uncorrected, finer.estimate.llc_uncorrected),
            (own.estimate.llc_mcse, finer.estimate.llc_mcse),
        )
        estimate = replace(estimate, llc_richardson=line.llc, llc_richardson_mcse=line.se)
        record.append({"action": "finer step", **_numbers(finer), "step_size": _rounded(finer.sampled.step_size)})
    joined = replace(own, estimate=estimate, sampled=replace(own.sampled, decisions=record))
    rungs = [result for name, result in results.items() if str(name).startswith(RUNG)]
    return _on_the_ladder(joined, rungs) if rungs else joined


def _on_the_ladder(first: RunEstimate, weaker: list[RunEstimate]) -> RunEstimate:
    """The rung of the weakest gamma on the plateau, with the work of all; the first rung where there is no plateau.

    Args:
        first: The estimate at the largest gamma, with the work of all companions.
        weaker: The other rungs.
    """
    results = sorted([first, *weaker], key=lambda result: -result.sampled.localization)
    rungs = [_rung(result) for result in results]
    plateau = find_plateau(rungs)
    if plateau is None:
        estimate = first.estimate
        if estimate.verdict == "ok":
            estimate = replace(estimate, verdict="gamma_decides", verdict_reason=_no_plateau(rungs))
        return replace(first, estimate=estimate, ladder=tuple(rungs))
    chosen = results[plateau.members[0]]
    estimate = replace(
        with_all_work(chosen.estimate, first.estimate),
        llc_plateau=plateau.llc,
        llc_plateau_se=plateau.se,
        localization_se=plateau.spread,
    )
    estimate = replace(estimate, llc_se=math.hypot(estimate.llc_sampling_se, plateau.spread))
    return replace(chosen, estimate=estimate, ladder=tuple(rungs))


def _rung(result: RunEstimate) -> Rung:
    e = result.estimate
    return Rung(result.sampled.localization, e.llc, e.llc_sampling_se, e.verdict, e.llc_unlocalized)


def _no_plateau(rungs: list[Rung]) -> str:
    found = ", ".join(f"{rung.llc:.3g} at {rung.localization:.2g} ({rung.verdict})" for rung in rungs)
    return f"No plateau: gamma decides. The LLC is {found}."


def _across_temperatures(tempered: list[RunEstimate]) -> Extrapolation:
    usable = [result for result in tempered if result.estimate.verdict in USABLE]
    if len(usable) < 2:
        return Extrapolation(math.nan, math.nan, math.nan, ())
    estimates = [result.estimate for result in usable]
    errors = [math.hypot(e.llc_mcse, e.step_size_bias_se) for e in estimates]
    return extrapolate_temperature([result.n_beta for result in usable], [e.llc for e in estimates], errors)


def _reweighted(estimate: Estimate, tempered: list[RunEstimate]) -> Estimate:
    """The estimate, first of `tempered`, with what the draws of all temperatures say of it, where they have no bias."""
    if not all(
        result.estimate.verdict == "ok" and math.isfinite(result.estimate.acceptance_rate) for result in tempered
    ):
        return estimate
    losses = [r.sampled.draws.after(r.sampled.num_warmup_draws).centered_loss for r in tempered]
    found = reweigh([result.n_beta for result in tempered], losses)
    return replace(
        estimate,
        llc_reweighted=float(found.llc[0]),
        llc_reweighted_se=float(found.llc_se[0]),
        free_energy_slope=found.slope,
        free_energy_slope_se=found.slope_se,
    )


def _point(result: RunEstimate) -> dict[str, Any]:
    return {"action": "temperature", "n_beta": _rounded(result.n_beta), **_numbers(result)}


def _numbers(result: RunEstimate) -> dict[str, Any]:
    e = result.estimate
    return {"llc": _rounded(e.llc), "mcse": _rounded(e.llc_mcse), "verdict": e.verdict}


def _fit_record(fit: Any) -> dict[str, Any]:
    numbers = {name: _rounded(getattr(fit, name)) for name in ("llc", "se", "weight", "misfit")}
    return {"action": "extrapolation", "model": fit.model, **numbers}


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")
