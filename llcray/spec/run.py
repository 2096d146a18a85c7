"""The spec of a run, which is one estimate, and its identity."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import Sampler
from llcray.sampling.spec import SamplingSpec
from llcray.spec.observables import Observable
from llcray.targets import TargetSpec
from llcray.targets.loss_on import LossOn
from llcray.targets.policy_loss import PolicyLoss
from llcray.targets.variant import TrajectoryVariant
from llcray.variant import Record, content_id


class RunSpec(Record):
    """A run: one combination of target, component, posterior, sampler and sampling.

    Fields added later have defaults, which are no part of an identity, so that old ids stay.

    Attributes:
        target: The target whose LLC is estimated.
        component: Subset of parameters that is sampled, a text of `llcray.components.grammar`.
        mask_files: Files of the masks that the component names by their digests. No part of an identity.
        loss_on: Examples that the loss is taken on; null takes those w* was trained on.
        loss: Loss of a fine-tuned policy; null takes the target's own.
        observables: Examples whose losses are taken at every draw.
        posterior: Inverse temperature and localization.
        sampler: Sampler of the draws.
        sampling: Number of chains, criteria to stop by and budget.
    """

    target: TargetSpec
    component: str = "all"
    mask_files: Annotated[tuple[Path, ...], Field(exclude=True)] = ()
    loss_on: LossOn | None = None
    loss: PolicyLoss | None = None
    observables: tuple[Observable, ...] | None = None
    posterior: PosteriorSpec
    sampler: Sampler
    sampling: SamplingSpec

    @cached_property
    def run_id(self) -> str:
        """Content id of all fields; neither resources nor names enter."""
        return content_id(self)

    @cached_property
    def target_id(self) -> str:
        """Content id of the target alone."""
        return content_id(self.target)

    @property
    def trajectory_id(self) -> str | None:
        """Content id of the training that the target is a checkpoint of; None when it is none."""
        return self.target.trajectory_id if isinstance(self.target, TrajectoryVariant) else None

    @cached_property
    def series_id(self) -> str | None:
        """Content id of the run with its step left out: what the runs along one training share."""
        if not isinstance(self.target, TrajectoryVariant) or self.target.step is None:
            return None
        return content_id(self.model_copy(update={"target": self.target.at_step(None)}))
