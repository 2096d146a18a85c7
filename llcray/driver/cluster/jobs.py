"""Jobs on a cluster that this process is no part of: over HTTP, or through the port of Ray's client."""

import logging
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

from llcray.driver.cluster.ray_internals import silence_uploads, use_token_of_home_folder
from llcray.driver.errors import DriverError

SECONDS_TO_STOP = "30"
OVER = ("SUCCEEDED", "FAILED", "STOPPED")
UNREACHABLE = (ConnectionError, OSError, RuntimeError)


@dataclass(frozen=True)
class JobState:
    """Where a job stands.

    Attributes:
        status: `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED` or `STOPPED`.
        exit_code: Of its command; None while it runs and where it was killed.
        message: What Ray says of it.
    """

    status: str
    exit_code: int | None
    message: str

    @property
    def is_over(self) -> bool:
        """Whether it runs no more."""
        return self.status in OVER


class Jobs(Protocol):
    """What is asked of a cluster from outside. Any call raises one of `UNREACHABLE` while the head does not answer."""

    def submit(self, job_id: str, command: str, runtime_env: dict[str, Any]) -> None:
        """Starts a command on the head."""
        ...

    def state(self, job_id: str) -> JobState:
        """Where a job stands."""
        ...

    def log(self, job_id: str, start: int) -> str:
        """What it printed, from a character on."""
        ...

    def kill(self, job_id: str) -> None:
        """Ends it."""
        ...

    def ids(self) -> list[str]:
        """All jobs the cluster remembers, oldest first."""
        ...


def connect_jobs(address: str, runtime_env: dict[str, Any]) -> Jobs:
    """The jobs of the cluster at `http://`, `https://` or `ray://`.

    Args:
        address: Where.
        runtime_env: What jobs will need; through `ray://` it is uploaded now.

    Raises:
        DriverError: Nobody answers there, or what it takes is not installed here.
    """
    _take_token()
    try:
        return _ClientJobs(address, runtime_env) if address.startswith("ray://") else HttpJobs(address)
    except UNREACHABLE as error:
        reason = " ".join(str(error).split())[:300]
        raise DriverError(f"No Ray cluster answers at '{address}': {reason} Check --address.") from error


def _take_token() -> None:
    for name in ("ray", "ray.util.client"):
        logging.getLogger(name).setLevel(logging.ERROR)
    use_token_of_home_folder()


class HttpJobs:
    """Jobs over the HTTP interface of Ray's dashboard, port 8265."""

    def __init__(self, address: str | None) -> None:
        """Connects; None is the cluster this process is part of."""
        from ray.job_submission import JobSubmissionClient

        silence_uploads()
        self._client = JobSubmissionClient(address)

    def submit(self, job_id: str, command: str, runtime_env: dict[str, Any]) -> None:
        """Starts a command on the head, uploading what it needs."""
        self._client.submit_job(entrypoint=command, submission_id=job_id, runtime_env=runtime_env)

    def state(self, job_id: str) -> JobState:
        """Where a job stands."""
        info = self._client.get_job_info(job_id)
        return JobState(str(info.status.value), info.driver_exit_code, info.message or "")

    def log(self, job_id: str, start: int) -> str:
        """What it printed, from a character on."""
        return self._client.get_job_logs(job_id)[start:]

    def kill(self, job_id: str) -> None:
        """Ends it."""
        self._client.stop_job(job_id)

    def ids(self) -> list[str]:
        """All jobs the cluster remembers, oldest first."""
        known = [(job.start_time or 0, job.submission_id) for job in self._client.list_jobs()]
        return [job_id for _, job_id in sorted(known, key=lambda pair: pair[0]) if job_id]


class _ClientJobs:
    """The same through Ray's client, port 10001: a process on the cluster asks on behalf of this one."""

    def __init__(self, address: str, runtime_env: dict[str, Any]) -> None:
        import ray

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Ray Client connection timed out")  # the error says so
            silence_uploads()
            ray.init(address=address, runtime_env=runtime_env, log_to_driver=False)
        self._ray = ray
        self._agent: Any = ray.remote(num_cpus=0)(HttpJobs).remote(None)
        self._uploaded = ray.get(ray.remote(num_cpus=0)(_uploaded).remote())

    def submit(self, job_id: str, command: str, runtime_env: dict[str, Any]) -> None:
        """Starts a command on the head; what was uploaded on connecting goes with it."""
        uris = {name: self._uploaded[name] for name in ("py_modules", "working_dir") if name in self._uploaded}
        self._call("submit", job_id, command, {**runtime_env, **uris})

    def state(self, job_id: str) -> JobState:
        """Where a job stands."""
        return self._call("state", job_id)

    def log(self, job_id: str, start: int) -> str:
        """What it printed, from a character on."""
        return self._call("log", job_id, start)

    def kill(self, job_id: str) -> None:
        """Ends it."""
        self._call("kill", job_id)

    def ids(self) -> list[str]:
        """All jobs the cluster remembers, oldest first."""
        return self._call("ids")

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._ray.get(getattr(self._agent, name).remote(*arguments))


def _uploaded() -> dict[str, Any]:
    """Where the caller's uploads are; runs on the cluster."""
    import ray

    return dict(ray.get_runtime_context().runtime_env)
