"""Submits a sweep to a cluster that is elsewhere, and watches it there.

The driver is `llcray sweep FILE --address auto`, run by Ray as a job on the cluster's head. Its output is shown here.
"""

import re
import secrets
import shlex
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from llcray.driver.cluster.connect import Choice
from llcray.driver.cluster.driver_state import JOB_VARIABLE, SUBMITTED_BY_VARIABLE
from llcray.driver.cluster.jobs import SECONDS_TO_STOP, UNREACHABLE, Jobs, connect_jobs
from llcray.driver.cluster.runtime_env import runtime_env
from llcray.driver.errors import DriverError, one_line
from llcray.driver.options import SweepOptions, command_to_go_on, forwarded_words
from llcray.driver.wording import duration

PROGRAM = ("python", "-m", "llcray.cli")
SECONDS_BETWEEN_LOOKS = 1.0
LINES_OF_RAY = re.compile(r"\bINFO job_manager\.py:|^Running entrypoint for job |logging\.cc:\d+: Set ray log level")
CHARACTERS_A_SECOND = 200_000
PATIENCE_SECONDS = 600.0
LEFT_RUNNING = 0
INTERRUPTED = 130


def submit_sweep(path: Path, options: SweepOptions, console: Console, choose: Choice) -> int:
    """Starts the driver of a checked sweep file on the cluster and, unless detached, watches it to its end.

    Args:
        path: The sweep file.
        options: Options of the sweep; `address` is remote.
        console: Where to print.
        choose: Asked on Ctrl-C, see `watch`.

    Returns:
        The driver's exit code; 0 when detached.

    Raises:
        DriverError: Nobody answers at the address, the cluster does not take the job, an option cannot be used with
            it, or the storage is a folder of this machine's.
    """
    address = str(options.address)
    command = shlex.join(driver_words(path.name, options))
    job_id = f"llcray-{path.stem}-{datetime.now():%m%d-%H%M%S}-{secrets.token_hex(2)}"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        if _is_profile(options.storage):
            shutil.copy(options.storage, folder)
        environment = {
            **_environment(console),
            JOB_VARIABLE: job_id,
            SUBMITTED_BY_VARIABLE: command_to_go_on(path, options),
        }
        needs = {**runtime_env(options.py_modules), "working_dir": folder, "env_vars": environment}
        jobs = connect_jobs(address, needs)
        try:
            jobs.submit(job_id, command, needs)
        except RuntimeError as error:
            reason = one_line(getattr(error, "cause", error))  # a task's own text is a traceback
            raise DriverError(
                f"The cluster did not take the job: {reason} If its head shares a machine with another Ray, start it "
                "with ray start --dashboard-agent-listen-port PORT."
            ) from error
    again = f"llcray attach {job_id} --address {address}"
    if options.detach:
        _say(console, f"{path.stem}: submitted as {job_id}. To watch: {again}")
        return LEFT_RUNNING
    _say(console, f"{path.stem}: submitted as {job_id}")
    return watch(jobs, job_id, address, console, choose)


def attach(address: str, job_id: str | None, console: Console, choose: Choice) -> int:
    """Watches a job that was submitted before, from its first line.

    Args:
        address: Address of the cluster.
        job_id: Id that `submit_sweep` printed; None for the newest of llcray's jobs.
        console: Where to print.
        choose: Asked on Ctrl-C, see `watch`.

    Raises:
        DriverError: There is no such job.
    """
    jobs = connect_jobs(address, runtime_env())
    known = [known_id for known_id in jobs.ids() if known_id.startswith("llcray-")]
    wanted = job_id or (known[-1] if known else None)
    if wanted is None or wanted not in known:
        which = f"No job '{wanted}'" if wanted else "No job of llcray's"
        raise DriverError(f"{which} at {address}; there are: {', '.join(known) or 'none'}.")
    return watch(jobs, wanted, address, console, choose)


def run_there(address: str, words: list[str], console: Console) -> int:
    """Runs a short command of llcray's on the cluster and shows what it prints; returns its exit code."""
    needs = {**runtime_env(), "env_vars": _environment(console)}
    return _run(connect_jobs(address, needs), words, needs, console)


def watch(jobs: Jobs, job_id: str, address: str, console: Console, choose: Choice) -> int:
    """Shows what a job prints until the job is over.

    On Ctrl-C, `choose` says what becomes of the job: `leave` it running, `stop` it after the trials under way, `kill`
    it, or `watch` on.

    Returns:
        The job's exit code; 0 where it was left running, 130 where it was killed.
    """
    needs = {**runtime_env(), "env_vars": _environment(console)}
    log = _Log(jobs, job_id, console)
    while True:
        try:
            return log.show_to_the_end()
        except KeyboardInterrupt:
            answer = choose(job_id)
            if answer == "leave":
                _say(console, f"{job_id} goes on. To watch it again: llcray attach {job_id} --address {address}")
                return LEFT_RUNNING
            if answer == "stop":
                _run(jobs, ["stop", "--address", "auto", "--job", job_id], needs, console)
            elif answer == "kill":
                jobs.kill(job_id)


class _Log:
    """Shows each line that a job prints once."""

    def __init__(self, jobs: Jobs, job_id: str, console: Console) -> None:
        self._jobs, self._job_id, self._console = jobs, job_id, console
        self._shown = 0
        self._last_answer = time.monotonic()

    def show_to_the_end(self) -> int:
        """Shows lines until the job is over, and returns its exit code; waits for a head that does not answer."""
        while True:
            try:
                state = self._jobs.state(self._job_id)
                self._show_new()
            except UNREACHABLE as error:
                self._wait_for_the_head(error)
                continue
            self._last_answer = time.monotonic()
            if state.is_over:
                return self._conclude(state.status, state.exit_code, state.message)
            time.sleep(max(SECONDS_BETWEEN_LOOKS, self._shown / CHARACTERS_A_SECOND))

    def _show_new(self) -> None:
        """Shows the whole lines that are new, except those that Ray writes into every job's log."""
        new = self._jobs.log(self._job_id, self._shown)
        whole = new[: new.rfind("\n") + 1]
        self._shown += len(whole)
        for line in whole.splitlines():
            if not LINES_OF_RAY.search(line):
                self._console.out(line, highlight=False)

    def _conclude(self, status: str, exit_code: int | None, message: str) -> int:
        if status == "STOPPED":
            _say(self._console, f"{self._job_id} was stopped. Finished runs are kept; the same command goes on.")
            return INTERRUPTED
        if exit_code is None:
            _say(self._console, f"{self._job_id}: {status.lower()}: {message}")
            return 0 if status == "SUCCEEDED" else 1
        return exit_code

    def _wait_for_the_head(self, error: Exception) -> None:
        silent = time.monotonic() - self._last_answer
        if silent > PATIENCE_SECONDS:
            reason = one_line(error)
            raise DriverError(
                f"The head has not answered for {duration(silent)} ({reason}). Runs that finished are in the dataset; "
                "when the cluster is up again, the same command goes on."
            ) from error
        time.sleep(5 * SECONDS_BETWEEN_LOOKS)


def _run(jobs: Jobs, words: list[str], needs: dict[str, object], console: Console) -> int:
    job_id = f"command-{secrets.token_hex(4)}"
    jobs.submit(job_id, shlex.join([*PROGRAM, *words]), needs)
    return _Log(jobs, job_id, console).show_to_the_end()


def _environment(console: Console) -> dict[str, str]:
    """Returns variables for a command on the cluster: its output fits this terminal, without Ray's own messages."""
    return {
        "COLUMNS": str(console.width),
        "PYTHONUNBUFFERED": "1",
        "RAY_BACKEND_LOG_LEVEL": "error",
        "RAY_JOB_STOP_WAIT_TIME_S": SECONDS_TO_STOP,
    }


def driver_words(file: str, options: SweepOptions) -> list[str]:
    """Returns the command line of the driver on the cluster.

    Args:
        file: The sweep file, as the driver finds it.
        options: Options of the sweep as they were given here.

    Raises:
        DriverError: An option cannot be used with a remote address, or the storage is a folder of this machine's.
    """
    there = replace(options, storage=_storage_there(options.storage))
    return [*PROGRAM, "sweep", file, "--address", "auto", *forwarded_words(there)]


def _is_profile(storage: str) -> bool:
    return storage.endswith((".yaml", ".yml"))


def _storage_there(storage: str) -> str:
    """Returns the storage as the driver on the cluster has to name it.

    Raises:
        DriverError: The storage is a folder that only this machine knows.
    """
    if _is_profile(storage):
        return Path(storage).name
    if "://" in storage or Path(storage).is_absolute():
        return storage
    raise DriverError(
        f"Storage '{storage}' is relative to a folder of this machine, and the sweep runs on others: give s3://, "
        "gs://, a profile file, or the absolute path of a folder that all machines of the cluster share."
    )


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
