"""The sampler that needs no number: BAOAB whose step size, localization and length are calibrated on the run itself.

Targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) like `baoab`; `llcray.sampling.schedules.calibrated` says what it
decides and how.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from llcray.samplers.baoab import build_baoab
from llcray.samplers.kernel import Kernel, Precision, SamplerVariant
from llcray.variant import Count


class Auto(SamplerVariant):
    """Calibrated underdamped Langevin.

    Attributes:
        batch_size: Examples per gradient; null: 64, or all if there are fewer.
        gradient: `minibatch` or `control_variate`, as for `baoab`; `auto`: the latter where gradient noise limits the
            step and it has less than half of that noise, for twice the work.
        max_heat: Largest step-size bias to sample with, as a share of the LLC. It is subtracted; this bounds what is.
        curvature_share: Largest h^2 times the largest curvature met on the chain; BAOAB is stable below 4, accurate
            well below one.
    """

    precision: ClassVar[Precision] = "float32"
    bias_order: ClassVar[float | None] = 2.0
    # Read by the schedule alone: they compile nothing.
    traced: ClassVar[tuple[str, ...]] = ("max_heat", "curvature_share")

    version: int = 3
    kind: Literal["auto"] = "auto"
    batch_size: Count | None = None
    gradient: Literal["auto", "minibatch", "control_variate"] = "auto"
    max_heat: Annotated[float, Field(gt=0, le=0.5)] = 0.02
    curvature_share: Annotated[float, Field(gt=0, le=2)] = 0.1

    @property
    def examples_per_gradient(self) -> int:
        """The batch size used, before it is cut to n."""
        return self.batch_size or 64

    def gradients_per_step(self, num_data: int) -> float:
        """One minibatch gradient, two with control variates."""
        return min(self.examples_per_gradient, num_data) / num_data * (2 if self.gradient == "control_variate" else 1)

    def finer(self) -> "Auto":
        """About half of h^2."""
        return self.model_copy(update={"max_heat": 0.5 * self.max_heat, "curvature_share": 0.5 * self.curvature_share})

    def build(self) -> Kernel:
        """The kernel of `baoab`; of `auto` gradients, the one it starts with."""
        gradient = "control_variate" if self.gradient == "control_variate" else "minibatch"
        return build_baoab(self.examples_per_gradient, gradient)

    def schedule(self, facts: Any) -> Any:
        """Calibrates, then samples."""
        from llcray.sampling.schedules.calibrated import calibrated

        return calibrated(facts, self.max_heat, self.curvature_share)
