"""The fields of a fine-tuned target and what follows from them alone: recorded steps, the network before it.

They stand apart from `FineTunedTarget` so that the code that fine-tunes can name their type.
"""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core.core_schema import ValidationInfo

from llcray.architectures import Transformer
from llcray.data import DigitSums
from llcray.targets.fine_tuned.methods import Method
from llcray.targets.trained.checkpoints import Checkpoints
from llcray.targets.trained.spec import TrainedTarget
from llcray.targets.variant import TrajectoryVariant
from llcray.training import AdamW, Training
from llcray.variant import NonNegativeInt


class FineTuningRecipe(TrajectoryVariant):
    """A task, a network and the method that fine-tunes it.

    Methods that share data, architecture, training and seed start at the same weights, which are trained once. What an
    LLC is taken of is `losses` of the sweep: by default the divergence of a policy from the checkpoint's, whose
    minimum is exactly there (`llcray.targets.policy_loss`).

    Attributes:
        data: The task.
        architecture: The network; its readout is `all`.
        training: Of the network before fine-tuning: exactly `num_steps`, no early stopping, no polish.
        method: How it is fine-tuned.
        seed: Varies initial weights, minibatches, prompts and answers.
        step: Steps of fine-tuning; 0 is the network before it. Filled in by the sweep from `checkpoints`.
        checkpoints: Makes a target of each of these steps and of step 0. No part of an identity.
        label: A word for legends (column `label`); no part of an identity.
    """

    data: DigitSums = DigitSums()
    architecture: Transformer = Transformer(num_layers=2, width=64, mlp_width=256, readout="all")
    training: Training = AdamW(
        learning_rate=3e-3, num_steps=1500, batch_size=256, schedule="one_cycle", precision="float32"
    )
    method: Method
    seed: NonNegativeInt = 0
    checkpoints: Annotated[Checkpoints, Field(exclude=True)] = Checkpoints(steps="log_and_linear", num=12)
    label: Annotated[str | None, Field(exclude=True)] = None

    @field_validator("architecture")
    @classmethod
    def _check_that_it_is_a_policy(cls, value: Transformer) -> Transformer:
        if value.readout != "all" or not value.causal or value.inputs != "tokens":
            raise ValueError("a policy predicts every next token from those before: set readout: all, causal: true")
        return value

    @field_validator("training")
    @classmethod
    def _check_training(cls, value: Training, info: ValidationInfo) -> Training:
        data = info.data.get("data")
        if data is not None and value.batch_size is not None and value.batch_size > data.size:
            raise ValueError(f"batch_size {value.batch_size} is more than the {data.size} training examples: lower it")
        return value

    @model_validator(mode="after")
    def _check_that_fine_tuning_reaches_the_steps(self) -> Self:
        if (last := self.recorded_steps()[-1]) > self.method.num_steps:
            raise ValueError(
                f"step {last} is more than the {self.method.num_steps} steps of {self.method.kind}: raise "
                "method.num_steps"
            )
        return self

    def recorded_steps(self) -> tuple[int, ...]:
        """Steps whose weights are kept, ascending, 0 among them."""
        asked = self.checkpoints.of((self.method.num_steps,))
        return tuple(sorted({0, *asked, *(() if self.step is None else (self.step,))}))

    def checkpointed(self) -> tuple[Self, ...]:
        """A target for each checkpoint; the target itself when it is one."""
        return (self,) if self.step is not None else tuple(self.at_step(step) for step in self.recorded_steps())

    def base(self) -> TrainedTarget:
        """The network before fine-tuning."""
        return TrainedTarget(
            data=self.data,
            architecture=self.architecture,
            training=self.training,
            seed=self.seed,
            step=self.training.num_steps,
        )
