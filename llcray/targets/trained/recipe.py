"""The fields of a trained target and what follows from them alone: phases, recorded steps, likelihood.

They stand apart from `TrainedTarget` so that the code that trains can name their type.
"""

from itertools import accumulate
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core.core_schema import ValidationInfo

from llcray.architectures import Architecture, ConvNet
from llcray.data import Data
from llcray.likelihoods import Likelihood
from llcray.noise import Noise, NoNoise
from llcray.targets.trained.checkpoints import Checkpoints, Phase
from llcray.targets.variant import TrajectoryVariant
from llcray.training import Adam, Training
from llcray.variant import NonNegativeInt


class TrainingRecipe(TrajectoryVariant):
    """A network, its data and its training.

    Labels of synthetic data are a teacher's outputs plus noise, of the test examples too. Noise on data that come with
    labels corrupts the training labels alone. Targets that share data and seed share inputs and split; the same
    teacher and seed give the same teacher; and so for noise and initial weights: comparisons are paired.

    Attributes:
        architecture: The network (the student).
        data: Inputs, or inputs and labels.
        noise: Errors of the labels.
        teacher: The network that labels synthetic data; it may differ from the student. Refused with given data.
        likelihood: -log p(y | outputs); null takes the noise's own.
        training: How w* is found.
        seed: Varies data, teacher, noise, initial weights and minibatches.
        step: The weights after exactly this many steps of the optimizer, without early stopping and polish; such
            weights are no minimum. Null: the minimum at the end of training.
        checkpoints: Makes a target of each of these steps; recorded in one training. No part of an identity.
        pretraining: Phases of training before the one on `data`, for targets with a step. What is sampled at a step
            is the posterior on the data of its phase.
        label: A word for legends (column `label`); no part of an identity.
    """

    data: Data
    architecture: Architecture
    noise: Noise = NoNoise()
    teacher: Annotated[Architecture | None, Field(validate_default=True)] = None
    likelihood: Likelihood | None = None
    training: Training = Adam()
    seed: NonNegativeInt = 0
    checkpoints: Annotated[Checkpoints | None, Field(exclude=True)] = None
    pretraining: Annotated[tuple[Phase, ...], Field(min_length=1)] | None = None
    label: Annotated[str | None, Field(exclude=True)] = None

    # Each check sits at the field it blames: a sweep file's mistakes are reported all at once, each at its place.

    @field_validator("architecture")
    @classmethod
    def _check_architecture(cls, value: Architecture, info: ValidationInfo) -> Architecture:
        _check_images(value, info)
        return value

    @field_validator("noise")
    @classmethod
    def _check_noise(cls, value: Noise, info: ValidationInfo) -> Noise:
        data = info.data.get("data")
        if data is not None and data.task not in value.tasks:
            fitting = "none, label_flip" if data.task == "classification" else "none, gaussian, ..., but not label_flip"
            raise ValueError(
                f"noise {value.kind} is for {value.tasks[0]}, but data {data.kind} is {data.task}: use {fitting}"
            )
        return value

    @field_validator("teacher")
    @classmethod
    def _check_teacher(cls, value: Architecture | None, info: ValidationInfo) -> Architecture | None:
        data = info.data.get("data")
        if data is None:
            return value
        if data.synthetic and value is None:
            raise ValueError(f"data {data.kind} has inputs only: give a teacher (an architecture) to label them")
        if not data.synthetic and value is not None:
            raise ValueError(f"data {data.kind} comes with labels: leave the teacher out")
        if value is not None:
            _check_images(value, info)
        return value

    @field_validator("likelihood")
    @classmethod
    def _check_likelihood(cls, value: Likelihood | None, info: ValidationInfo) -> Likelihood | None:
        data = info.data.get("data")
        if data is not None and value is not None and data.task != value.task:
            raise ValueError(
                f"likelihood {value.kind} is for {value.task}, but data {data.kind} is {data.task}: leave it out to "
                "get the one that matches the noise"
            )
        return value

    @field_validator("training")
    @classmethod
    def _check_training(cls, value: Training, info: ValidationInfo) -> Training:
        data = info.data.get("data")
        size = None if data is None else data.size
        if value.batch_size is not None and size is not None and value.batch_size > size:
            raise ValueError(
                f"batch_size {value.batch_size} is more than the {size} training examples: lower it, or leave it out "
                "for the full data"
            )
        return value

    @field_validator("pretraining")
    @classmethod
    def _check_pretraining(cls, value: tuple[Phase, ...] | None, info: ValidationInfo) -> tuple[Phase, ...] | None:
        if value is None:
            return None
        if info.data.get("step") is None and info.data.get("checkpoints") is None:
            raise ValueError("pretraining is for targets along a training: give checkpoints, or a step")
        data = info.data.get("data")
        other = [] if data is None else [phase.data for phase in value if _form(phase.data) != _form(data)]
        if data is not None and other:
            raise ValueError(
                f"pretraining on data {other[0].kind} of form {_form(other[0])} does not fit data {data.kind} of form "
                f"{_form(data)}: make inputs and outputs alike (modular: the same vocabulary)"
            )
        return value

    @model_validator(mode="after")
    def _check_that_training_reaches_the_steps(self) -> Self:
        total = sum(self.phase_steps())
        last = max(self.recorded_steps(), default=0)
        if last > total:
            raise ValueError(f"step {last} is more than the {total} steps of training: raise training.num_steps")
        return self

    def phase_steps(self) -> tuple[int, ...]:
        """Steps of each phase, the last one included."""
        return (*(phase.num_steps for phase in self.pretraining or ()), self.training.num_steps)

    def recorded_steps(self) -> tuple[int, ...]:
        """Steps whose weights training keeps, ascending."""
        asked = self.checkpoints.of(self.phase_steps()) if self.checkpoints is not None else ()
        return tuple(sorted({*asked, *(() if self.step is None else (self.step,))}))

    def checkpointed(self) -> tuple[Self, ...]:
        """A target for each checkpoint; the target itself when it has none, or is one."""
        if self.checkpoints is None or self.step is not None:
            return (self,)
        return tuple(self.at_step(step) for step in self.recorded_steps())

    def in_phase(self, index: int) -> Self:
        """A training on the data of one phase alone."""
        data = [*(phase.data for phase in self.pretraining or ()), self.data][index]
        return self.model_copy(update={"data": data, "pretraining": None, "step": None, "checkpoints": None})

    def in_force(self) -> Self:
        """A training on the data of the phase that the step lies in; the target itself when it has no step."""
        if self.step is None:
            return self
        ends = list(accumulate(self.phase_steps()))
        return self.in_phase(next(index for index, end in enumerate(ends) if self.step <= end))

    def matched_likelihood(self) -> Likelihood:
        """The likelihood given, or the noise's own."""
        return self.likelihood or self.noise.likelihood(self.data.task)


def _check_images(value: Architecture, info: ValidationInfo) -> None:
    data: Data | None = info.data.get("data")
    if isinstance(value, ConvNet) and data is not None and not data.images:
        raise ValueError(f"convnet needs images, but data {data.kind} has vectors: use kind: mlp")


def _form(data: Any) -> tuple[Any, ...]:
    """The properties of data that a network is made for, as far as the spec of the data says them."""
    names = ("task", "images", "num_outputs", "input_dimension", "output_dimension")
    return tuple(getattr(data, name, None) for name in names)
