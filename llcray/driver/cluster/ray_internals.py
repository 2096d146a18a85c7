"""Everything of Ray that is used here and is not part of its public interface, checked on Ray 2.60.0.

Each function says what it is for, so that a new version of Ray that lacks something can be given a substitute here.
Ray is imported inside the functions: importing the driver must not load it.
"""

import logging
import os
import pickle
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

INSIDE_A_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
GCS_ADDRESS = "--gcs-address="
LOGGERS_OF_UPLOADS = (
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    "ray._private.runtime_env.packaging",
    "ray.util.client",
)


def silence_daemons() -> None:
    """Keeps messages of Ray's daemons off the terminal; no public option turns them off."""
    from ray._private import worker

    setattr(worker, "_worker_logs_enabled", False)  # noqa: B010


@contextmanager
def few_daemons() -> Iterator[None]:
    """Has `ray.init` start no more daemons than trials on one machine need.

    Left out are the monitors of logs and of an autoscaler, and the dashboard, for whose start `ray.init` waits although
    it was told to have none: two seconds of processor time.
    """
    from ray._private.node import Node

    def no_dashboard(node: Any, **options: Any) -> None:
        del options
        node._webui_url = ""

    def nothing(node: Any) -> None:
        del node

    substitutes = {"start_api_server": no_dashboard, "start_log_monitor": nothing, "start_monitor": nothing}
    with _replaced(Node, substitutes):
        yield


@contextmanager
def inherited_environment() -> Iterator[None]:
    """Has Tune start workers in the environment of a Ray that this process has started.

    Tune asks for some of the same variables by a runtime environment, which takes half a second of processor time a
    worker.
    """
    import ray
    from ray.tune.execution.class_cache import _ActorClassCache

    def get(cache: Any, trainable: type) -> Any:
        if trainable not in cache._cache:
            cache._cache[trainable] = ray.remote(trainable)
        return cache._cache[trainable]

    with _replaced(_ActorClassCache, {"get": get}):
        yield


@contextmanager
def _replaced(owner: type, substitutes: Mapping[str, Any]) -> Iterator[None]:
    """Puts substitutes in the place of a class's methods; one that the class does not have is left out."""
    originals = {name: getattr(owner, name) for name in substitutes if hasattr(owner, name)}
    try:
        for name in originals:
            setattr(owner, name, substitutes[name])
        yield
    finally:
        for name, original in originals.items():
            setattr(owner, name, original)


def silence_uploads() -> None:
    """Keeps Ray's remarks on uploads off the terminal; its modules set their own levels when they are imported."""
    import ray.util.client_connect  # noqa: F401

    for name in LOGGERS_OF_UPLOADS:
        logging.getLogger(name).setLevel(logging.WARNING)


def use_token_of_home_folder() -> None:
    """Lets Ray show the token in this user's home folder, where there is one; a cluster without tokens ignores it."""
    from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


def own_token() -> dict[str, str]:
    """Returns environment variables with a token for a Ray of this process's own, where none can be kept.

    Ray makes `~/.ray/auth_token` for every Ray that it starts, and fails where the home folder cannot be written.
    """
    if any(name in os.environ for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        return {}
    try:
        folder = Path.home() / ".ray"
        folder.mkdir(parents=True, exist_ok=True)
        is_kept = (folder / "auth_token").exists() or os.access(folder, os.W_OK)
    except (OSError, RuntimeError):
        is_kept = False
    return {} if is_kept else {"RAY_AUTH_TOKEN": secrets.token_hex(32)}


def daemons() -> dict[str, subprocess.Popen[bytes]]:
    """Returns the processes of Ray that this process has started and cannot do without, by name."""
    from ray._private import worker

    node = worker._global_node
    processes = node.all_processes if node is not None else {}
    return {name: infos[0].process for name, infos in processes.items() if name in ("raylet", "gcs_server") and infos}


def places() -> dict[str, tuple[str, int]]:
    """Returns where the parts of a joined Ray answer that this process cannot do without, by name."""
    import ray

    context = ray.get_runtime_context()
    host, _, port = context.gcs_address.rpartition(":")
    found = {"head": (host, int(port))}
    own = next((node for node in ray.nodes() if node["NodeID"] == context.get_node_id()), None)
    if own is not None:
        found["raylet"] = (own["NodeManagerAddress"], own["NodeManagerPort"])
    return found


def is_inside_a_job() -> bool:
    """Returns whether this process was started by Ray as a submitted job."""
    return INSIDE_A_JOB in os.environ


def address_above() -> str | None:
    """Returns the address of the Ray that started this process, as a submitted job for one; None where none did.

    Of several Rays on a machine, Ray may name another one to a job in RAY_ADDRESS: that which was started last.
    """
    import psutil  # comes with Ray, which is imported by now

    with suppress(psutil.Error):
        for process in psutil.Process().parents():
            words = process.cmdline() if process.name() == "raylet" else []
            for word in words:
                if word.startswith(GCS_ADDRESS):
                    return word.removeprefix(GCS_ADDRESS)
    return None


def largest_resources() -> Mapping[str, float] | None:
    """Returns the resources that an autoscaled cluster may grow to; None where the cluster does not grow."""
    from ray._private.state import state

    return state.get_max_resources_from_cluster_config()


def free_resources_per_node() -> Mapping[str, Mapping[str, float]]:
    """Returns the resources that are free on each machine, by Ray's id of the machine."""
    from ray._private.state import available_resources_per_node

    return available_resources_per_node()


def log_folder() -> Path:
    """Returns the folder of this machine into which Ray's workers log; for code that runs as a task of Ray's."""
    from ray._private import worker

    node = worker._global_node
    assert node is not None, "runs as a task of Ray's"
    return Path(node.get_logs_dir_path())


def put_value(namespace: str, key: str, value: str) -> None:
    """Writes a value into the key-value store of the cluster's head."""
    from ray.experimental import internal_kv

    internal_kv._internal_kv_put(key, value, overwrite=True, namespace=namespace)


def value_of(namespace: str, key: str) -> str | None:
    """Reads a value from the key-value store of the cluster's head; None where there is none."""
    from ray.experimental import internal_kv

    value = internal_kv._internal_kv_get(key, namespace=namespace)
    return None if value is None else value.decode()


def delete_value(namespace: str, key: str) -> None:
    """Removes a value from the key-value store of the cluster's head, where there is one."""
    from ray.experimental import internal_kv

    internal_kv._internal_kv_del(key, namespace=namespace)


def keys_with_prefix(namespace: str, prefix: str) -> list[str]:
    """Lists the keys in the key-value store of the cluster's head that begin with a prefix."""
    from ray.experimental import internal_kv

    return [key.decode() for key in internal_kv._internal_kv_list(prefix, namespace=namespace)]


def unmark_as_resetting(tune_controller: Any, trial: Any) -> None:
    """Lets Tune restart a trial whose worker died while it was being reset for that trial.

    Tune 2.60 leaves such a trial marked as resetting, and never starts it again.
    """
    getattr(tune_controller, "_resetting_trials", set()).discard(trial)


def forget_finished_trials(tune_controller: Any) -> None:
    """Drops what Tune keeps of trials that are over: the dataset has their results."""
    tune_controller._trials = [trial for trial in tune_controller._trials if not trial.is_finished()]
    for kept in ("_stopped_trials", "_failed_trials", "_trials_to_cache", "_trial_metadata"):
        getattr(tune_controller, kept).clear()
    # Each trial requests an actor, and then gets one that is free; Tune keeps the order to stop the requested one.
    actors = tune_controller._actor_manager
    orders = actors._pending_actors_to_enqueued_actor_tasks
    for actor in [actor for actor in orders if actor not in actors._pending_actors_to_attrs]:
        del orders[actor]


def forget_answers(tune_controller: Any, trial: Any) -> None:
    """Drops the reports of a trial that were read: Tune keeps each until the trial is over, which may be days."""
    actors = tune_controller._actor_manager
    answers = actors._tracked_actors_to_task_futures.get(tune_controller._trial_to_actor.get(trial), set())
    answers.intersection_update(actors._actor_task_events.get_futures())


def last_error_of(trial: Any) -> BaseException | None:
    """Returns the exception that Tune noted last on a trial; None where there is none.

    Tune keeps of exceptions that are neither a task's nor an actor's, such as its own, the text alone.
    """
    from ray.tune import TuneError

    path, text = trial.pickled_error_file, trial.error_file
    if path and Path(path).exists():
        return pickle.loads(Path(path).read_bytes())
    if text and Path(text).exists():
        _, _, last = Path(text).read_text().rpartition("Failure # ")
        return TuneError(last.partition("\n")[2].strip())
    return None


def actor_id_of(error: BaseException | None) -> str | None:
    """Returns Ray's id of the actor whose death an exception tells; None where it tells of none."""
    return getattr(error, "actor_id", None)


def actor_of(trial: Any) -> Any:
    """Returns the actor that runs a trial of Tune's; None where none does."""
    return trial.temporary_state.ray_actor
