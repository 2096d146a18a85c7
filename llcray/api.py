"""The Python API: `estimate_llc` of any pytree and per-example loss, without a sweep file, Ray or a dataset."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from llcray_storage.estimate_words import estimate_of

from llcray.array_types import PyTree, Row
from llcray.display import html
from llcray.display.progress import NoBar, progress_bar
from llcray.llc.draws import Draws
from llcray.llc.estimate import Estimate
from llcray.llc.susceptibility import Measured, bayesian_influence, susceptibility
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import SamplerVariant
from llcray.sampling.spec import SamplingSpec
from llcray.spec.keywords import explain_keywords
from llcray.spec.settings import parse_posterior, parse_sampler, parse_sampling
from llcray.targets.target import Target, TrueLLC
from llcray.targets.trees import check_data, check_params
from llcray.variant import seed_from, whole_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LLCEstimate", "estimate_llc"]

HINT = "e.plot() draws the chains; e.decisions says what was chosen; e.to_inference_data() opens in ArviZ."


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

    def _repr_html_(self) -> str:
        rows = [
            ("verdict", " ".join([html.verdict(self.verdict), html.text(self.verdict_reason)]).strip()),
            ("R-hat, effective draws", html.text(f"{self.rhat:.3f}, {self.ess_bulk:,.0f}")),
            ("parameters, examples", html.text(f"{self.record['num_sampled_params']:,}, {self.record['num_data']:,}")),
            ("full-data gradients", html.text(f"{self.num_gradients:,.0f}")),
            *(("warning", html.text(warning)) for warning in self.record["warnings"]),
        ]
        return html.titled_list(f"LLC {html.bold(estimate_of(vars(self)))}", rows, HINT)

    def plot(self, name: str = "running_llc") -> "Figure":
        """A plot of the draws, as `llcray diagnose` draws it.

        Args:
            name: `running_llc`, `trace`, `autocorrelation`, `rank`, `energy`, ...; an unknown name lists them.

        Raises:
            ReportError: There is no such plot, or the sampler does not record what it shows.
        """
        from llcray.results.estimate_figure import figure_of_estimate

        return figure_of_estimate(self.record, self.draws, self.num_warmup_draws, name)

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
        """The draws as an ArviZ DataTree, as `llcray export` writes it.

        Group `posterior` holds the kept draws of `llc`, whose mean is the estimate, and of `loss`; `sample_stats` holds
        the other series that the sampler records, `warmup_...` the burn-in, and the attributes the estimate. Where no
        chain stayed finite, all draws are there as they are.
        """
        from llcray.results.estimate_figure import data_tree_of_estimate

        return data_tree_of_estimate(self.record, self.draws, self.num_warmup_draws)


@explain_keywords
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
    show_progress: bool | None = None,
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
        show_progress: Whether a bar shows the share of the budget that is spent; by default in notebooks, and where
            standard error is a terminal.

    Raises:
        TypeError: A keyword is no argument; the error says where such a setting belongs.
        ValueError: The loss is not one finite number per example, or depends on the other examples of its batch,
            parameters are not floating point, arrays of data are not equally long, the component is empty, or a
            setting is impossible.
    """
    from llcray.components.masks import mask_of
    from llcray.estimation.companions import estimate_with_companions
    from llcray.estimation.request import EstimateRequest
    from llcray.estimation.rows import record_of
    from llcray.posterior.density import num_data_of, resolve_n_beta

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

    n_beta = resolve_n_beta(request.posterior, num_data_of(target))
    with progress_bar("LLC") if show_progress is None or show_progress else nullcontext(NoBar()) as bar:
        spent = 0.0

        def observe(index: int, phase: str, draws: Draws | None) -> None:
            nonlocal spent
            if draws is None:
                bar.show(min(1.0, spent / settings.budget.num_gradients), phase)
                return
            spent += float(np.nansum(draws.num_gradients))
            level = n_beta * draws.mean_loss
            bar.show(min(1.0, spent / settings.budget.num_gradients), f"{phase}, {level:.4g}")
            if on_progress is not None:
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
