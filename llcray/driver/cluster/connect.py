"""Connects to the Ray that trials run on: one started here for the time of a sweep, or one that runs already.

A Ray started here has few daemons and no dashboard, sends no statistics, prints nothing, and leaves neither processes
nor files.

An address says which Ray to use. A cluster at `auto` or `host:port` is joined: the driver is this process. A cluster at
`http://host:8265` or `ray://host:10001` is reached from outside: the driver becomes a job on the cluster, which this
process watches (`llcray.driver.cluster.submit`).
"""

import contextlib
import logging
import os
import shutil
import socket
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llcray.driver.cluster.capacity import num_slots
from llcray.driver.cluster.ray_internals import (
    address_above,
    few_daemons,
    inherited_environment,
    largest_resources,
    own_token,
    silence_daemons,
)
from llcray.driver.cluster.runtime_env import runtime_env
from llcray.driver.errors import DriverError, one_line
from llcray.driver.machine import usable_cpus
from llcray.spec import Resources

REMOTE_SCHEMES = ("http://", "https://", "ray://")
OBJECT_STORE_BYTES = 128 * 2**20
ATTEMPTS_TO_START = 3
SCRATCH_BYTES = 6 * 2**20
"""Room that Ray's sockets, logs and Tune's files need at least: 8 MB were enough for a short sweep."""
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
"""Environment variables that keep Tune from writing to the terminal and to disk: the dataset is the state."""
NO_EARLY_WORKERS = {"RAY_prestart_worker_first_driver": "0"}
"""Environment variables that keep a Ray started here from starting workers before a trial asks for one: such workers
get no trial of Tune's."""
QUIETLY: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL, "configure_logging": True}
"""Arguments of `ray.init` that keep Ray from writing to the terminal."""

Choice = Callable[[str], str]
"""A function that takes a job's id, asks the user, and returns what becomes of the job: `leave`, `stop`, `kill` or
`watch`."""


@dataclass(frozen=True)
class Cluster:
    """A Ray that this process is connected to.

    Attributes:
        num_slots: Trials that can run at a time.
        num_nodes: Machines alive.
        scratch: Folder for the files that Tune insists on writing, removed when the connection ends.
    """

    num_slots: int
    num_nodes: int
    scratch: Path


def is_remote(address: str | None) -> bool:
    """Returns whether the cluster at an address is reached from outside, so that the driver has to run on it.

    Raises:
        DriverError: The address is of no known kind.
    """
    if address is None or "://" not in address:
        return False
    if not address.startswith(REMOTE_SCHEMES):
        raise DriverError(
            f"Address '{address}' is of no known kind: give auto or host:6379 on a machine of the cluster, or "
            "http://host:8265 or ray://host:10001 from outside."
        )
    return True


def leave_running(job_id: str) -> str:
    """Chooses to leave a job running; for use where nobody can be asked."""
    return "leave"


@contextlib.contextmanager
def connect(address: str | None, resources: Resources, modules: Sequence[str] = ()) -> Iterator[Cluster]:
    """Connects to a cluster, or starts one, and undoes that at the end.

    A Ray that this process is connected to already is used as it is where no other one is named, and stays connected.

    Args:
        address: Address of a cluster that this machine is part of; None to start a Ray on this machine.
        resources: Resources of one trial.
        modules: Folders of import packages to send to the cluster, beside llcray's own.

    Raises:
        DriverError: There is no such cluster, none of its machines has room for a trial, or this process is connected
            to another Ray.
    """
    own = {} if address is not None else own_token() | NO_EARLY_WORKERS
    with _environment(QUIET | own), _scratch() as scratch, contextlib.ExitStack() as stack:
        import ray

        borrowed = ray.is_initialized()
        try:
            if borrowed:
                _check_connection(ray, address)
            else:
                _silence()
                with forking_quietly():
                    _init(ray, address, scratch, modules)
                if address is None:
                    stack.enter_context(inherited_environment())
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            yield Cluster(num_slots(nodes, largest_resources() if address else None, resources), len(nodes), scratch)
        finally:
            if not borrowed:
                ray.shutdown()


@contextlib.contextmanager
def connect_to(address: str) -> Iterator[None]:
    """Joins a running cluster to look at it, and leaves the cluster at the end.

    A Ray that this process is connected to already stays connected.

    Raises:
        DriverError: There is no such cluster, or this process is connected to another Ray.
    """
    with _environment(QUIET):
        import ray

        borrowed = ray.is_initialized()
        try:
            if borrowed:
                _check_connection(ray, address)
            else:
                _silence()
                _join(ray, address, {})
            yield
        finally:
            if not borrowed:
                ray.shutdown()


@contextlib.contextmanager
def forking_quietly() -> Iterator[None]:
    """Drops JAX's warning about forks, where JAX is loaded already: Ray's daemons are new programs, not copies."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="os.fork", category=RuntimeWarning)
        yield


def _init(ray: Any, address: str | None, scratch: Path, modules: Sequence[str]) -> None:
    if address is not None:
        _join(ray, address, runtime_env(modules))
        return
    for attempt in range(ATTEMPTS_TO_START):
        try:
            with few_daemons():
                ray.init(
                    address="local",
                    num_cpus=usable_cpus(),
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                    _temp_dir=str(scratch / f"ray{attempt or ''}"),
                    **QUIETLY,
                )
        except Exception as error:
            ray.shutdown()
            # On a machine where several start at once, a Ray may take longer than it gives itself.
            if "timed out" in str(error) and attempt + 1 < ATTEMPTS_TO_START:
                continue
            reason = one_line(error) or type(error).__name__
            raise DriverError(
                f"Ray did not start on this machine: {reason} Nothing was computed or changed; the same command tries "
                "again."
            ) from error
        return


def _join(ray: Any, address: str, code: dict[str, Any]) -> None:
    above = address_above() if address == "auto" else None
    try:
        ray.init(address=above or address, runtime_env=code, **QUIETLY)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DriverError(
            f"No Ray cluster answers at '{address}': {reason} Check --address; where the cluster was started with a "
            "token, set RAY_AUTH_MODE=token, or give `auto` on one of its machines."
        ) from error


def _check_connection(ray: Any, address: str | None) -> None:
    """Refuses an address that names another Ray than the one that this process is connected to.

    Raises:
        DriverError: It does.
    """
    connected = ray.get_runtime_context().gcs_address
    if address not in (None, "auto") and _ip_and_port(ray, address) != _ip_and_port(ray, connected):
        raise DriverError(
            f"This process is connected to the Ray at '{connected}', and '{address}' is another: call ray.shutdown() "
            "first, or leave the address out to use the Ray that is connected."
        )


def _ip_and_port(ray: Any, address: str) -> tuple[str, str]:
    """Returns an address with a name of the host's replaced by its number, this machine's own for `localhost`."""
    host, _, port = address.rpartition(":")
    try:
        number = socket.gethostbyname(host)
    except OSError:
        return host, port
    return (ray.util.get_node_ip_address() if number.startswith("127.") else number), port


def _silence() -> None:
    """Keeps what Ray's loggers and daemons say off the terminal."""
    silence_daemons()
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
    """Makes a folder for this process and removes it at the end.

    Raises:
        DriverError: No folder for temporary files can be written and has room.
    """
    base = _scratch_base()
    _remove_leftovers(base)
    folder = Path(tempfile.mkdtemp(prefix=f"llcray-{os.getpid()}-{_process_namespace()}-", dir=base))
    try:
        yield folder
    finally:
        for _ in range(20):  # processes that are ending may still write
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)


def _scratch_base() -> Path:
    """Returns the first folder for temporary files that can be written and has room.

    `/tmp` comes first because Ray puts sockets there, whose paths have 107 characters at most.
    """
    problems = []
    for text in dict.fromkeys(filter(None, ("/tmp", os.environ.get("TMPDIR"), tempfile.gettempdir()))):
        base = Path(text)
        try:
            free = shutil.disk_usage(base).free
        except OSError as error:
            problems.append(f"'{base}' ({error.strerror})")
            continue
        if not os.access(base, os.W_OK):
            problems.append(f"'{base}' cannot be written")
        elif free < SCRATCH_BYTES:
            problems.append(f"'{base}' has {free / 2**20:.1f} MB free")
        else:
            return base
    raise DriverError(
        f"Ray needs {SCRATCH_BYTES / 2**20:.0f} MB for its files: {', '.join(problems)}. Free some, or set TMPDIR "
        "to a folder with room and a short path."
    )


def _remove_leftovers(base: Path) -> None:
    """Removes the folders that killed drivers of this user left; other containers have process ids of their own."""
    for folder in base.glob(f"llcray-*-{_process_namespace()}-*"):
        pid = folder.name.split("-")[1]
        with contextlib.suppress(OSError):
            if pid.isdigit() and folder.stat().st_uid == os.getuid() and not Path(f"/proc/{pid}").exists():
                shutil.rmtree(folder, ignore_errors=True)


def _process_namespace() -> int:
    """Returns the number of the namespace that process ids here belong to; 0 on systems without namespaces."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0
