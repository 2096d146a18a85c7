"""How many trials a cluster can run at a time, by the machines it has or may yet start."""

from collections.abc import Mapping, Sequence

from llcray.driver.errors import DriverError
from llcray.spec import Resources

TOLERANCE = 1e-6


def num_slots(nodes: Sequence[Mapping[str, float]], most: Mapping[str, float] | None, resources: Resources) -> int:
    """Counts the trials that fit at a time.

    Args:
        nodes: Resources of each machine that is up, by Ray's names.
        most: Resources that the cluster may grow to in all; None where the cluster does not grow.
        resources: Resources of one trial.

    Raises:
        DriverError: Not one trial fits.
    """
    wanted = {name: amount for name, amount in amounts(resources).items() if amount}
    here = sum(_num_fitting(node, wanted) for node in nodes)
    later = _num_fitting(most, wanted) if most else 0
    if max(here, later):
        return max(here, later)
    best = {name: max((node.get(name, 0) for node in nodes), default=0) for name in wanted}
    short = ", ".join(f"{name} {amount:g} (most: {best[name]:g})" for name, amount in wanted.items())
    raise DriverError(f"No machine has room for a trial, which takes {short}. Lower `resources` in the sweep file.")


def amounts(resources: Resources) -> dict[str, float]:
    """Returns a trial's resources by Ray's names; memory is in bytes."""
    return {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory or 0}


def _num_fitting(offered: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    return min(int(offered.get(name, 0) / amount + TOLERANCE) for name, amount in wanted.items())
