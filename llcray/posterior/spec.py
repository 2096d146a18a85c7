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


LADDER = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5)
"""The rungs of `localization: ladder`, as shares of the automatic gamma."""


class Ladder(Record):
    """Several gammas, each sampled in the same pack.

    Attributes:
        ladder: The gammas, in 1/(unit of w)^2.
    """

    ladder: Annotated[tuple[PositiveFloat, ...], Field(min_length=2)]


class PosteriorSpec(Variant):
    """p(w) proportional to exp(-n beta L_n(w) - gamma/2 |w - w*|^2).

    Attributes:
        inverse_temperature: beta.
        localization: gamma in 1/(unit of w)^2: a number >= 0, a radius, or `auto`: the sampler's calibration chooses,
            a few thousandths of the largest curvature of n beta L_n at w*, which moves the estimate little unless the
            parameters' scales differ by orders. `ladder` samples that gamma and a tenth, a hundredth, ... a
            hundred-thousandth of it, and `{ladder: [20, 2, 0.2]}` these gammas. The estimate is then that of the
            weakest gamma on a plateau of lambda(gamma), or its verdict is `gamma_decides`. Each rung costs as much as
            an estimate.
        temperatures: More temperatures to sample at in the same pack, as multiples of 1/beta, all with the gamma of
            beta; from all of them follows `llc_extrapolated`, the LLC as n beta grows. [0.25, 0.5, 2, 4] is a good
            choice; each costs as much as the estimate itself.
    """

    inverse_temperature: InverseTemperature = LogN()
    localization: Literal["auto", "ladder"] | Annotated[float, Field(ge=0)] | Radius | Ladder = "auto"
    temperatures: tuple[PositiveFloat, ...] = ()

    @property
    def has_automatic_localization(self) -> bool:
        """Whether gamma is measured in the largest curvature at w*."""
        return self.localization in ("auto", "ladder")

    @property
    def rungs(self) -> tuple[float, ...]:
        """The gammas of a ladder as shares of its largest, which comes first; (1,) where there is no ladder."""
        match self.localization:
            case "ladder":
                return LADDER
            case Ladder(ladder=gammas):
                return tuple(gamma / max(gammas) for gamma in sorted(set(gammas), reverse=True))
            case _:
                return (1.0,)
