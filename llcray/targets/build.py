"""Builds a target from its spec, takes the time, and names the target by the spec's content."""

import dataclasses
import time

from llcray.targets.target import Target
from llcray.targets.variant import TargetVariant
from llcray.variant import content_id


def build_target(spec: TargetVariant) -> Target:
    """The target of a spec, its arrays on the host.

    Raises:
        ValueError: The data do not suit the architecture, or a user's function does not return a target.
        FloatingPointError: Training diverged.
    """
    start = time.perf_counter()
    target = spec.build()
    facts = dataclasses.replace(target.facts, build_seconds=time.perf_counter() - start)
    return dataclasses.replace(target, facts=facts, target_id=content_id(spec))
