"""The spec of a run, which is one estimate, and its identity."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

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
        follows: Id of the run at the checkpoint before, where chains start from that run's (`sampling.start`).
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
    follows: str | None = None

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
        return content_id(self.model_copy(update={"target": self.target.at_step(None), "follows": None}))

    @property
    def chain_id(self) -> str:
        """Id that a run shares with those that it has to be done before or after; its own where there are none."""
        return (self.series_id or self.run_id) if self.sampling.start == "previous" else self.run_id

    def following(self, previous: "RunSpec | None") -> "RunSpec":
        """The run with its chains started from those of another one; at w* where there is none."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        fields["follows"] = None if previous is None else previous.run_id
        return type(self)(**fields)  # made anew: a copy would keep the ids that were computed
