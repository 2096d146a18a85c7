"""A transformer that learned a task in part, then fine-tuned: w* is a policy along the fine-tuning."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from llcray.array_types import Arrays
from llcray.components.structure import Structure
from llcray.targets.fine_tuned.recipe import FineTuningRecipe
from llcray.targets.policy_loss import KLToCenter, PolicyLossVariant
from llcray.targets.target import Target, TargetFacts
from llcray.targets.variant import TargetLibrary, TargetSize, TargetVariant, TrajectoryVariant


class FineTunedTarget(FineTuningRecipe):
    """A policy along a fine-tuning of a small transformer that learned a task in part."""

    phase: ClassVar[Literal["building", "training"]] = "training"

    kind: Literal["fine_tuned"] = "fine_tuned"

    def build(self) -> Target:
        from llcray.targets.fine_tuned.build import Unstored

        # Where no step is named, the weights that the fine-tuning ends with.
        spec = self.at_step(self.method.num_steps) if self.step is None else self
        made = self.build_checkpoints([spec], Unstored())
        return next(target for checkpoint, target in made if checkpoint.step == spec.step)

    @classmethod
    def build_checkpoints(
        cls, specs: Sequence[TrajectoryVariant], library: TargetLibrary
    ) -> Iterator[tuple["FineTunedTarget", Target]]:
        from llcray.targets.fine_tuned.build import build_fine_tuned

        return build_fine_tuned([spec for spec in specs if isinstance(spec, FineTunedTarget)], library)

    def structure(self) -> Structure:
        return self.architecture.structure()

    @property
    def size(self) -> TargetSize:
        return TargetSize(self.data.size)

    def needed_targets(self) -> Sequence[TargetVariant]:
        return (self.at_step(0),)

    def restore(self, arrays: Arrays, facts: TargetFacts, needed: Sequence[Arrays]) -> Target:
        from llcray.targets.fine_tuned.build import assembled, stored_params

        (base,) = needed
        return assembled(self, KLToCenter(), stored_params(self, arrays), stored_params(self, base), facts)

    def with_loss(self, target: Target, loss: PolicyLossVariant) -> Target:
        from llcray.targets.fine_tuned.build import assembled

        return assembled(self, loss, target.params, target.base, target.facts)
