"""The packages that targets of a sweep need, looked for on every machine of a cluster before a row is written."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from llcray_storage import Dataset

from llcray.driver.cluster.capacity import num_slots
from llcray.driver.errors import DriverError
from llcray.spec import Resources
from llcray.targets import TargetSpec
from llcray.targets.stored import StoredTargets
from llcray.variant import content_id


def check_packages(targets: Iterable[TargetSpec], dataset: Dataset, resources: Resources) -> None:
    """Refuses a sweep whose targets need packages that a machine of the cluster lacks.

    Machines that join the cluster later are not known yet: what they lack becomes the reason of a failed row.

    Args:
        targets: Targets of the runs to do.
        dataset: Dataset that may have some of them, which are then not built.
        resources: Resources of one trial; machines without room for one are passed over.

    Raises:
        DriverError: A machine lacks a package; the message names both.
    """
    stored = StoredTargets(dataset)
    traced = {content_id(target): target for target in targets if target.needed_packages(is_stored=False)}
    needed = {name for target in traced.values() for name in target.needed_packages(is_stored=stored.has(target))}
    if not needed:
        return
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(num_cpus=0)(missing_packages)
    calls = {
        node["NodeManagerHostname"]: look.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(sorted(needed))
        for node in ray.nodes()
        if node["Alive"] and _has_room(node["Resources"], resources)
    }
    lacking = {name: missing for name, call in calls.items() if (missing := ray.get(call))}
    if lacking:
        listed = "; ".join(f"{name} lacks {', '.join(missing)}" for name, missing in lacking.items())
        raise DriverError(
            f"Targets of this sweep are traced with {', '.join(sorted(needed))}, and {listed}. Install "
            "'llcray[transformers]' on all machines of the cluster, or trace the targets here, write them with "
            "llcray.torch.save, and give the files to kind: torch, which needs no torch."
        )


def missing_packages(names: Sequence[str]) -> list[str]:
    """Those of these packages that are not installed here."""
    return [name for name in names if find_spec(name) is None]


def _has_room(node: dict[str, float], resources: Resources) -> bool:
    try:
        return num_slots([node], None, resources) > 0
    except DriverError:
        return False
