"""The tracker, which estimates the LLC of a model while somebody else's loop trains it.

    tracker = LLCTracker(loss_fn, components=["all", "l0 attn"], every=100, storage="results", name="my_run")
    for step in range(num_steps):
        params = update(params)
        tracker.track(step, params, probe_set)
    tracker.evolution()

Each estimate is a row of the dataset as soon as it is made. Chains of `auto` go on from those of the step tracked
before (`llcray.sampling.schedules.warm`). With other samplers, and with `warm_start=False`, chains start at w*, and all
steps of a component share their seeds (common random numbers), so that differences between steps carry less noise than
the estimates.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llcray_storage.estimate_words import estimate_of

from llcray.array_types import Row
from llcray.components import Structure, parse
from llcray.components.masks import mask_of
from llcray.display import html
from llcray.estimation.rows import draw_rows
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import SamplerVariant
from llcray.sampling.handover import Handover
from llcray.sampling.spec import SamplingSpec
from llcray.spec.keywords import explain_keywords
from llcray.spec.settings import parse_posterior, parse_sampler, parse_sampling
from llcray.targets.target import LossFn, PyTree, Target
from llcray.targets.trees import check_data, check_params
from llcray.tracking import records
from llcray.tracking.sources import SURROGATES, examples_of, params_of
from llcray.tracking.torch_module import is_torch_module, target_of_module
from llcray.variant import whole_number


@dataclass(frozen=True)
class Tracked:
    """The estimates of one call of `LLCTracker.track`.

    Attributes:
        step: Training step.
        rows: A row of `runs` for each component, by its name.
    """

    step: int
    rows: dict[str, Row]

    def __repr__(self) -> str:
        lines = [
            f"step {self.step}, {name}: LLC {estimate_of(row).replace('±', '+-')}: {row['verdict']}"
            for name, row in self.rows.items()
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            [html.text(name), html.bold(estimate_of(row)), html.verdict(row["verdict"])]
            for name, row in self.rows.items()
        ]
        return html.grid(["component", f"LLC at step {self.step}", "verdict"], rows)

    @property
    def llc(self) -> dict[str, float]:
        """The estimate of each component."""
        return {component: row["llc"] for component, row in self.rows.items()}


@explain_keywords
@dataclass
class LLCTracker:
    """Estimates LLCs at steps of a training.

    Attributes:
        loss_fn: `loss_fn(params, batch) -> (batch,)`, nats; of a PyTorch module, `loss_fn(module, batch)` in torch.
        storage: Root of the dataset: a path, URI or profile.
        name: The `sweep` of the rows, one training of one configuration.
        components: Texts of `llcray.components.grammar`.
        every: Number of steps between estimates; `track` returns at once at other steps.
        at: Steps to estimate at, in place of `every`.
        sampler: A kind, a mapping as in a sweep file, or a sampler.
        posterior: Inverse temperature and localization.
        sampling: Chains, criteria, budget.
        structure: Numbers of heads, where components name heads.
        loss_name: Name of the loss, for column `loss_kind`: nll, kl_to_center, dpo, regret, ...
        is_likelihood: Whether the loss is a negative log-likelihood.
        num_data: Number of examples kept of a source of batches; None keeps all.
        seed: Seed of the chains.
        warm_start: Whether chains of `auto` go on from those of the step tracked before, at a fraction of the work. The
            tracker keeps the displacements of all chains in memory.
        keep_params: Whether the weights of tracked steps are stored, for `subnetwork`.
        learning_rate: Learning rate of the training, which is shown beside the update sparsity.
    """

    loss_fn: LossFn
    storage: str = "results"
    name: str = "tracked"
    components: Sequence[str] = ("all",)
    every: int = 1
    at: Iterable[int] | None = None
    sampler: str | dict[str, Any] | SamplerVariant = "auto"
    posterior: PosteriorSpec | dict[str, Any] = field(default_factory=PosteriorSpec)
    sampling: SamplingSpec | dict[str, Any] = field(default_factory=SamplingSpec)
    structure: Structure | None = None
    loss_name: str = "nll"
    is_likelihood: bool = True
    num_data: int | None = None
    seed: int = 0
    warm_start: bool = True
    keep_params: bool = True
    learning_rate: float | None = None
    _ends: dict[str, tuple[str, Handover]] = field(default_factory=dict, init=False, repr=False)
    _traced: Target | None = field(default=None, init=False, repr=False)
    _dataset: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.every, self.seed = whole_number("every", self.every), whole_number("seed", self.seed)
        if self.every < 1:
            raise ValueError(f"every is {self.every}; give a number of steps from 1")
        self.components = tuple(parse(text).name for text in self.components)
        self.sampler = parse_sampler(self.sampler)
        self.posterior, self.sampling = parse_posterior(self.posterior), parse_sampling(self.sampling)
        self.at = None if self.at is None else frozenset(whole_number("a step in `at`", step) for step in self.at)
        if self.loss_name in SURROGATES:
            import warnings

            warnings.warn(
                f"loss '{self.loss_name}' is a surrogate: w* is not its minimum and it changes every step, so its LLC "
                "means little. Use kl_to_center, nll on a fixed set, dpo or regret.",
                stacklevel=2,
            )

    def is_due(self, step: int) -> bool:
        """Whether `track` estimates at this step."""
        return step in self.at if self.at is not None else step % self.every == 0

    def track(
        self, step: int, params: PyTree, batch_source: Any, *, components: Sequence[str] | None = None
    ) -> Tracked | None:
        """Estimates and writes the LLC of every component; None when the step is not due.

        Args:
            step: Training step.
            params: w*, a pytree of floating-point arrays, or a flax nnx module; or a `torch.nn.Module`, which is copied
                and traced (docs/pytorch.md). It may be in training mode: the copy is not.
            batch_source: The data, a pytree whose arrays have examples first; or batches of such, or a function that
                returns either. Use the same examples at all steps to compare them.
            components: Components to estimate, in place of the tracker's own.

        Raises:
            ValueError: The loss is not one finite number per example, or a component selects nothing.
        """
        step = whole_number("step", step)
        if not self.is_due(step):
            return None
        from llcray.estimation.pack import estimate_requests

        target = self._target(params, batch_source)
        names = tuple(parse(text).name for text in components or self.components)
        requests = [self._request(component, target, step) for component in names]
        dataset, rows = self._open(), {}
        if self.keep_params:
            records.write_target(dataset, target, step)
        for index, result in estimate_requests(target, requests):
            name = names[index]
            follows, _ = self._ends.pop(name, (None, None))
            row = records.row(self._facts(), name, step, target, requests[index], result, follows)
            dataset.write_run(row, draw_rows(result))
            rows[name] = row
            if result.sampled.handover is not None:
                self._ends[name] = (row["run_id"], result.sampled.handover)
        return Tracked(step, {name: rows[name] for name in names})

    def evolution(self) -> Any:
        """The estimates so far, a polars frame: step, component, llc, llc_sampling_se, localization_se, verdict, ..."""
        from llcray.tracking.analysis import evolution

        return evolution(self.storage, self.name)

    def detect_transitions(self) -> Any:
        """The stages of each component, a polars frame; the component whose first boundary comes first is on top."""
        from llcray.tracking.analysis import transitions

        return transitions(self.storage, self.name)

    def subnetwork(self, *, compare_dtype: str | None = None) -> Any:
        """The share of each component that training left unchanged, beside the change of its LLC, a polars frame."""
        from llcray.tracking.analysis import subnetwork

        options = {"structure": self.structure, "learning_rate": self.learning_rate}
        return subnetwork(self.storage, self.name, compare_dtype=compare_dtype, **options)

    def _target(self, model: Any, batch_source: Any) -> Target:
        data = examples_of(batch_source, self.num_data)
        check_data(data)
        if is_torch_module(model):
            target = target_of_module(model, self.loss_fn, data, self.is_likelihood, self._traced)
            self._traced, self.structure = target, self.structure or target.structure
        else:
            params, loss_fn = params_of(model, self.loss_fn)
            check_params(params)
            target = Target(params, loss_fn, data, is_likelihood=self.is_likelihood, structure=self.structure)
        return replace(target, target_id=records.target_id(target))

    def _request(self, component: str, target: Target, step: int) -> Any:
        from llcray.estimation.request import EstimateRequest

        assert not isinstance(self.sampler, str | dict)
        assert isinstance(self.posterior, PosteriorSpec) and isinstance(self.sampling, SamplingSpec)
        mask: Callable[..., Any] = mask_of
        _, handover = self._ends.get(component, (None, None))
        start = "previous" if self.warm_start else "center"
        return EstimateRequest(
            sampler=self.sampler,
            posterior=self.posterior,
            sampling=self.sampling.model_copy(update={"start": start}),
            seed=records.seed_of(self.name, component, self.seed, None if handover is None else step),
            handover=handover,
            mask=mask(component, target.params, self.structure),
            component=component,
        )

    def _facts(self) -> records.TrackerFacts:
        return records.TrackerFacts(self.name, self.loss_name, self.seed)

    def _open(self) -> Any:
        if self._dataset is None:
            from llcray_storage import Dataset

            self._dataset = Dataset.create_or_open(self.storage)
        return self._dataset
