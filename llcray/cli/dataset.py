"""Commands that keep a dataset whole, small and free of what is not used."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from llcray.cli.command_group import EXIT_INTERRUPTED
from llcray.cli.options import knows_sweep, names_damage, only_sweep_option, uri_argument
from llcray.report.numbers import plural
from llcray.terminal.text import echo

MAX_REMARKS = 3


@click.command()
@uri_argument
@click.option("--deep", is_flag=True, help="Also check every hash, page and digest.")
@click.option("--repair", is_flag=True, help="Move what is damaged to quarantine, and list what to run again.")
def verify(uri: str, deep: bool, repair: bool) -> int:
    """Check that the dataset is whole. Exit code 1 when it is not."""
    import llcray_storage as storage

    found = storage.verify(uri, deep, repair)
    for line in finding_lines(found.findings):
        echo(line)
    for path in found.quarantined:
        echo(f"quarantined {path}")
    for sweep, run_ids in found.rerun.items():
        echo(f"run again: {plural(len(run_ids), 'run')} of sweep '{sweep}': {' '.join(run_ids)}")
    if found.rebuild:
        echo(f"to be rebuilt by the next sweep: {plural(len(found.rebuild), 'target')}: {' '.join(found.rebuild)}")
    echo(f"{uri} is whole." if found.ok else f"{uri} is damaged{', repaired' if repair else ': --repair mends it'}.")
    return 0 if found.ok or repair else 1


def finding_lines(findings: Sequence[Any]) -> list[str]:
    """Writes a line for each finding, but only the first `MAX_REMARKS` remarks of one kind in one place."""
    lines: list[str] = []
    places = Counter((finding.kind, finding.path) for finding in findings if not finding.is_error)
    shown: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        place = (finding.kind, finding.path)
        shown[place] += 1
        if finding.is_error or shown[place] <= MAX_REMARKS:
            lines.append(f"{finding.kind} {finding.path}: {finding.problem}")
        elif shown[place] == places[place]:
            lines.append(f"{finding.kind} {finding.path}: and {places[place] - MAX_REMARKS} more")
    return lines


@click.command()
@uri_argument
@only_sweep_option
@names_damage
@knows_sweep
def compact(uri: str, sweep: str | None) -> None:
    """Merge small files into large ones; readers and writers go on undisturbed."""
    import llcray_storage as storage

    for done in storage.compact(uri, sweep):
        echo(f"{done.partition}: {plural(done.absorbed, 'run')} merged, {plural(done.num_segments, 'file')} now")
        for left in done.left:
            echo(f"  left as it is: {left}")


@click.command()
@uri_argument
@names_damage
def gc(uri: str) -> None:
    """Remove targets that no run refers to, a week after they were last used."""
    import llcray_storage as storage

    collected = storage.gc(uri)
    echo(f"{len(collected.target_ids)} targets removed, {collected.num_bytes / 1e6:.1f} MB freed")


@click.command()
@click.argument("uri")
@click.option("--sweep", metavar="NAME", required=True, help="The sweep; without --filter and --run all of it.")
@click.option("--filter", "condition", metavar="CONDITION", help='Runs of it, such as: status == "failed" or seed > 3')
@click.option("--run", "run_ids", multiple=True, metavar="RUN_ID", help="A run of it; repeatable.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@names_damage
def remove(uri: str, sweep: str, condition: str | None, run_ids: tuple[str, ...], yes: bool) -> int:
    """Remove a sweep, or runs of it, with their draws; asks first. Their targets go with the next gc."""
    import llcray_storage as storage

    from llcray.report.removal import find_removal

    removal = find_removal(uri, sweep, condition, run_ids)
    echo(f"To be removed: {removal.line}.")
    if not yes and not click.confirm("Remove them"):
        echo("Nothing was removed.")
        return EXIT_INTERRUPTED
    if removal.is_whole_sweep:
        storage.remove_sweep(uri, sweep)
    else:
        storage.remove_runs(uri, sweep, removal.run_ids)
    echo("Removed. The space is freed by the first `llcray compact` after an hour.")
    return 0


@click.command()
@click.argument("uri")
@click.argument("sweep")
@click.argument("new_name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@names_damage
def rename(uri: str, sweep: str, new_name: str, yes: bool) -> int:
    """Rename a sweep, with its draws, stages and files; asks first. Killed anywhere, the same command goes on."""
    import llcray_storage as storage

    storage.check_rename(uri, sweep, new_name)
    num_runs = plural(len(storage.finished(uri, sweep)), "run")
    echo(f"To be renamed: sweep '{sweep}' in {uri} to '{new_name}', {num_runs}.")
    if not yes and not click.confirm("Rename it"):
        echo("Nothing was renamed.")
        return EXIT_INTERRUPTED
    num_runs = plural(storage.rename_sweep(uri, sweep, new_name), "run")
    echo(f"Renamed: {num_runs}. A sweep file goes on with them as {new_name}.yaml, with name: {new_name}.")
    return 0


@click.command(name="import")
@click.argument("source")
@click.argument("destination")
def import_(source: str, destination: str) -> None:
    """Add the runs and targets of another dataset; those that are there already stay."""
    import llcray_storage as storage

    done = storage.import_dataset(source, destination)
    imported = f"{plural(done.num_runs, 'run')} and {plural(done.num_targets, 'target')}"
    echo(f"{imported} imported, {done.num_known} were there already")
    for left in done.left:
        echo(f"left out: {left}")
