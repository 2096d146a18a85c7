"""What the compiled programs of a target depend on, as far as its spec can say: which targets may share a pack.

Two targets of one signature that turn out to differ are sampled by two programs; nothing else happens.
"""

from functools import singledispatch
from typing import Any

from llcray.data import LabelledData
from llcray.targets import (
    DeepLinearTarget,
    RandomDeepLinearTarget,
    RealisableTarget,
    SuperpositionTarget,
    TrainedTarget,
)
from llcray.variant import Variant, canonical_json

INITIAL_WEIGHTS = ("initialization", "gain", "bias_scale")


def signature(target: Variant) -> str:
    """Equal for targets whose data, network and training have one shape, whatever their numbers and seeds."""
    return canonical_json([getattr(target, "kind", ""), _shape(target)])


@singledispatch
def _shape(target: Variant) -> Any:
    """By default everything but the seed: the numbers of a loss that is a formula are part of its program."""
    return _without(target, "seed")


@_shape.register
def _(target: TrainedTarget) -> Any:
    # All phases of a training count: its checkpoints stay together, since it is done once for all of them.
    phases = [phase.data for phase in target.pretraining or ()]
    shapes = [_data_shape(data) for data in (*phases, target.data)]
    network, training = _without(target.architecture, *INITIAL_WEIGHTS), target.training.structure()
    return [network, shapes, target.matched_likelihood().kind, _without(training), target.step is not None]


@_shape.register
def _(target: RealisableTarget) -> Any:
    return [_without(target.architecture, *INITIAL_WEIGHTS), _synthetic_shape(target.data)]


@_shape.register
def _(target: DeepLinearTarget) -> Any:
    return [target.widths, target.num_data]


@_shape.register
def _(target: RandomDeepLinearTarget) -> Any:
    return _shape(target.draw())


@_shape.register
def _(target: SuperpositionTarget) -> Any:
    return [target.num_features, target.num_data]


def _data_shape(data: Any) -> Any:
    return _without(data) if isinstance(data, LabelledData) else _synthetic_shape(data)


def _synthetic_shape(data: Any) -> Any:
    return [data.input_dimension, data.output_dimension, data.num_data]


def _without(spec: Variant, *names: str) -> dict[str, Any]:
    return spec.model_dump(mode="json", exclude=set(names))
