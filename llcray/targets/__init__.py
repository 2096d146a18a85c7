"""Everything that an LLC can be estimated of. Here are the specs, which load no JAX."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from llcray.targets.analytic.even_powers import EvenPowersTarget as EvenPowersTarget
from llcray.targets.analytic.normal_crossing import NormalCrossingTarget as NormalCrossingTarget
from llcray.targets.analytic.quadratic import QuadraticTarget as QuadraticTarget
from llcray.targets.checkpoint.spec import CheckpointTarget as CheckpointTarget
from llcray.targets.deep_linear.spec import DeepLinearTarget as DeepLinearTarget
from llcray.targets.deep_linear.spec import RandomDeepLinearTarget as RandomDeepLinearTarget
from llcray.targets.fine_tuned.spec import FineTunedTarget as FineTunedTarget
from llcray.targets.python import PythonTarget as PythonTarget
from llcray.targets.realisable.spec import RealisableTarget as RealisableTarget
from llcray.targets.superposition.spec import SuperpositionTarget as SuperpositionTarget
from llcray.targets.torch.spec import TorchTarget as TorchTarget
from llcray.targets.trained.spec import TrainedTarget as TrainedTarget


def _kind(value: Any) -> Any:
    """The tag of a target; a target that names no kind is a trained one."""
    return value.get("kind", "trained") if isinstance(value, dict) else getattr(value, "kind", None)


TargetSpec = Annotated[
    Annotated[TrainedTarget, Tag("trained")]
    | Annotated[QuadraticTarget, Tag("quadratic")]
    | Annotated[NormalCrossingTarget, Tag("normal_crossing")]
    | Annotated[EvenPowersTarget, Tag("even_powers")]
    | Annotated[DeepLinearTarget, Tag("deep_linear")]
    | Annotated[RandomDeepLinearTarget, Tag("random_deep_linear")]
    | Annotated[RealisableTarget, Tag("realisable")]
    | Annotated[SuperpositionTarget, Tag("superposition")]
    | Annotated[FineTunedTarget, Tag("fine_tuned")]
    | Annotated[PythonTarget, Tag("python")]
    | Annotated[CheckpointTarget, Tag("checkpoint")]
    | Annotated[TorchTarget, Tag("torch")],
    Discriminator(_kind),
]
