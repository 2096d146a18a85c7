"""`llcray status`, `logs` and `stop` on a running cluster: machines, drivers, trials, and what trials printed.

On a cluster that this machine is part of, the commands ask the cluster's head; for a cluster that is elsewhere, they
are run on it as short jobs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from llcray.driver.cluster.connect import connect_to, is_remote
from llcray.driver.cluster.cost_meter import price_of, usd_per_hour
from llcray.driver.cluster.driver_state import (
    TRIAL_BEGINS,
    DriverState,
    StopRequest,
    WorkerLocation,
    location_of,
    published_states,
    request_stop,
)
from llcray.driver.cluster.ray_internals import free_resources_per_node, log_folder
from llcray.driver.errors import DriverError
from llcray.driver.wording import duration
from llcray.report.numbers import plural

LOG_CHARACTERS = 200_000


def show_cluster(address: str, sweep: str | None, console: Console) -> int:
    """Prints the machines and drivers of a cluster; returns the exit code.

    Args:
        address: Address of the cluster.
        sweep: Name of the sweep whose driver to show; None for all drivers.
        console: Where to print.

    Raises:
        DriverError: Nobody answers at the address.
    """
    if is_remote(address):
        return _run_there(address, ["status", *(["--sweep", sweep] if sweep else [])], console)
    with connect_to(address):
        machines, used = _machines()
        console.print(_machine_table(machines, used))
        console.print(_machine_line(machines, used), highlight=False)
        states = [state for state in published_states() if sweep in (None, state.sweep)]
        for state in states:
            console.print()
            console.print(driver_line(state), highlight=False, soft_wrap=True)
            if state.trials:
                console.print(_trial_table(state))
    if not states:
        console.print("No driver of llcray's shows itself here.")
    return 0


def show_logs(address: str, run_id: str, console: Console) -> int:
    """Prints what the worker of a run wrote during the run's trial; returns the exit code.

    Raises:
        DriverError: The cluster does not know the run, or the run's machine is gone.
    """
    if is_remote(address):
        return _run_there(address, ["logs", run_id], console)
    with connect_to(address):
        location = location_of(run_id)
        if location is None:
            raise DriverError(f"Run '{run_id}' was not seen on this cluster: give an id as `llcray status` shows it.")
        logs = _fetch_logs(location)
    console.print(f"{run_id} on {location.node}, process {location.pid}:", highlight=False)
    for name, text in logs:
        part = part_of_run(text, run_id)
        if part:
            console.print(f"--- {name}", highlight=False)
            console.out(part, highlight=False)
    return 0


def ask_to_stop(address: str, sweep: str | None, job: str | None, now: bool, console: Console) -> int:
    """Asks the drivers of a sweep to start no more trials; returns the exit code.

    Args:
        address: Address of the cluster.
        sweep: Name of the sweep; None for any.
        job: Id of the job of one of its drivers; None for all its drivers.
        now: Whether the trials under way are to end as well.
        console: Where to print.

    Raises:
        DriverError: There is no such driver, or there are drivers of several sweeps.
    """
    request: StopRequest = "stop" if now else "drain"
    if is_remote(address):
        words = [*([sweep] if sweep else []), *(["--job", job] if job else []), *(["--now"] if now else [])]
        return _run_there(address, ["stop", *words], console)
    with connect_to(address):
        alive = [state for state in published_states() if state.is_alive]
        meant = [state for state in alive if sweep in (None, state.sweep) and job in (None, state.job)]
        if len({(state.sweep, state.storage) for state in meant}) != 1:
            names = ", ".join(f"{state.sweep} ({_name(state)}, into {state.storage})" for state in alive) or "none"
            raise DriverError(f"{plural(len(meant), 'driver')} meant, give one sweep or --job. Under way: {names}.")
        for state in meant:
            request_stop(state.driver, request)
    drivers = f" ({len(meant)} drivers)" if len(meant) > 1 else ""
    when = "now" if now else "after the trials under way"
    console.print(f"{meant[0].sweep}{drivers} stops {when}.", highlight=False)
    return 0


def part_of_run(text: str, run_id: str) -> str:
    """Returns the parts of a worker's log that belong to trials with this run."""
    lines, belongs = [], False
    for line in text.splitlines():
        if line.startswith(TRIAL_BEGINS):
            belongs = run_id in line.split()
        if belongs:
            lines.append(line)
    return "\n".join(lines)


def driver_line(state: DriverState) -> str:
    """Returns a driver's state in one line."""
    done = state.num_done + state.num_failed
    seconds = state.updated - state.started
    parts = [f"{done}/{plural(state.num_runs, 'run')} done"]
    if state.num_failed:
        parts.append(f"{state.num_failed} failed")
    parts.append(f"{len(state.trials)}/{plural(state.num_slots, 'slot')} busy")
    if done and seconds > 0:
        parts.append(f"{3600 * done / seconds:,.0f} runs an hour")
    if state.seconds_left is not None:
        parts.append(f"about {duration(state.seconds_left)} left")
    if state.usd is not None:
        parts.append(f"${state.usd:.2f} so far at ${state.usd_per_hour or 0:.2f} an hour")
    if state.stopped:
        parts.append(state.stopped)
    silent = "" if state.is_alive else f"; silent for {duration(state.age)}: start it again, and it goes on"
    return f"{state.sweep} ({_name(state)}, into {state.storage}): {', '.join(parts)}{silent}"


def _name(state: DriverState) -> str:
    return state.job or f"process {state.pid} on {state.host}"


def read_logs(worker_id: str) -> list[tuple[str, str]]:
    """Reads names and ends of a worker's log files; runs on the worker's machine, as a task of Ray's."""
    paths = sorted(log_folder().glob(f"worker-{worker_id}-*"))
    return [(path.name, path.read_text(errors="replace")[-LOG_CHARACTERS:]) for path in paths]


def _run_there(address: str, words: list[str], console: Console) -> int:
    from llcray.driver.cluster.submit import run_there

    return run_there(address, [*words, "--address", "auto"], console)


def _machines() -> tuple[Sequence[Mapping[str, Any]], Mapping[str, Mapping[str, float]]]:
    """Returns machines as Ray lists them, and the resources in use on each by Ray's id of the machine."""
    import ray

    machines = [node for node in ray.nodes() if node["Alive"]]
    free = free_resources_per_node()
    return machines, {
        node["NodeID"]: {
            name: total - free.get(node["NodeID"], {}).get(name, 0.0) for name, total in node["Resources"].items()
        }
        for node in machines
    }


def _machine_table(machines: Sequence[Mapping[str, Any]], used: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("machine", "address"):
        table.add_column(name, no_wrap=True)
    for name in ("CPUs busy", "GPUs busy", "$/hour"):
        table.add_column(name, justify="right", no_wrap=True)
    for node in machines:
        busy = [_share(used[node["NodeID"]], node["Resources"], name) for name in ("CPU", "GPU")]
        price = price_of(node)
        table.add_row(node["NodeManagerHostname"], node["NodeManagerAddress"], *busy, f"{price:g}" if price else "")
    return table


def _share(used: Mapping[str, float], total: Mapping[str, float], name: str) -> str:
    return f"{used.get(name, 0):g}/{total[name]:g}" if total.get(name) else "0"


def _machine_line(machines: Sequence[Mapping[str, Any]], used: Mapping[str, Mapping[str, float]]) -> str:
    parts = [plural(len(machines), "machine")]
    for name in ("CPU", "GPU"):
        total = sum(node["Resources"].get(name, 0) for node in machines)
        if total:
            busy = sum(resources.get(name, 0) for resources in used.values())
            parts.append(f"{busy:g} of {total:g} {name}s busy")
    price = usd_per_hour(machines)
    return ", ".join(parts) + (f", ${price:.2f} an hour" if price else "")


def _trial_table(state: DriverState) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("trial", "run", "what", "phase", "done", "LLC", "for", "machine", "lost"):
        table.add_column(name, no_wrap=name != "what", justify="right" if name in ("trial", "done", "LLC") else "left")
    for trial in sorted(state.trials, key=lambda trial: -trial.seconds):
        table.add_row(
            str(trial.trial),
            trial.run_id,
            trial.label,
            trial.phase,
            f"{100 * trial.fraction:.0f}%",
            "" if trial.llc is None else f"{trial.llc:.4g}",
            duration(trial.seconds),
            trial.location.node,
            str(trial.retries) if trial.retries else "",
        )
    return table


def _fetch_logs(location: WorkerLocation) -> list[tuple[str, str]]:
    """Fetches names and texts of a worker's log files, read on the worker's machine.

    Raises:
        DriverError: The machine is gone.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if location.node_id not in {node["NodeID"] for node in ray.nodes() if node["Alive"]}:
        raise DriverError(f"Machine '{location.node}', where the run was, is gone, and its logs with it.")
    there = NodeAffinitySchedulingStrategy(location.node_id, soft=False)
    return ray.get(ray.remote(num_cpus=0)(read_logs).options(scheduling_strategy=there).remote(location.worker_id))
