"""Targets: what an LLC is estimated of. Here are their specs, without JAX; `llcray.targets.artifact` builds them."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from llcray.targets.checkpoint import CheckpointTarget as CheckpointTarget
from llcray.targets.deep_linear import DeepLinearTarget as DeepLinearTarget
from llcray.targets.even_powers import EvenPowersTarget as EvenPowersTarget
from llcray.targets.fine_tuned import FineTunedTarget as FineTunedTarget
from llcray.targets.normal_crossing import NormalCrossingTarget as NormalCrossingTarget
from llcray.targets.python import PythonTarget as PythonTarget
from llcray.targets.quadratic import QuadraticTarget as QuadraticTarget
from llcray.targets.random_deep_linear import RandomDeepLinearTarget as RandomDeepLinearTarget
from llcray.targets.realisable import RealisableTarget as RealisableTarget
from llcray.targets.superposition import SuperpositionTarget as SuperpositionTarget
from llcray.targets.trained import TrainedTarget as TrainedTarget


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
    | Annotated[CheckpointTarget, Tag("checkpoint")],
    Discriminator(_kind),
]
