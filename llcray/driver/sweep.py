"""Runs a sweep from its file (`llcray sweep`), and tells the user how it goes and how it ended."""

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llcray_storage as ls
from llcray_storage.schema.status import FAILED
from llcray_storage.write.claims import Claims
from rich.console import Console

from llcray.driver.cluster.connect import Choice, connect, is_remote, leave_running
from llcray.driver.cluster.driver_state import SUBMITTED_BY_VARIABLE, StopRequest
from llcray.driver.cluster.packages import check_packages
from llcray.driver.cluster.ray_internals import daemons, places
from llcray.driver.cluster.watch import watch_daemons, watch_places
from llcray.driver.errors import DriverError
from llcray.driver.interrupts import Interrupts
from llcray.driver.options import SweepOptions, check_options, command_to_go_on
from llcray.driver.plan.plan import cost_model, ordered_trials
from llcray.driver.plan.remaining import Remaining, find_remaining
from llcray.driver.progress.tracker import Tracker
from llcray.driver.progress.view import View, choose_view
from llcray.driver.wording import duration, labels
from llcray.full_path import full_path
from llcray.report.numbers import plural
from llcray.spec import Sweep, load_sweep, runs_before
from llcray.terminal.console import Terminal

NONE_FAILED = 0
SOME_FAILED = 1
STOPPED_EARLY = 130


SweepSource = str | Path | Mapping[str, Any]
"""A sweep file, or a mapping with the same keys."""


def run_sweep(
    source: SweepSource,
    options: SweepOptions,
    console: Console | None = None,
    choose: Choice = leave_running,
    view: View | None = None,
) -> int:
    """Runs what the dataset does not have yet.

    Args:
        source: The sweep file, or a mapping with the same keys.
        options: Options of the sweep.
        console: Where to print; by default standard output (standard error where that is for `json_lines`).
        choose: Asked on Ctrl-C what becomes of a sweep that runs elsewhere, see `llcray.driver.cluster.submit.watch`.
        view: Shows progress; by default one that suits options and console.

    Returns:
        Exit code: 0 none failed, 1 some runs failed, 130 stopped early (interrupted, the time budget was spent, or the
        Ray of this process died).

    Raises:
        SpecError: The file has mistakes.
        StorageError: The dataset cannot be used.
        DriverError: There is no such cluster, trials do not fit on it, or an option cannot be used with it.
    """
    console = console or Terminal(stderr=options.json_lines)
    check_options(options, is_remote(options.address))
    sys.path += [str(Path(folder).absolute().parent) for folder in options.py_modules]
    sweep = load_sweep(source, options.overrides)
    if is_remote(options.address):
        from llcray.driver.cluster.submit import submit_sweep

        with _as_file(source, sweep) as path:
            return submit_sweep(path, options, console, choose)
    storage = _root_for_workers(options.storage)
    dataset = ls.Dataset.create_or_open(storage)
    dataset.write_sweep_file(ls.SweepFile(sweep.name, sweep.question, sweep.source, sweep.overrides))
    call = _Call(
        source=source,
        options=options,
        sweep=sweep,
        storage=storage,
        dataset=dataset,
        todo=find_remaining(sweep, dataset, options),
        console=console,
        view=view or choose_view(options, console),
        started=time.monotonic(),
    )
    if not call.todo.runs:
        return _say_nothing_to_do(call)
    _say_what_starts(call)
    with Interrupts() as interrupts:
        try:
            tracker = _run(call, interrupts)
        except (KeyboardInterrupt, SystemExit):  # Ray's own handler of SIGTERM raises the latter while Ray starts
            call.view.notice(f"Interrupted. Finished runs are kept in {options.storage}. To go on: {_again(call)}")
            return STOPPED_EARLY
    return _conclude(call, tracker)


@dataclass(frozen=True)
class _Call:
    """One call of `run_sweep`.

    Attributes:
        source: The sweep file, or a mapping.
        options: Options as they were given.
        sweep: Content of the sweep file.
        storage: Root of the dataset as workers need it.
        dataset: The dataset, open.
        todo: The runs to do.
        console: Where to print.
        view: Shows progress.
        started: When the call began, monotonic seconds.
    """

    source: SweepSource
    options: SweepOptions
    sweep: Sweep
    storage: str
    dataset: ls.Dataset
    todo: Remaining
    console: Console
    view: View
    started: float

    @property
    def is_terse(self) -> bool:
        """Whether tables and hints are unwanted."""
        return self.options.quiet or self.options.json_lines


def _run(call: _Call, interrupts: Interrupts) -> Tracker:
    with ExitStack() as stack:
        # Closed last: until the workers are gone, their runs are this driver's.
        claims = stack.enter_context(closing(call.dataset.claims(call.sweep.name)))
        cluster = stack.enter_context(connect(call.options.address, call.sweep.resources, call.options.py_modules))
        from llcray.driver.cluster.state_publisher import StatePublisher
        from llcray.driver.trials.scheduling import Conditions, run_trials
        from llcray.driver.trials.sharing import Sharing
        from llcray.driver.trials.work import Assignment

        interrupts.install()
        if call.options.address is not None:
            check_packages((run.target for run in call.todo.runs), call.dataset, call.sweep.resources)
        if cluster.num_nodes > 1 and "://" not in call.storage:
            call.view.notice(f"{cluster.num_nodes} machines: {call.storage} has to be the same folder on all of them.")
        slots = min(cluster.num_slots, call.options.max_concurrent or cluster.num_slots)
        model = cost_model(call.sweep, call.dataset)
        plans = ordered_trials(call.todo, slots, model, call.sweep.conduct, call.options.max_pack)
        num_before = len(call.sweep.runs) - len(call.todo.runs)
        tracker = Tracker.of(call.sweep, plans, labels(call.sweep.runs), model, num_before, min(slots, len(plans)))
        interrupts.deferred = True
        call.view.opened(tracker)
        stack.callback(lambda: call.view.closed(tracker))

        def end(lost: str) -> None:
            _end_without_ray(call, tracker, lost, interrupts, claims)

        if call.options.address is None:
            stack.enter_context(watch_daemons(daemons(), cluster.scratch, end))
        else:
            stack.enter_context(watch_places(places(), end))
        publisher = StatePublisher(tracker, call.storage)
        stack.callback(publisher.close)
        assignment = Assignment(
            call.sweep.name,
            call.storage,
            plans,
            call.todo.generations,
            tuple(runs_before(call.todo.runs, call.sweep.runs).values()),
        )
        run_trials(
            Conditions(
                assignment=assignment,
                resources=call.sweep.resources,
                dataset=call.dataset,
                scratch=cluster.scratch,
                max_concurrent=slots,
                max_retries=call.options.max_retries,
                conduct=call.sweep.conduct,
                stop_request=lambda: _stop_request(call, tracker, interrupts, publisher.stop_request),
                sharing=Sharing(claims, call.dataset, assignment, tracker, call.view.notice),
            ),
            tracker,
            call.view,
            publisher,
        )
    return tracker


def _end_without_ray(call: _Call, tracker: Tracker, name: str, interrupts: Interrupts, claims: Claims) -> None:
    """Ends this process, which could not even disconnect from a Ray that has died."""
    call.view.closed(tracker)
    claims.close()
    why = f"Ray has died on this machine (its {name} is gone: killed, or out of memory)"
    if call.options.address is not None:
        why = f"The cluster at {call.options.address} is gone (its {name} answers no more)"
    # A signal to the whole process group, as `timeout` and batch systems send it, ends Ray as well.
    why = "Interrupted" if interrupts.stop_request else why
    kept = plural(tracker.num_before + len(tracker.finished), "finished run")
    call.view.notice(
        f"{why}: {kept} kept in {call.options.storage}, {len(tracker.unfinished)} left. To go on: {_again(call)}"
    )
    sys.stdout.flush()
    os._exit(STOPPED_EARLY)


def _stop_request(call: _Call, tracker: Tracker, interrupts: Interrupts, cluster_request: StopRequest) -> StopRequest:
    """Returns whether to end early, by signals, by a request through the cluster, and by the time that has passed."""
    budget = call.options.time_budget
    requests = (interrupts.stop_request, cluster_request)
    if budget is not None and time.monotonic() - call.started > budget:
        tracker.stopped = "time budget"
        return "stop"
    if "stop" in requests:
        tracker.stopped = "interrupted"
        return "stop"
    if "drain" in requests and not tracker.stopped:
        tracker.stopped = "draining"
        under_way = plural(len(tracker.running), "trial")
        end = "ends" if len(tracker.running) == 1 else "end"
        now = "Ctrl-C again stops" if interrupts.stop_request else "llcray stop --now stops"
        call.view.notice(f"No more trials start; {under_way} under way {end} first. {now} at once.")
    return "drain" if tracker.stopped == "draining" else ""


def _root_for_workers(storage: str) -> str:
    """Returns the root of the dataset as workers need it, since they may run in another folder.

    Raises:
        DriverError: Other processes than this one cannot see the dataset.
    """
    if storage.startswith("memory://"):
        raise DriverError(f"storage '{storage}' is seen by one process only: give a folder, s3:// or gs://.")
    return storage if "://" in storage else str(full_path(storage))


def _say_what_starts(call: _Call) -> None:
    """Prints a line before workers start, which takes seconds."""
    if not call.is_terse:
        num_before = len(call.sweep.runs) - len(call.todo.runs)
        before = f", {num_before} there already" if num_before else ""
        line = f"{call.sweep.name}: {plural(len(call.todo.runs), 'run')} to do{before}; workers are starting"
        call.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _say_nothing_to_do(call: _Call) -> int:
    num_failed = call.todo.num_failed
    failed = f", {num_failed} failed (--retry-failed runs these again)" if num_failed else ""
    runs = plural(len(call.sweep.runs), "run")
    call.view.notice(
        f"{call.sweep.name}: nothing to do: {runs} in {call.options.storage}, {call.todo.num_done} done{failed}."
    )
    return SOME_FAILED if num_failed else NONE_FAILED


def _conclude(call: _Call, tracker: Tracker) -> int:
    taken = duration(time.monotonic() - call.started)
    call.dataset.compact_if_due(call.sweep.name)
    if not call.is_terse and (tracker.finished or tracker.num_before):
        _show_results(call)
    if tracker.stopped and tracker.unfinished:
        why = "The time budget is spent" if tracker.stopped == "time budget" else "Interrupted"
        kept = plural(tracker.num_before + len(tracker.finished), "finished run")
        call.view.notice(
            f"{why} after {taken}: {kept} kept in {call.options.storage}, {len(tracker.unfinished)} left. "
            f"To go on: {_again(call)}"
        )
        return STOPPED_EARLY
    elsewhere = f" ({len(tracker.elsewhere)} of them by other drivers)" if tracker.elsewhere else ""
    call.view.notice(
        f"{call.sweep.name}: {plural(len(tracker.finished), 'run')} done{elsewhere} in {taken}, {_failures(tracker)}."
    )
    if not call.is_terse:
        _say_where_to_look(call, has_estimates=tracker.num_done + call.todo.num_done > 0)
    failed_before = [
        run_id
        for run_id, status in call.todo.statuses.items()
        if status == FAILED and run_id not in tracker.finished and call.sweep.conduct.halving is None
    ]
    return SOME_FAILED if tracker.num_failed > tracker.num_halted or failed_before else NONE_FAILED


def _failures(tracker: Tracker) -> str:
    halted = f", {tracker.num_halted} halted" if tracker.num_halted else ""
    return f"{tracker.num_failed - tracker.num_halted} failed{halted}"


def _show_results(call: _Call) -> None:
    from llcray.report.plots.plot import default_plot
    from llcray.report.tables import print_results

    print_results(call.options.storage, call.sweep.name, call.console)
    figure = default_plot(call.options.storage, call.sweep.name)
    if figure is not None:
        call.console.print(f"Plot: {figure}", markup=False, highlight=False, soft_wrap=True)


def _say_where_to_look(call: _Call, has_estimates: bool) -> None:
    storage, name = call.options.storage, call.sweep.name
    if not has_estimates:
        _print_command(call, "query", storage, "SELECT run_id, reason FROM runs")
        call.console.print(f"Once mended, with --retry-failed: {_again(call)}", markup=False, soft_wrap=True)
        return
    columns = "run_id, llc, llc_sampling_se, localization_se, localization, n_beta, verdict"
    for words in (
        ("report", storage, "--sweep", name),
        ("plot", storage, "--sweep", name, "--x", "num_params", "--y", "llc", "--color", "sampler_kind"),
        ("query", storage, f"SELECT {columns} FROM runs"),
    ):
        _print_command(call, *words)


def _print_command(call: _Call, *words: str) -> None:
    call.console.print("  " + shlex.join(["llcray", *words]), markup=False, highlight=False, soft_wrap=True)


def _again(call: _Call) -> str:
    """Returns the words that go on where this call has stopped; of a submitted sweep, those that submitted it."""
    if isinstance(call.source, Mapping):
        return "the same call of llcray.sweep"
    return os.environ.get(SUBMITTED_BY_VARIABLE) or command_to_go_on(call.source, call.options)


@contextmanager
def _as_file(source: SweepSource, sweep: Sweep) -> Iterator[Path]:
    """The file of a sweep; that of a mapping is there for as long as the block runs."""
    if not isinstance(source, Mapping):
        yield Path(source)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{sweep.name}.yaml"
        path.write_text(sweep.source, encoding="utf-8")
        yield path
