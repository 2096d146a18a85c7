"""Samplers, one a file, and their tagged union. Importing this package loads no JAX; a sampler's `build` does."""

from typing import Annotated

from pydantic import Field

from llcray.samplers.adjusted_mclmc import AdjustedMCLMC as AdjustedMCLMC
from llcray.samplers.auto import Auto as Auto
from llcray.samplers.baoab import BAOAB as BAOAB
from llcray.samplers.hmc import HMC as HMC
from llcray.samplers.kernel import SamplerVariant as SamplerVariant
from llcray.samplers.laplace import Laplace as Laplace
from llcray.samplers.local_volume import LocalVolume as LocalVolume
from llcray.samplers.mala import MALA as MALA
from llcray.samplers.mclmc import MCLMC as MCLMC
from llcray.samplers.nuts import NUTS as NUTS
from llcray.samplers.sg_mclmc import SGMCLMC as SGMCLMC
from llcray.samplers.sghmc import SGHMC as SGHMC
from llcray.samplers.sgld import SGLD as SGLD
from llcray.samplers.sgnht import SGNHT as SGNHT
from llcray.samplers.tempered_smc import TemperedSMC as TemperedSMC
from llcray.samplers.ubu import UBU as UBU
from llcray.samplers.variational import Variational as Variational

Sampler = Annotated[
    Auto
    | BAOAB
    | UBU
    | SGLD
    | SGHMC
    | SGNHT
    | SGMCLMC
    | HMC
    | NUTS
    | MALA
    | MCLMC
    | AdjustedMCLMC
    | TemperedSMC
    | Laplace
    | Variational
    | LocalVolume,
    Field(discriminator="kind"),
]
