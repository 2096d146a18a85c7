"""Submits and watches jobs on a cluster that this process is no part of, over HTTP or through Ray's client."""

import logging
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

from llcray.driver.cluster.ray_internals import silence_uploads, use_token_of_home_folder
from llcray.driver.errors import DriverError, one_line

SECONDS_TO_STOP = "30"
OVER = ("SUCCEEDED", "FAILED", "STOPPED")
UNREACHABLE = (ConnectionError, OSError, RuntimeError)


@dataclass(frozen=True)
class JobState:
    """The state of a job.

    Attributes:
        status: `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED` or `STOPPED`.
        exit_code: Exit code of the job's command; None while the command runs and where it was killed.
        message: What Ray says of the job.
    """

    status: str
    exit_code: int | None
    message: str

    @property
    def is_over(self) -> bool:
        """Whether the job has ended."""
        return self.status in OVER


class Jobs(Protocol):
    """The jobs of a cluster, seen from outside. Any call raises one of `UNREACHABLE` while the head does not answer."""

    def submit(self, job_id: str, command: str, runtime_env: dict[str, Any]) -> None:
        """Starts a command on the head, as the job `job_id`."""
        ...

    def state(self, job_id: str) -> JobState:
        """Returns the state of a job."""
        ...

    def log(self, job_id: str, start: int) -> str:
        """Returns what a job has printed, from the character number `start` on."""
        ...

    def kill(self, job_id: str) -> None:
        """Ends a job."""
        ...

    def ids(self) -> list[str]:
        """Returns the ids of all jobs that the cluster remembers, oldest first."""
        ...


def connect_jobs(address: str, runtime_env: dict[str, Any]) -> Jobs:
    """Connects to the jobs of a cluster.

    Args:
        address: Address of the cluster, which begins with `http://`, `https://` or `ray://`.
        runtime_env: Files and variables that the jobs will need; through `ray://` the files are uploaded now.

    Raises:
        DriverError: Nobody answers at the address.
    """
    _take_token()
    try:
        return _ClientJobs(address, runtime_env) if address.startswith("ray://") else HttpJobs(address)
    except UNREACHABLE as error:
        reason = one_line(error)
        raise DriverError(f"No Ray cluster answers at '{address}': {reason} Check --address.") from error


def _take_token() -> None:
    for name in ("ray", "ray.util.client"):
        logging.getLogger(name).setLevel(logging.ERROR)
    use_token_of_home_folder()


class HttpJobs:
    """Jobs over the HTTP interface of Ray's dashboard, port 8265.

    Args:
        address: Address of the dashboard; None for the cluster that this process is part of.
    """

    def __init__(self, address: str | None) -> None:
        from ray.job_submission import JobSubmissionClient

        silence_uploads()
        self._client = JobSubmissionClient(address)

    def submit(self, job_id: str, command: str, runtime_env: dict[str, Any]) -> None:
        self._client.submit_job(entrypoint=command, submission_id=job_id, runtime_env=runtime_env)

    def state(self, job_id: str) -> JobState:
        info = self._client.get_job_info(job_id)
        return JobState(str(info.status.value), info.driver_exit_code, info.message or "")

    def log(self, job_id: str, start: int) -> str:
        return self._client.get_job_logs(job_id)[start:]

    def kill(self, job_id: str) -> None:
        self._client.stop_job(job_id)

    def ids(self) -> list[str]:
        known = [(job.start_time or 0, job.submission_id) for job in self._client.list_jobs()]
        return [job_id for _, job_id in sorted(known, key=lambda pair: pair[0]) if job_id]


class _ClientJobs:
    """Jobs through Ray's client, port 10001: an actor on the cluster uses the HTTP interface for this process."""

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
        # What was uploaded on connecting goes with the job.
        uris = {name: self._uploaded[name] for name in ("py_modules", "working_dir") if name in self._uploaded}
        self._call("submit", job_id, command, {**runtime_env, **uris})

    def state(self, job_id: str) -> JobState:
        return self._call("state", job_id)

    def log(self, job_id: str, start: int) -> str:
        return self._call("log", job_id, start)

    def kill(self, job_id: str) -> None:
        self._call("kill", job_id)

    def ids(self) -> list[str]:
        return self._call("ids")

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._ray.get(getattr(self._agent, name).remote(*arguments))


def _uploaded() -> dict[str, Any]:
    """Returns where the uploads of the calling process are; runs on the cluster, as a task of Ray's."""
    import ray

    return dict(ray.get_runtime_context().runtime_env)
