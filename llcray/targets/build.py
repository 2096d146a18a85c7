"""Builds a target from its spec. Everything drawn follows from the spec, so the same spec gives the same target."""

import dataclasses
import time
from functools import singledispatch

from llcray.targets import (
    CheckpointTarget,
    DeepLinearTarget,
    EvenPowersTarget,
    FineTunedTarget,
    NormalCrossingTarget,
    PythonTarget,
    QuadraticTarget,
    RandomDeepLinearTarget,
    RealisableTarget,
    SuperpositionTarget,
    TrainedTarget,
)
from llcray.targets.target import Target
from llcray.variant import Variant, content_id


def build_target(spec: Variant) -> Target:
    """The target of a spec, its arrays on the host.

    Raises:
        ValueError: The data do not suit the architecture, or a user's function does not return a target.
        FloatingPointError: Training diverged.
    """
    start = time.perf_counter()
    target = _build(spec)
    facts = dataclasses.replace(target.facts, build_seconds=time.perf_counter() - start)
    return dataclasses.replace(target, facts=facts, target_id=content_id(spec))


@singledispatch
def _build(spec: Variant) -> Target:
    raise TypeError(f"{type(spec).__name__} has no builder. Add one in llcray/targets/build.py.")


@_build.register
def _(spec: TrainedTarget) -> Target:
    from llcray.targets.trained.build import build_trained
    from llcray.targets.trained.trajectory import build_checkpoints

    if spec.step is None:
        return build_trained(spec)
    return next(each.target for each in build_checkpoints([spec]) if each.spec.step == spec.step)


@_build.register
def _(spec: FineTunedTarget) -> Target:
    from llcray.targets.fine_tuned.build import build_fine_tuned

    # The weights that a fine-tuning ends with, where no step is named.
    step = spec.method.num_steps if spec.step is None else spec.step
    return next(each.target for each in build_fine_tuned([spec.at_step(step)], build_target) if each.spec.step == step)


@_build.register
def _(spec: QuadraticTarget) -> Target:
    from llcray.targets.analytic.build import build_quadratic

    return build_quadratic(spec)


@_build.register
def _(spec: NormalCrossingTarget) -> Target:
    from llcray.targets.analytic.build import build_normal_crossing

    return build_normal_crossing(spec)


@_build.register
def _(spec: EvenPowersTarget) -> Target:
    from llcray.targets.analytic.build import build_even_powers

    return build_even_powers(spec)


@_build.register
def _(spec: DeepLinearTarget) -> Target:
    from llcray.targets.deep_linear.build import build_deep_linear

    return build_deep_linear(spec)


@_build.register
def _(spec: RandomDeepLinearTarget) -> Target:
    from llcray.targets.deep_linear.build import build_deep_linear

    return build_deep_linear(spec.draw())


@_build.register
def _(spec: RealisableTarget) -> Target:
    from llcray.targets.realisable.build import build_realisable

    return build_realisable(spec)


@_build.register
def _(spec: SuperpositionTarget) -> Target:
    from llcray.targets.superposition.build import build_superposition

    return build_superposition(spec)


@_build.register
def _(spec: PythonTarget) -> Target:
    from llcray.targets.python_build import build_python

    return build_python(spec)


@_build.register
def _(spec: CheckpointTarget) -> Target:
    from llcray.targets.checkpoint.build import build_checkpoint

    return build_checkpoint(spec)
