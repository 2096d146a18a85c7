"""The sampler that needs no number: BAOAB whose step size, localization and length are calibrated on the run itself.

Targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) like `baoab`. The calibration itself is a schedule,
`llcray.sampling.schedules.calibrated`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llcray.samplers.baoab import Mass, build_baoab
from llcray.samplers.kernel import Kernel, Precision, SamplerVariant
from llcray.variant import Count


class Auto(SamplerVariant):
    """Underdamped Langevin dynamics, calibrated on the run itself.

    Attributes:
        batch_size: Examples per gradient; null: 64 or all if there are fewer, and a quarter of these where gradient
            noise is cheap.
        gradient: `minibatch` or `control_variate`, as for `baoab`; `auto`: control variates where gradient noise limits
            the step and they have less than half of that noise, which repays twice the work.
        max_heat: Largest step-size bias to sample with, as a share of the LLC. It is subtracted; the share is smaller
            where the error asked for needs that.
        mass: The mass of the chains, as for `baoab`, measured where the burn-in has led; `auto`: the unit mass, but for
            models of at most 100 parameters whose curvatures at w* differ by orders the diagonal of these.
        curvature_share: h^2 times the largest curvature met on the chain, during burn-in; BAOAB is stable below 4.
    """

    precision: ClassVar[Precision] = "float32"
    bias_order: ClassVar[float | None] = 2.0
    num_calibration_blocks: ClassVar[int] = 2
    # The schedule alone reads these fields: they compile nothing.
    traced: ClassVar[tuple[str, ...]] = ("max_heat", "curvature_share")
    of_schedule: ClassVar[tuple[str, ...]] = ("mass",)

    version: int = 5
    kind: Literal["auto"] = "auto"
    batch_size: Count | None = None
    gradient: Literal["auto", "minibatch", "control_variate"] = "auto"
    mass: Literal["auto"] | Mass = "auto"
    max_heat: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    curvature_share: Annotated[float, Field(gt=0, le=2)] = 0.4

    @property
    def examples_per_gradient(self) -> int:
        """The batch size that is used where n is not smaller."""
        return self.batch_size or 64

    def gradients_per_step(self, num_data: int) -> float:
        return min(self.examples_per_gradient, num_data) / num_data * (2 if self.gradient == "control_variate" else 1)

    def finer(self) -> "Auto":
        return self.model_copy(update={"max_heat": 0.5 * self.max_heat, "curvature_share": 0.5 * self.curvature_share})

    def build(self) -> Kernel:
        # Calibration starts with minibatch gradients and may then choose control variates.
        gradient = "control_variate" if self.gradient == "control_variate" else "minibatch"
        return build_baoab(self.examples_per_gradient, gradient)
