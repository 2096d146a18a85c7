"""The Python API: `estimate_llc` of any pytree and per-example loss, without a sweep file, Ray or a dataset."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from llcray_storage.estimate_words import estimate_of
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from llcray.array_types import PyTree, Row
from llcray.llc.draws import Draws
from llcray.llc.estimate import Estimate
from llcray.llc.susceptibility import Measured, bayesian_influence, susceptibility
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import Sampler, SamplerVariant
from llcray.sampling.spec import SamplingSpec
from llcray.spec.problems import suggestion
from llcray.targets.target import Target, TrueLLC
from llcray.targets.trees import check_data, check_params
from llcray.variant import seed_from, whole_number

__all__ = ["LLCEstimate", "estimate_llc"]


@dataclass(frozen=True, kw_only=True)
class LLCEstimate(Estimate):
    """An LLC with its error bar, diagnostics, verdict and draws.

    Among the numbers of `Estimate`, `e.llc_sampling_se` is the sampling error of `e.llc` at its gamma, and
    `e.localization_se` is how far a smaller gamma could move it; `e.llc_se` joins both. Names and units are those of
    the dataset's data dictionary.

    Attributes:
        draws: Draws, burn-in included, each of shape (chain, draw).
        n_beta: n times the inverse temperature.
        localization: gamma.
        loss_at_center: L_n(w*), nats.
        true_llc: The known answer, where the target has one.
        decisions: Every decision of the calibration, with its reason.
        record: The row that a sweep would write, by column, without the identity of a spec and of the machine.
    """

    draws: Draws
    n_beta: float
    localization: float
    loss_at_center: float
    true_llc: TrueLLC | None
    decisions: list[dict[str, Any]]
    record: Row

    @property
    def estimate(self) -> Estimate:
        """The numbers alone, without draws and settings."""
        return Estimate(**{field.name: getattr(self, field.name) for field in fields(Estimate)})

    def __repr__(self) -> str:
        # A repr is ASCII, so that every stream takes it.
        words = estimate_of(vars(self)).replace("±", "+-")
        return (
            f"LLC {words}: {self.verdict} (R-hat {self.rhat:.3f}, ESS {self.ess_bulk:.0f}, "
            f"{self.num_gradients:.0f} full-data gradients)"
        )

    def susceptibility(self) -> Measured:
        """Response of the sampled component's loss to each probe example, shape (example,), nats^2.

        Raises:
            ValueError: The estimate was made without `observables`.
        """
        kept = self._kept_of_healthy_chains()
        return susceptibility(kept.centered_loss, kept.observables)

    def influence(self) -> Measured:
        """Bayesian influence of each probe example on each other, shape (example, example), nats^2.

        Raises:
            ValueError: The estimate was made without `observables`.
        """
        return bayesian_influence(self._kept_of_healthy_chains().observables)

    def _kept_of_healthy_chains(self) -> Draws:
        kept = self.draws.after(self.num_warmup_draws)
        if not kept.observables.shape[2]:
            raise ValueError("no probe examples were recorded. Give estimate_llc(..., observables=examples).")
        return kept.of_chains(self.draws.healthy)

    def to_inference_data(self) -> Any:
        """The kept draws as an ArviZ DataTree.

        Group `posterior` holds `llc`, which is n beta (L - L*), and `loss`; group `sample_stats` holds all other
        series.
        """
        from arviz_base import from_dict

        kept = self.draws.after(self.num_warmup_draws)
        stats = {name: np.asarray(value) for name, value in zip(kept._fields, kept, strict=True)}
        centered_loss = stats.pop("centered_loss")
        posterior = {"llc": self.n_beta * centered_loss, "loss": self.loss_at_center + centered_loss}
        return from_dict({"posterior": posterior, "sample_stats": stats})


def estimate_llc(
    target: Target,
    sampler: str | dict[str, Any] | SamplerVariant = "auto",
    *,
    num_chains: int = 4,
    seed: int = 0,
    component: str | PyTree | None = None,
    observables: PyTree = None,
    posterior: PosteriorSpec | dict[str, Any] | None = None,
    sampling: SamplingSpec | dict[str, Any] | None = None,
    on_progress: Callable[[Draws], None] | None = None,
) -> LLCEstimate:
    """The local learning coefficient of `target` at its parameters.

    Args:
        target: Parameters w*, per-example loss in nats, data.
        sampler: A kind (`"auto"`, `"sgld"`, ...), a mapping as in a sweep file, or a sampler.
        num_chains: Independent chains.
        seed: Seed of the draws.
        component: Parameters that move: a text such as `l0 attn`, `l0h1` or `*/mlp/*` (see
            `llcray.components.grammar`), or a pytree of booleans or boolean arrays like the parameters; None for all.
        observables: Probe examples, in the form of the target's data, whose losses are recorded at each draw
            (`e.draws.observables`): for `e.susceptibility()` and `e.influence()`.
        posterior: Inverse temperature and localization, or a mapping as in a sweep file; by default beta = 1/log n and
            automatic localization.
        sampling: Criteria to stop by and budget, or a mapping as in a sweep file.
        on_progress: Called with each newest block of draws.

    Raises:
        ValueError: The loss is not one finite number per example, or depends on the other examples of its batch,
            parameters are not floating point, arrays of data are not equally long, the component is empty, or a
            setting is impossible.
    """
    from llcray.components.masks import mask_of
    from llcray.estimation.companions import estimate_with_companions
    from llcray.estimation.request import EstimateRequest
    from llcray.estimation.rows import record_of

    check_params(target.params)
    check_data(target.data)
    fields_of_sampling = dict(parse_sampling(sampling)) | {"num_chains": whole_number("num_chains", num_chains)}
    settings = parse_sampling(fields_of_sampling)
    request = EstimateRequest(
        sampler=parse_sampler(sampler),
        posterior=parse_posterior(posterior),
        sampling=settings,
        seed=seed_from(f"estimate_llc {whole_number('seed', seed)}"),
        mask=mask_of(component, target.params, target.structure) if isinstance(component, str) else component,
        probe=observables,
        component=component if isinstance(component, str) else "all" if component is None else "mask",
    )

    def observe(index: int, phase: str, draws: Draws | None) -> None:
        if on_progress is not None and draws is not None:
            on_progress(draws)

    [(_, run)] = estimate_with_companions([(target, request)], observe)
    return LLCEstimate(
        **vars(run.estimate),
        draws=run.sampled.draws,
        n_beta=run.n_beta,
        localization=run.sampled.localization,
        loss_at_center=run.loss_at_center,
        true_llc=run.true_llc,
        decisions=run.sampled.decisions,
        record=record_of(run, target),
    )


def parse_sampler(sampler: str | dict[str, Any] | SamplerVariant) -> SamplerVariant:
    """The sampler that a kind or a mapping names; a sampler is returned as it is.

    Raises:
        ValueError: There is no such sampler, or it has no such setting.
    """
    if isinstance(sampler, SamplerVariant):
        return sampler
    mapping = {"kind": sampler} if isinstance(sampler, str) else sampler
    return _parsed("sampler", TypeAdapter(Sampler), mapping)


def parse_posterior(posterior: PosteriorSpec | dict[str, Any] | None) -> PosteriorSpec:
    """The posterior that a mapping names as in a sweep file; a spec is returned as it is, and None is the default.

    Raises:
        ValueError: There is no such setting.
    """
    return _parsed("posterior", TypeAdapter(PosteriorSpec), {} if posterior is None else posterior)


def parse_sampling(sampling: SamplingSpec | dict[str, Any] | None) -> SamplingSpec:
    """The criteria and budget that a mapping names as in a sweep file; a spec is returned as it is.

    Raises:
        ValueError: There is no such setting.
    """
    return _parsed("sampling", TypeAdapter(SamplingSpec), {} if sampling is None else sampling)


def _parsed(name: str, form: TypeAdapter[Any], value: Any) -> Any:
    try:
        return form.validate_python(value)
    except ValidationError as error:
        raise ValueError("; ".join(_mistake(name, found) for found in error.errors(include_url=False))) from None


def _mistake(name: str, error: ErrorDetails) -> str:
    """One mistake in a line: where, what, and what was given."""
    place = ".".join([name, *map(str, error["loc"])])
    if error["type"] == "union_tag_invalid":
        context = error.get("ctx", {})
        kinds = [kind.strip(" '") for kind in context["expected_tags"].split(",")]
        given = str(context["tag"])
        return f"{place}: there is no kind '{given}'{suggestion(given, kinds)} There are {', '.join(kinds)}."
    if error["type"] == "extra_forbidden":
        return f"{place}: there is no such setting."
    return f"{place}: {error['msg']}; got {error['input']!r:.80}"
