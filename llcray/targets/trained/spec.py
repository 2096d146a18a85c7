"""A trained network, on data of a teacher or on given data: w* is a minimum, where training ends, or a checkpoint."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import ValidationError

from llcray.array_types import Arrays, PyTree
from llcray.components.structure import Structure
from llcray.data import File
from llcray.targets.arrays import named_arrays
from llcray.targets.loss_on import Examples, HeldOut, OtherData
from llcray.targets.target import Target, TargetFacts
from llcray.targets.trained.recipe import TrainingRecipe
from llcray.targets.variant import TargetLibrary, TargetSize, TrajectoryVariant

NUM_PIXELS, NUM_CLASSES = 64, 10
"""Inputs and outputs of a network whose data do not say how many they are."""


class TrainedTarget(TrainingRecipe):
    """A trained network, at the minimum where training ends or at a step before it."""

    phase: ClassVar[Literal["building", "training"]] = "training"

    kind: Literal["trained"] = "trained"

    def build(self) -> Target:
        from llcray.targets.trained.build import build_trained
        from llcray.targets.trained.trajectory import build_checkpoints

        if self.step is None:
            return build_trained(self)
        return next(target for checkpoint, target in build_checkpoints([self]) if checkpoint.step == self.step)

    @classmethod
    def build_checkpoints(
        cls, specs: Sequence[TrajectoryVariant], library: TargetLibrary
    ) -> Iterator[tuple["TrainedTarget", Target]]:
        from llcray.targets.trained.trajectory import build_checkpoints

        del library
        return build_checkpoints([spec for spec in specs if isinstance(spec, TrainedTarget)])

    def signature(self) -> Any:
        # All phases of a training count: its checkpoints stay together, since the training is done once for all.
        phases = [phase.data for phase in self.pretraining or ()]
        shapes = [data.signature() for data in (*phases, self.data)]
        training = self.training.structure().model_dump(mode="json")
        return [self.architecture.signature(), shapes, self.matched_likelihood().kind, training, self.step is not None]

    def structure(self) -> Structure:
        return self.architecture.structure()

    @property
    def size(self) -> TargetSize:
        num_inputs = getattr(self.data, "input_dimension", NUM_PIXELS)
        num_outputs = getattr(self.data, "output_dimension", NUM_CLASSES)
        return TargetSize(self.data.size, self.architecture.approximate_size(num_inputs, num_outputs))

    @property
    def num_phases(self) -> int:
        return len(self.phase_steps())

    def stored_arrays(self, target: Target) -> Arrays:
        arrays = super().stored_arrays(target)
        if not isinstance(self.data, File):
            return arrays
        from llcray.targets.model_loss import ModelLoss

        assert isinstance(target.loss_fn, ModelLoss)
        return arrays | named_arrays("data", target.data) | {"num_outputs": np.array(target.loss_fn.num_outputs)}

    def restore(self, arrays: Arrays, facts: TargetFacts, needed: Sequence[Arrays]) -> Target:
        from llcray.targets.trained.build import untrained

        del needed
        return self.filled(untrained(self.in_force(), arrays), arrays, facts)

    def examples(self, source: Examples) -> PyTree:
        from llcray.targets.trained.examples import examples_of, held_out_examples

        trained = self.in_force()
        match source:
            case HeldOut():
                return held_out_examples(trained)
            case OtherData():
                return examples_of(trained._on(source))
            case _:
                return super().examples(source)

    def num_examples(self, source: Examples) -> int | None:
        trained = self.in_force()
        match source:
            case HeldOut():
                return trained.data.num_held_out
            case OtherData():
                return trained._on(source).data.size
            case _:
                return super().num_examples(source)

    def _on(self, other: OtherData) -> Self:
        """The same training on other data, which have to suit the architecture and the teacher.

        Raises:
            ValueError: They do not.
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        fields |= {"data": other.data, "noise": other.noise, "likelihood": self.matched_likelihood()}
        # There may be fewer of them than of a minibatch that the network was trained on.
        fields["training"] = self.training.model_copy(update={"batch_size": None})
        try:
            return type(self)(**fields)
        except ValidationError as error:
            reasons = "; ".join(mistake["msg"].removeprefix("Value error, ") for mistake in error.errors())
            raise ValueError(f"loss_on {other.cell()}: {reasons}") from error
