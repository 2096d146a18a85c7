"""Training, which finds w*; one optimizer a file. Importing this package loads no JAX."""

from typing import Annotated

from pydantic import Field

from llcray.training.adam import Adam as Adam
from llcray.training.adamw import AdamW as AdamW
from llcray.training.optimizer import TrainingVariant as TrainingVariant
from llcray.training.sgd import SGD as SGD

Training = Annotated[Adam | AdamW | SGD, Field(discriminator="kind")]
