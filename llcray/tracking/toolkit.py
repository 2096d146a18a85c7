"""The RL toolkit's names, with the correct formula: thin aliases of `estimate_llc` and `LLCTracker`.

What differs from that design, and why, is in docs/tracking.md. In short: lambda-hat = n beta (E[L_n] - L_n*), with the
factor n; `temperature` T multiplies the temperature, n beta = n / (T log n), so hotter explores more; no thresholds at
0.1 d and 0.5 d: read `llc_per_half_dimension`, and compare checkpoints of one training.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from llcray.api import check_params
from llcray.components import Structure
from llcray.components.masks import mask_of
from llcray.estimation.pack import EstimateRequest, RunEstimate, estimate_requests
from llcray.llc.estimate import Work, estimate
from llcray.posterior.density import num_data_of
from llcray.posterior.spec import FixedProduct, PosteriorSpec
from llcray.samplers import SGLD
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets.target import Target
from llcray.tracking.sources import examples_of, params_of
from llcray.tracking.tracker import LLCTracker

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
        sgld_lr: epsilon: the gradient is multiplied by epsilon/2, the noise is sqrt(epsilon).
        burn_in_ratio: Share of the steps that is not averaged.
        batch_size: Examples per gradient.
        n_chains: Independent chains; with one there is no R-hat.
        localization: gamma.
        nbeta: n beta, given; None takes it from the temperature.
        seed: Of the chains.
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
        """Refuses settings that contradict each other.

        Raises:
            ValueError: They do.
        """
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

    def sampling(self) -> SamplingSpec:
        """Exactly the steps asked for, whatever they show."""
        num_draws = math.ceil(self.sgld_steps / self.steps_per_draw)
        return SamplingSpec(
            num_chains=self.n_chains,
            until=NEVER,
            budget=Budget(num_gradients=1e18, num_draws=max(1, num_draws)),
            steps_per_draw=self.steps_per_draw,
        )


@dataclass(frozen=True)
class SGLDSampler:
    """Draws by SGLD with the settings of an `LLCConfig`."""

    config: LLCConfig = LLCConfig()

    def sample(self, target: Target, component: str = "all", mask: Any = None) -> RunEstimate:
        """Chains around w*; burn-in as configured, not as detected."""
        from llcray.llc.draws import Draws

        config, num_data = self.config, num_data_of(target)
        request = EstimateRequest(
            sampler=SGLD(step_size=config.sgld_lr, batch_size=min(config.batch_size, num_data)),
            posterior=PosteriorSpec(
                inverse_temperature=FixedProduct(value=config.n_beta(num_data)), localization=config.localization
            ),
            sampling=config.sampling(),
            seed=config.seed,
            mask=mask,
            component=component,
        )
        [(_, run)] = estimate_requests(target, [request])
        wanted = math.ceil(config.sgld_steps / config.steps_per_draw)
        draws = Draws(*(series[:, :wanted] for series in run.sampled.draws))
        burn_in = min(int(config.burn_in_ratio * draws.num_draws), draws.num_draws - 1)
        work = Work(**{each.name: getattr(run.estimate, each.name) for each in fields(Work)})
        found = estimate(
            draws,
            num_warmup_draws=burn_in,
            n_beta=run.n_beta,
            localization=config.localization,
            num_sampled_params=run.num_sampled_params,
            work=work,
        )
        return replace(run, estimate=found, sampled=replace(run.sampled, draws=draws, num_warmup_draws=burn_in))


@dataclass(frozen=True)
class LLCEstimator:
    """`LLCEstimator(model, config).estimate_llc(dataloader, loss_fn)`.

    Attributes:
        model: Parameters w*, a pytree, or a flax nnx module.
        config: Settings.
        structure: Numbers of heads, where components name heads.
    """

    model: Any
    config: LLCConfig = LLCConfig()
    structure: Structure | None = None

    def estimate_llc(self, dataloader: Any, loss_fn: Any) -> dict[str, Any]:
        """The LLC of all parameters; keys `llc_mean`, `llc_std`, `llc_se`, `rhat`, `ess`, `verdict`, ... .

        Args:
            dataloader: The data, or batches of it; see `LLCTracker.track`.
            loss_fn: `loss_fn(params, batch) -> (batch,)`, nats.
        """
        target = self._target(dataloader, loss_fn)
        return self._result(SGLDSampler(self.config).sample(target))

    def estimate_refined_llc(
        self, dataloader: Any, loss_fn: Any, components: Mapping[str, Sequence[str]] | None = None
    ) -> dict[str, dict[str, Any]]:
        """The LLC of each component, the rest held at w*.

        Args:
            dataloader: The data, or batches of it.
            loss_fn: Per-example loss, nats.
            components: Fragments of parameter paths, or texts of the grammar, by name; None takes embedding, attention,
                mlp, layernorm and output, as far as the model has them.
        """
        target = self._target(dataloader, loss_fn)
        masks = self._masks(target, components)
        sampler = SGLDSampler(self.config)
        return {name: self._result(sampler.sample(target, name, mask)) for name, mask in masks.items()}

    def _masks(self, target: Target, components: Mapping[str, Sequence[str]] | None) -> dict[str, Any]:
        if components is not None:
            return {name: self._mask(target, texts) for name, texts in components.items()}
        masks: dict[str, Any] = {}
        for name, texts in DEFAULT_COMPONENTS.items():
            try:
                masks[name] = self._mask(target, texts)
            except ValueError:  # the model has no such part
                continue
        return masks

    def _mask(self, target: Target, texts: Sequence[str]) -> Any:
        return mask_of(" + ".join(texts), target.params, self.structure)

    def _target(self, dataloader: Any, loss_fn: Any) -> Target:
        params, loss = params_of(self.model, loss_fn)
        check_params(params)
        return Target(params, loss, examples_of(dataloader, None), structure=self.structure)

    def _result(self, run: RunEstimate) -> dict[str, Any]:
        found = run.estimate
        relaxations = self.config.sgld_lr * self.config.sgld_steps * self.config.localization / 2
        half = run.num_sampled_params / 2
        flags = ["invalid_above_d_over_2"] if found.llc > half else []
        flags += ["fewer_than_3_relaxation_times"] if relaxations < FEWEST_RELAXATIONS else []
        named = {
            "llc_mean": found.llc,
            "llc_std": found.llc_between_chain_sd,
            "llc_se": found.llc_mcse,
            "llc_per_half_dimension": found.llc / half,
            "ess": found.ess_bulk,
            "n": run.num_data,
            "n_beta": run.n_beta,
            "beta": run.inverse_temperature,
            "temperature": run.num_data / (run.n_beta * math.log(run.num_data)),
            "relaxation_times": relaxations,
            "flags": flags,
            "loss_trace": np.asarray(run.loss_at_center + run.sampled.draws.centered_loss),
        }
        return named | asdict(found)


class RefinedLLCEstimator(LLCEstimator):
    """`RefinedLLCEstimator(model, config).estimate_refined_llc(dataloader, loss_fn, components)`."""


class RLLLCTracker:
    """`RLLLCTracker(model, config).track_episode(...)`: an `LLCTracker` that keeps what each episode gave."""

    def __init__(self, model: Any, config: LLCConfig = LLCConfig(), **settings: Any) -> None:
        """See `LLCTracker`, whose `settings` these are (`storage`, `name`, `loss_name`, ...)."""
        self.model, self.config = model, config
        self._settings = settings
        self._tracker: LLCTracker | None = None

    def track_episode(
        self,
        *,
        episode: int,
        dataloader: Any,
        loss_fn: Any,
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
        tracker = self._tracker_of(loss_fn, dataloader)
        tracker.loss_fn = loss_fn
        named = self._named(track_components)
        source = self.model if model is None else model
        tracked = tracker.track(episode, source, dataloader, components=["all", *named.values()])
        assert tracked is not None
        rows = tracked.rows
        return {"overall_llc": rows["all"], "refined_llc": {name: rows[text] for name, text in named.items()}}

    def get_llc_evolution(self) -> Any:
        """See `LLCTracker.evolution`."""
        return self._started().evolution()

    def detect_phase_transitions(self) -> Any:
        """See `LLCTracker.detect_transitions`."""
        return self._started().detect_transitions()

    def analyze_subnetwork_activity(self) -> Any:
        """See `LLCTracker.subnetwork`."""
        return self._started().subnetwork()

    def _tracker_of(self, loss_fn: Any, dataloader: Any) -> LLCTracker:
        if self._tracker is None:
            config = self.config
            num_data = num_data_of(Target({}, loss_fn, examples_of(dataloader, None)))
            self._tracker = LLCTracker(
                loss_fn,
                sampler=SGLD(step_size=config.sgld_lr, batch_size=min(config.batch_size, num_data)),
                posterior=PosteriorSpec(
                    inverse_temperature=FixedProduct(value=config.n_beta(num_data)), localization=config.localization
                ),
                sampling=config.sampling(),
                seed=config.seed,
                **self._settings,
            )
        return self._tracker

    def _started(self) -> LLCTracker:
        if self._tracker is None:
            raise ValueError("no episode was tracked yet: call track_episode first")
        return self._tracker

    @staticmethod
    def _named(components: Mapping[str, Sequence[str]] | Sequence[str] | None) -> dict[str, str]:
        if components is None:
            return {}
        if isinstance(components, Mapping):
            return {name: " + ".join(texts) for name, texts in components.items()}
        return {text: text for text in components}
