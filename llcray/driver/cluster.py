"""The Ray that trials run on: one started here for the time of a sweep, or one that is there already.

What is started here has no dashboard, sends no statistics, prints nothing, and leaves neither processes nor files.
"""

import contextlib
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llcray.driver.errors import DriverError
from llcray.driver.machine import usable_cpus
from llcray.spec import Resources

OBJECT_STORE_BYTES = 128 * 2**20
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000000",
    "TUNE_WARN_THRESHOLD_S": "1000000000",
}
"""Nothing of Tune's on the user's terminal, and no state on disk: the dataset is the state."""


@dataclass(frozen=True)
class Cluster:
    """A Ray that this process is connected to.

    Attributes:
        num_slots: Trials that can run at a time.
        num_nodes: Machines alive.
        scratch: Folder for what Tune insists on writing; gone afterwards.
    """

    num_slots: int
    num_nodes: int
    scratch: Path


@contextlib.contextmanager
def connect(address: str | None, resources: Resources) -> Iterator[Cluster]:
    """Connects to a cluster, or starts one, and undoes that at the end.

    A Ray that this process is connected to already is used as it is, and left.

    Args:
        address: Of a cluster; None for one of this machine's own.
        resources: Of one trial.

    Raises:
        DriverError: There is no such cluster, or no machine of it has room for a trial.
    """
    if address is not None and "://" in address:
        raise DriverError(
            f"Address '{address}' is none that a driver can join: give host:port of the head (or auto), from a machine "
            "of the cluster."
        )
    with _environment(QUIET), _scratch() as scratch:
        import ray

        borrowed = ray.is_initialized()
        try:
            if not borrowed:
                _silence()
                with forking_quietly():
                    _init(ray, address, scratch)
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            yield Cluster(_num_slots(nodes, resources), len(nodes), scratch)
        finally:
            if not borrowed:
                ray.shutdown()


@contextlib.contextmanager
def forking_quietly() -> Iterator[None]:
    """Drops JAX's warning about forks, where JAX is loaded already: Ray's daemons are new programs, not copies."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="os.fork", category=RuntimeWarning)
        yield


def _init(ray: Any, address: str | None, scratch: Path) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL, "configure_logging": True}
    if address is None:
        ray.init(
            address="local",
            num_cpus=usable_cpus(),
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _temp_dir=str(scratch / "ray"),
            **quiet,
        )
        return
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DriverError(f"No Ray cluster answers at '{address}': {reason} Check --address.") from error


def _num_slots(nodes: list[dict[str, float]], resources: Resources) -> int:
    """Trials that fit on the nodes.

    Raises:
        DriverError: None does.
    """
    wanted = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory or 0}
    wanted = {name: amount for name, amount in wanted.items() if amount}
    fitting = [min(int(node.get(name, 0) / amount + 1e-6) for name, amount in wanted.items()) for node in nodes]
    if sum(fitting):
        return sum(fitting)
    most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in wanted}
    short = ", ".join(f"{name} {amount:g} (most: {most[name]:g})" for name, amount in wanted.items())
    raise DriverError(f"No machine has room for a trial, which takes {short}. Lower `resources` in the sweep file.")


def _silence() -> None:
    """Keeps Ray's words off the terminal: loggers, and messages of its daemons, which no option turns off."""
    from ray._private import worker

    setattr(worker, "_worker_logs_enabled", False)  # noqa: B010
    for name in ("ray", "ray.tune", "ray.train", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of this process, with a short path: Ray puts sockets there, whose paths have 107 characters at most."""
    base = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())
    _sweep_up(base)
    folder = Path(tempfile.mkdtemp(prefix=f"llcray-{os.getpid()}-", dir=base))
    try:
        yield folder
    finally:
        for _ in range(20):  # processes that are ending may still write
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)


def _sweep_up(base: Path) -> None:
    """Removes what killed drivers of this user left."""
    for folder in base.glob("llcray-*-*"):
        pid = folder.name.split("-")[1]
        with contextlib.suppress(OSError):
            if pid.isdigit() and folder.stat().st_uid == os.getuid() and not Path(f"/proc/{pid}").exists():
                shutil.rmtree(folder, ignore_errors=True)
