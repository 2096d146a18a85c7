"""The sampler that needs no number: BAOAB whose step size, localization and length are calibrated on the run itself.

Targets exp(-n beta L_n(w) - gamma/2 |w - w*|^2) like `baoab`; see `llcray.sampling.calibrated` for what it decides and
how.
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
        gradient: `minibatch` or `control_variate`, as for `baoab`.
        max_heat: Largest step-size bias to sample with, as a share of the LLC. It is subtracted; this bounds what is.
    """

    precision: ClassVar[Precision] = "float32"

    version: Literal[3] = 3  # pyright: ignore[reportIncompatibleVariableOverride]
    kind: Literal["auto"] = "auto"
    batch_size: Count | None = None
    gradient: Literal["minibatch", "control_variate"] = "minibatch"
    max_heat: Annotated[float, Field(gt=0, le=0.5)] = 0.02

    @property
    def examples_per_gradient(self) -> int:
        """The batch size used, before it is cut to n."""
        return self.batch_size or 64

    def gradients_per_step(self, num_data: int) -> float:
        """One minibatch gradient, two with control variates."""
        return min(self.examples_per_gradient, num_data) / num_data * (2 if self.gradient == "control_variate" else 1)

    def build(self) -> Kernel:
        """The kernel of `baoab`."""
        return build_baoab(self.examples_per_gradient, self.gradient)

    def schedule(self, facts: Any) -> Any:
        """Calibrates, then samples."""
        from llcray.sampling.calibrated import calibrated

        return calibrated(facts, self.max_heat)
