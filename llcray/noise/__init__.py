"""Noises on labels, one file each. Importing this package loads no JAX."""

from typing import Annotated

from pydantic import Field

from llcray.noise.corruption import NoiseVariant as NoiseVariant
from llcray.noise.gaussian import GaussianNoise as GaussianNoise
from llcray.noise.heteroscedastic import HeteroscedasticNoise as HeteroscedasticNoise
from llcray.noise.label_flip import LabelFlip as LabelFlip
from llcray.noise.none import NoNoise as NoNoise
from llcray.noise.outliers import OutlierNoise as OutlierNoise
from llcray.noise.student_t import StudentTNoise as StudentTNoise

Noise = Annotated[
    NoNoise | GaussianNoise | HeteroscedasticNoise | StudentTNoise | OutlierNoise | LabelFlip,
    Field(discriminator="kind"),
]
