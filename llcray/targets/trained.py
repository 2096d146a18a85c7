"""A network trained to a minimum, on data of a teacher or on given data: w* is where training ends."""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from llcray.architectures import Architecture, ConvNet
from llcray.data import Data
from llcray.likelihoods import Likelihood
from llcray.noise import Noise, NoNoise
from llcray.training import Adam, Training
from llcray.variant import NonNegativeInt, Variant


class TrainedTarget(Variant):
    """A trained network.

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
    """

    kind: Literal["trained"] = "trained"
    data: Data
    architecture: Architecture
    noise: Noise = NoNoise()
    teacher: Annotated[Architecture | None, Field(validate_default=True)] = None
    likelihood: Likelihood | None = None
    training: Training = Adam()
    seed: NonNegativeInt = 0

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
        size = getattr(data, "size", None) or getattr(data, "num_data", None)
        if value.batch_size is not None and size is not None and value.batch_size > size:
            raise ValueError(
                f"batch_size {value.batch_size} is more than the {size} training examples: lower it, or leave it out "
                "for the full data"
            )
        return value

    def matched_likelihood(self) -> Likelihood:
        """The likelihood given, or the noise's own."""
        return self.likelihood or self.noise.likelihood(self.data.task)


def _check_images(value: Architecture, info: ValidationInfo) -> None:
    data: Data | None = info.data.get("data")
    if isinstance(value, ConvNet) and data is not None and not data.images:
        raise ValueError(f"convnet needs images, but data {data.kind} has vectors: use kind: mlp")
