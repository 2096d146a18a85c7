"""`llcray status`, `logs` and `stop` on a running cluster: machines, drivers, trials, and what trials printed.

On a cluster that this machine is part of they ask its head; on one that is elsewhere they run there, as short jobs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from llcray.driver.cluster.connect import connect_to, is_remote
from llcray.driver.cluster.cost_meter import price_of, usd_per_hour
from llcray.driver.cluster.driver_state import Place, Sign, Wish, place_of, signs, wish
from llcray.driver.cluster.ray_internals import free_resources_per_node, log_folder
from llcray.driver.errors import DriverError
from llcray.driver.trials.trainable import TRIAL_BEGINS
from llcray.driver.wording import duration, plural

LOG_CHARACTERS = 200_000


def show_cluster(address: str, sweep: str | None, console: Console) -> int:
    """Prints machines and drivers; returns the exit code.

    Raises:
        DriverError: Nobody answers at the address.
    """
    if is_remote(address):
        return _there(address, ["status", *(["--sweep", sweep] if sweep else [])], console)
    with connect_to(address):
        machines, used = _machines()
        console.print(_machine_table(machines, used))
        console.print(_machine_line(machines, used), highlight=False)
        shown = [sign for sign in signs() if sweep in (None, sign.sweep)]
        for sign in shown:
            console.print()
            console.print(sign_line(sign), highlight=False, soft_wrap=True)
            if sign.trials:
                console.print(_trial_table(sign))
    if not shown:
        console.print("No driver of llcray's shows itself here.")
    return 0


def show_logs(address: str, run_id: str, console: Console) -> int:
    """Prints what the worker of a run wrote while it was at the run's trial.

    Raises:
        DriverError: The cluster does not know the run, or its machine is gone.
    """
    if is_remote(address):
        return _there(address, ["logs", run_id], console)
    with connect_to(address):
        place = place_of(run_id)
        if place is None:
            raise DriverError(f"Run '{run_id}' was not seen on this cluster: give an id as `llcray status` shows it.")
        found = _fetch(place)
    console.print(f"{run_id} on {place.node}, process {place.pid}:", highlight=False)
    for name, text in found:
        part = part_of_run(text, run_id)
        if part:
            console.print(f"--- {name}", highlight=False)
            console.out(part, highlight=False)
    return 0


def ask_to_stop(address: str, sweep: str | None, job: str | None, now: bool, console: Console) -> int:
    """Asks a driver to start no more trials, or to stop at once.

    Raises:
        DriverError: There is no such driver.
    """
    what: Wish = "stop" if now else "drain"
    if is_remote(address):
        words = [*([sweep] if sweep else []), *(["--job", job] if job else []), *(["--now"] if now else [])]
        return _there(address, ["stop", *words], console)
    with connect_to(address):
        alive = [sign for sign in signs() if sign.is_alive]
        meant = [sign for sign in alive if sweep in (None, sign.sweep) and job in (None, sign.job)]
        if len(meant) != 1:
            names = ", ".join(sign.sweep for sign in alive) or "none"
            raise DriverError(f"{plural(len(meant), 'driver')} meant, give one sweep. Under way: {names}.")
        wish(meant[0].sweep, what)
    console.print(f"{meant[0].sweep} {'stops now' if now else 'stops after the trials under way'}.", highlight=False)
    return 0


def part_of_run(text: str, run_id: str) -> str:
    """The parts of a worker's log that belong to trials with this run."""
    kept, belongs = [], False
    for line in text.splitlines():
        if line.startswith(TRIAL_BEGINS):
            belongs = run_id in line.split()
        if belongs:
            kept.append(line)
    return "\n".join(kept)


def sign_line(sign: Sign) -> str:
    """A driver's state in one line."""
    done = sign.num_ok + sign.num_failed
    seconds = sign.updated - sign.started
    parts = [f"{done}/{plural(sign.num_runs, 'run')} done"]
    if sign.num_failed:
        parts.append(f"{sign.num_failed} failed")
    parts.append(f"{len(sign.trials)}/{plural(sign.num_slots, 'slot')} busy")
    if done and seconds > 0:
        parts.append(f"{3600 * done / seconds:,.0f} runs an hour")
    if sign.seconds_left is not None:
        parts.append(f"about {duration(sign.seconds_left)} left")
    if sign.usd is not None:
        parts.append(f"${sign.usd:.2f} so far at ${sign.usd_per_hour or 0:.2f} an hour")
    if sign.stopped:
        parts.append(sign.stopped)
    where = sign.job or f"process {sign.pid} on {sign.host}"
    silent = "" if sign.is_alive else f"; silent for {duration(sign.age)}: start it again, and it goes on"
    return f"{sign.sweep} ({where}, into {sign.storage}): {', '.join(parts)}{silent}"


def _there(address: str, words: list[str], console: Console) -> int:
    from llcray.driver.cluster.submit import run_there

    return run_there(address, [*words, "--address", "auto"], console)


def _machines() -> tuple[Sequence[Mapping[str, Any]], Mapping[str, Mapping[str, float]]]:
    """Machines as Ray lists them, and what is in use on each by id and resource."""
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
            parts.append(f"{sum(one.get(name, 0) for one in used.values()):g} of {total:g} {name}s busy")
    price = usd_per_hour(machines)
    return ", ".join(parts) + (f", ${price:.2f} an hour" if price else "")


def _trial_table(sign: Sign) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("trial", "run", "what", "phase", "done", "LLC", "for", "machine", "lost"):
        table.add_column(name, no_wrap=name != "what", justify="right" if name in ("trial", "done", "LLC") else "left")
    for one in sorted(sign.trials, key=lambda trial: -trial.seconds):
        llc = "" if one.llc is None else f"{one.llc:.4g}"
        share = f"{100 * one.fraction:.0f}%"
        lost = str(one.retries) if one.retries else ""
        row = (
            str(one.trial),
            one.run_id,
            one.label,
            one.phase,
            share,
            llc,
            duration(one.seconds),
            one.place.node,
            lost,
        )
        table.add_row(*row)
    return table


def _fetch(place: Place) -> list[tuple[str, str]]:
    """Log files of a worker, read on its machine.

    Raises:
        DriverError: The machine is gone.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if place.node_id not in {node["NodeID"] for node in ray.nodes() if node["Alive"]}:
        raise DriverError(f"Machine '{place.node}', where the run was, is gone, and its logs with it.")
    there = NodeAffinitySchedulingStrategy(place.node_id, soft=False)
    return ray.get(ray.remote(num_cpus=0)(read_logs).options(scheduling_strategy=there).remote(place.worker_id))


def read_logs(worker_id: str) -> list[tuple[str, str]]:
    """Names and ends of a worker's log files on this machine; runs there."""
    found = sorted(log_folder().glob(f"worker-{worker_id}-*"))
    return [(path.name, path.read_text(errors="replace")[-LOG_CHARACTERS:]) for path in found]
