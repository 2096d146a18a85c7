"""The tempered, localized posterior as a sweep file writes it: inverse temperature (beta), localization (gamma)."""

from typing import Annotated, Literal

from pydantic import Field

from llcray.variant import PositiveFloat, Record, Variant


class LogN(Variant):
    """beta = scale / log n, the temperature of the WBIC at scale 1 (Watanabe 2013, arXiv 1208.6338).

    Attributes:
        scale: Multiple of 1/log n; n is the number of examples that the loss is taken on.
    """

    kind: Literal["log_n"] = "log_n"
    scale: PositiveFloat = 1.0


class FixedInverseTemperature(Variant):
    """beta = value.

    Attributes:
        value: beta, which multiplies n L_n.
    """

    kind: Literal["fixed"] = "fixed"
    value: PositiveFloat


class FixedProduct(Variant):
    """n beta = value, as papers that quote `nbeta` do.

    Attributes:
        value: n beta, which multiplies the mean loss L_n.
    """

    kind: Literal["n_beta"] = "n_beta"
    value: PositiveFloat


InverseTemperature = Annotated[LogN | FixedInverseTemperature | FixedProduct, Field(discriminator="kind")]


class Radius(Record):
    """gamma = d / radius^2: the prior's typical distance from w* is `radius` (d the number of sampled parameters).

    Attributes:
        radius: Distance from w*, in units of w.
    """

    radius: PositiveFloat


class PosteriorSpec(Variant):
    """p(w) proportional to exp(-n beta L_n(w) - gamma/2 |w - w*|^2).

    Attributes:
        inverse_temperature: beta.
        localization: gamma in 1/(unit of w)^2: a number >= 0, a radius, or `auto`: the sampler's calibration chooses,
            a few thousandths of the largest curvature of n beta L_n at w*, which moves the estimate little.
        temperatures: More temperatures to sample at in the same pack, as multiples of 1/beta, all with the gamma of
            beta; from all of them follows `llc_extrapolated`, the LLC as n beta grows. [0.25, 0.5, 2, 4] is a good
            choice; each costs as much as the estimate itself.
    """

    inverse_temperature: InverseTemperature = LogN()
    localization: Literal["auto"] | Annotated[float, Field(ge=0)] | Radius = "auto"
    temperatures: tuple[PositiveFloat, ...] = ()
