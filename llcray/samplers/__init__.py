"""Samplers: one file each, one tagged union. Importing this loads no JAX; a sampler's `build` does."""

from typing import Annotated

from pydantic import Field

from llcray.samplers.auto import Auto as Auto
from llcray.samplers.baoab import BAOAB as BAOAB
from llcray.samplers.hmc import HMC as HMC
from llcray.samplers.kernel import SamplerVariant as SamplerVariant
from llcray.samplers.mclmc import MCLMC as MCLMC
from llcray.samplers.sgld import SGLD as SGLD

Sampler = Annotated[Auto | BAOAB | SGLD | HMC | MCLMC, Field(discriminator="kind")]
