"""The RL toolkit's names for `LLCTracker` and for estimates by SGLD with every setting given by hand.

docs/tracking.md lists what differs from that toolkit's document, and why. In short: lambda-hat = n beta (E[L_n] - L_n*)
has the factor n; `temperature` T multiplies the temperature, so n beta = n / (T log n) and hotter explores more; there
are no thresholds at 0.1 d and 0.5 d: read `llc_per_half_dimension`, and compare checkpoints of one training.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from llcray.array_types import LossFn, PyTree, Row
from llcray.components import Structure
from llcray.components.masks import mask_of
from llcray.estimation.pack import RunEstimate, estimate_requests
from llcray.estimation.request import EstimateRequest
from llcray.llc.draws import Draws
from llcray.llc.estimate import Work, estimate
from llcray.posterior.density import num_data_of
from llcray.posterior.spec import FixedProduct, PosteriorSpec
from llcray.samplers import SGLD
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets.target import Target
from llcray.targets.trees import check_params
from llcray.tracking.sources import examples_of, params_of
from llcray.tracking.tracker import LLCTracker

__all__ = ["LLCConfig", "LLCEstimator", "RLLLCTracker", "RefinedLLCEstimator", "SGLDSampler"]

DEFAULT_COMPONENTS: dict[str, list[str]] = {
    "embedding": ["embed"],
    "attention": ["attn"],
    "mlp": ["mlp"],
    "layernorm": ["norm"],
    "output": ["unembed"],
}
MOST_DRAWS = 256
FEWEST_RELAXATIONS = 3.0
NEVER = StoppingCriteria(relative_mcse=1e-12, rhat=1.0 + 1e-12)


@dataclass(frozen=True)
class LLCConfig:
    """Settings of SGLD by hand.

    Attributes:
        temperature: T of n beta = n / (T log n); None is 1. Not beside `nbeta`.
        sgld_steps: Steps of a chain, burn-in included.
        sgld_lr: epsilon; SGLD multiplies the gradient by epsilon/2 and adds noise of standard deviation sqrt(epsilon).
        burn_in_ratio: Share of the steps that is not averaged.
        batch_size: Examples per gradient.
        n_chains: Independent chains; with one there is no R-hat.
        localization: gamma.
        nbeta: n beta, given; None takes it from the temperature.
        seed: Seed of the chains.
    """

    temperature: float | None = None
    sgld_steps: int = 1000
    sgld_lr: float = 1e-6
    burn_in_ratio: float = 0.9
    batch_size: int = 32
    n_chains: int = 4
    localization: float = 100.0
    nbeta: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature is not None and self.nbeta is not None:
            raise ValueError(f"temperature {self.temperature} and nbeta {self.nbeta} both set n beta; leave one out")
        if self.temperature is not None and self.temperature <= 0:
            raise ValueError(f"temperature is {self.temperature}; it multiplies 1, so give a number above 0")
        if not 0 <= self.burn_in_ratio < 1:
            raise ValueError(f"burn_in_ratio is {self.burn_in_ratio}; give a share from 0 and below 1")

    def n_beta(self, num_data: int) -> float:
        """n beta for n examples."""
        if self.nbeta is not None:
            return self.nbeta
        return num_data / ((self.temperature or 1.0) * math.log(num_data))

    @property
    def steps_per_draw(self) -> int:
        """Steps between evaluations of the full loss."""
        return math.ceil(self.sgld_steps / MOST_DRAWS)

    @property
    def num_draws(self) -> int:
        """Draws of a chain, burn-in included."""
        return math.ceil(self.sgld_steps / self.steps_per_draw)

    def settings(self, num_data: int) -> dict[str, Any]:
        """Sampler, posterior, sampling and seed for n examples, as `LLCTracker` and `EstimateRequest` name them.

        The criteria to stop by are never met, so that exactly `sgld_steps` are taken.
        """
        return {
            "sampler": SGLD(step_size=self.sgld_lr, batch_size=min(self.batch_size, num_data)),
            "posterior": PosteriorSpec(
                inverse_temperature=FixedProduct(value=self.n_beta(num_data)), localization=self.localization
            ),
            "sampling": SamplingSpec(
                num_chains=self.n_chains,
                until=NEVER,
                budget=Budget(num_gradients=1e18, num_draws=max(1, self.num_draws)),
                steps_per_draw=self.steps_per_draw,
            ),
            "seed": self.seed,
        }


@dataclass(frozen=True)
class SGLDSampler:
    """Draws by SGLD with the settings of an `LLCConfig`."""

    config: LLCConfig = LLCConfig()

    def sample(self, target: Target, component: str = "all", mask: PyTree | None = None) -> RunEstimate:
        """The estimate of chains around w*, whose burn-in is the share that the settings give, not a detected one."""
        request = EstimateRequest(**self.config.settings(num_data_of(target)), mask=mask, component=component)
        [(_, run)] = estimate_requests(target, [request])
        draws = Draws(*(series[:, : self.config.num_draws] for series in run.sampled.draws))
        burn_in = min(int(self.config.burn_in_ratio * draws.num_draws), draws.num_draws - 1)
        with_that_burn_in = estimate(
            draws,
            num_warmup_draws=burn_in,
            n_beta=run.n_beta,
            localization=self.config.localization,
            num_sampled_params=run.num_sampled_params,
            work=Work(**{field.name: getattr(run.estimate, field.name) for field in fields(Work)}),
            unresolved=run.unresolved if run.unresolved and run.precision == "float32" else "",
        )
        sampled = replace(run.sampled, draws=draws, num_warmup_draws=burn_in)
        return replace(run, estimate=with_that_burn_in, sampled=sampled)


@dataclass(frozen=True)
class LLCEstimator:
    """`LLCEstimator(model, config).estimate_llc(dataloader, loss_fn)`, or `.estimate_refined_llc(...)`.

    Attributes:
        model: Parameters w*, a pytree, or a flax nnx module.
        config: Settings.
        structure: Numbers of heads, where components name heads.
    """

    model: Any
    config: LLCConfig = LLCConfig()
    structure: Structure | None = None

    def estimate_llc(self, dataloader: Any, loss_fn: LossFn) -> dict[str, Any]:
        """The LLC of all parameters; keys `llc_mean`, `llc_std`, `llc_sampling_se`, `localization_se`, `verdict`, ... .

        Args:
            dataloader: The data, or batches of it; see `LLCTracker.track`.
            loss_fn: `loss_fn(params, batch) -> (batch,)`, nats.
        """
        return self._result(SGLDSampler(self.config).sample(self._target(dataloader, loss_fn)))

    def estimate_refined_llc(
        self, dataloader: Any, loss_fn: LossFn, components: Mapping[str, Sequence[str]] | None = None
    ) -> dict[str, dict[str, Any]]:
        """The LLC of each component, the rest held at w*.

        Args:
            dataloader: The data, or batches of it.
            loss_fn: Per-example loss, nats.
            components: Fragments of parameter paths, or texts of the grammar, by name; None takes embedding, attention,
                mlp, layernorm and output, as far as the model has them.
        """
        target = self._target(dataloader, loss_fn)
        sampler = SGLDSampler(self.config)
        masks = self._default_masks(target) if components is None else self._masks(target, components)
        return {name: self._result(sampler.sample(target, name, mask)) for name, mask in masks.items()}

    def _masks(self, target: Target, components: Mapping[str, Sequence[str]]) -> dict[str, PyTree]:
        return {name: mask_of(_joined(texts), target.params, self.structure) for name, texts in components.items()}

    def _default_masks(self, target: Target) -> dict[str, PyTree]:
        masks: dict[str, PyTree] = {}
        for name, texts in DEFAULT_COMPONENTS.items():
            try:
                masks |= self._masks(target, {name: texts})
            except ValueError:  # the model has no such component
                continue
        return masks

    def _target(self, dataloader: Any, loss_fn: LossFn) -> Target:
        params, loss_of_params = params_of(self.model, loss_fn)
        check_params(params)
        return Target(params, loss_of_params, examples_of(dataloader, None), structure=self.structure)

    def _result(self, run: RunEstimate) -> dict[str, Any]:
        e, half_dimension = run.estimate, run.num_sampled_params / 2
        relaxations = self.config.sgld_lr * self.config.sgld_steps * self.config.localization / 2
        flags = ["invalid_above_d_over_2"] if e.llc > half_dimension else []
        flags += ["fewer_than_3_relaxation_times"] if relaxations < FEWEST_RELAXATIONS else []
        named = {
            "llc_mean": e.llc,
            "llc_std": e.llc_between_chain_sd,
            "llc_per_half_dimension": e.llc / half_dimension,
            "ess": e.ess_bulk,
            "n": run.num_data,
            "n_beta": run.n_beta,
            "beta": run.inverse_temperature,
            "temperature": run.num_data / (run.n_beta * math.log(run.num_data)),
            "relaxation_times": relaxations,
            "flags": flags,
            "loss_trace": np.asarray(run.loss_at_center + run.sampled.draws.centered_loss),
        }
        return named | asdict(e)


RefinedLLCEstimator = LLCEstimator


class RLLLCTracker:
    """`RLLLCTracker(model, config).track_episode(...)`: an `LLCTracker` whose steps are episodes.

    Args:
        model: Parameters, a pytree, or a flax nnx module that is trained in place.
        config: Settings.
        settings: Arguments of `LLCTracker` (`storage`, `name`, `loss_name`, ...).
    """

    def __init__(self, model: Any, config: LLCConfig = LLCConfig(), **settings: Any) -> None:
        self.model, self.config = model, config
        self._settings = settings
        self._tracker: LLCTracker | None = None

    def track_episode(
        self,
        *,
        episode: int,
        dataloader: Any,
        loss_fn: LossFn,
        track_components: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
        model: Any = None,
    ) -> dict[str, Any]:
        """`{"overall_llc": {...}, "refined_llc": {name: {...}}}` of the model as it is now, and rows of the dataset.

        Args:
            episode: Number of the episode, the `step` of the rows.
            dataloader: Probe data; the same at every episode makes episodes comparable.
            loss_fn: Per-example loss, nats.
            track_components: Fragments of parameter paths by name, or texts of the grammar; None: the whole alone.
            model: Parameters now; None takes the model given at the start (a module that is trained in place).
        """
        examples = examples_of(dataloader, self._settings.get("num_data"))
        if self._tracker is None:
            settings = self.config.settings(num_data_of(Target({}, loss_fn, examples)))
            self._tracker = LLCTracker(loss_fn, **settings, **self._settings)
        self._tracker.loss_fn = loss_fn
        components = track_components or {}
        if not isinstance(components, Mapping):
            components = {text: [text] for text in components}
        named = {name: _joined(texts) for name, texts in components.items()}
        source = self.model if model is None else model
        tracked = self._tracker.track(episode, source, [examples], components=["all", *named.values()])
        assert tracked is not None
        rows: dict[str, Row] = tracked.rows
        return {"overall_llc": rows["all"], "refined_llc": {name: rows[text] for name, text in named.items()}}

    def get_llc_evolution(self) -> Any:
        """Estimates by episode and component; see `LLCTracker.evolution`."""
        return self._started().evolution()

    def detect_phase_transitions(self) -> Any:
        """Stages of each component; see `LLCTracker.detect_transitions`."""
        return self._started().detect_transitions()

    def analyze_subnetwork_activity(self) -> Any:
        """Update sparsity and change of the LLC by component; see `LLCTracker.subnetwork`."""
        return self._started().subnetwork()

    def _started(self) -> LLCTracker:
        if self._tracker is None:
            raise ValueError("no episode was tracked yet: call track_episode first")
        return self._tracker


def _joined(texts: Sequence[str]) -> str:
    """The component that joins several texts of the grammar."""
    return " + ".join(texts)
