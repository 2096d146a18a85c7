"""Reads a dataset: lazy frames of fixed schema over the rows that counted when the frame was made.

A frame stays good while its files exist; compaction leaves replaced files in place for an hour
(`maintain.vacuum.GRACE_SECONDS`). Make a new frame for a new look. polars keeps no row order through group_by and join,
so sort what is shown.
"""

import difflib
import hashlib
from collections.abc import Collection

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.files.scan import in_present_form, scan_files
from llcray_storage.schema.draw import BY_DRAW
from llcray_storage.schema.observable import COPIED_FROM_RUN, PER_EXAMPLE
from llcray_storage.schema.tables import DRAWS, RUNS, STAGES, TARGETS
from llcray_storage.state.live import scan_live
from llcray_storage.state.snapshot import (
    hot_draws_keys,
    rows_in_segments,
    sweep_names,
    sweep_partitions,
    take_snapshot,
    unreadable,
)
from llcray_storage.state.stages import live_stages_keys, sweeps_with_stages
from llcray_storage.store.layout import TARGET_PARTITION, sweep_partition
from llcray_storage.store.marker import open_existing
from llcray_storage.store.settings import Root

SHOWN = 6
"""Names of sweeps that a message lists at most."""


def scan_runs(root: Root, sweep: str | None = None, latest: bool = True) -> pl.LazyFrame:
    """Scan `runs`: one row per estimate.

    Args:
        root: Path, URI or profile of the dataset.
        sweep: Only this sweep.
        latest: Leave out generations that a rerun replaced (they are on disk until compaction).

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = open_existing(root)
    snapshots = [take_snapshot(store, partition) for partition in sweep_partitions(store, sweep)]
    if latest:
        live = scan_live(store, RUNS, [(snapshot, snapshot.hot_keys()) for snapshot in snapshots])
        return in_present_form(live, RUNS)
    keys = [
        key
        for snapshot in snapshots
        for key in (*snapshot.segment_keys(RUNS), *snapshot.hot_keys(), *snapshot.superseded_keys())
    ]
    return in_present_form(scan_files(store, RUNS, keys), RUNS)


def scan_draws(root: Root, sweep: str | None = None, run_id: str | None = None) -> pl.LazyFrame:
    """Scan `draws`: one row per chain, its draws as lists. Naming a run reads the files of that run only.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = open_existing(root)
    snapshots = [take_snapshot(store, partition, run_id) for partition in sweep_partitions(store, sweep)]
    live = scan_live(store, DRAWS, [(snapshot, hot_draws_keys(store, snapshot)) for snapshot in snapshots], run_id)
    frame = in_present_form(live, DRAWS)
    return frame if run_id is None else frame.filter(pl.col("run_id") == run_id)


def scan_draws_long(root: Root, sweep: str | None = None, run_id: str | None = None) -> pl.LazyFrame:
    """Scan `draws_long`: one row per draw, the series as plain columns. Projections are left out.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    wide = scan_draws(root, sweep, run_id)
    series = [
        pl.when(pl.col(name).is_null())
        .then(pl.lit(None, pl.Float32).repeat_by(pl.col("centered_loss").list.len()))
        .otherwise(pl.col(name))
        .alias(name)
        for name in BY_DRAW
    ]
    draw = pl.int_ranges(0, pl.col("centered_loss").list.len()).alias("draw")
    return wide.select("run_id", "sweep", "chain", draw, "n_beta", *series).explode("draw", *BY_DRAW)


def scan_observables(root: Root, sweep: str | None = None) -> pl.LazyFrame:
    """Scan `observables`: one row per probe example of a run, with standard errors over chains.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    runs = scan_runs(root, sweep).filter(pl.col("probe_set").is_not_null())
    num_examples = pl.col("probe_set").list.len()
    influences = [
        # The matrix is stored row by row, so the row of an example begins at the entry `example` times `num_examples`.
        pl.col(f"probe_influence{suffix}")
        .list.slice(pl.col("example") * num_examples, num_examples)
        .alias(f"influence{suffix}")
        for suffix in ("", "_se")
    ]
    examples = runs.with_columns(example=pl.int_ranges(0, num_examples)).explode("example").with_columns(*influences)
    run_columns = {"probe_set": "probe_set", **{name: f"probe_{name}" for name in PER_EXAMPLE}}
    entries = [
        pl.col(column).list.get(pl.col("example"), null_on_oob=True).alias(name) for name, column in run_columns.items()
    ]
    return examples.select(*COPIED_FROM_RUN, "example", *entries, "influence", "influence_se")


def scan_targets(root: Root) -> pl.LazyFrame:
    """Scan `targets`: one row per target. `Dataset.read_target` reads its arrays.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = open_existing(root)
    snapshot = take_snapshot(store, TARGET_PARTITION)
    return scan_live(store, TARGETS, [(snapshot, snapshot.hot_keys())])


def scan_stages(root: Root, sweep: str | None = None) -> pl.LazyFrame:
    """Scan `stages`: one row per stage. Its `series_id` joins it with `scan_runs`.

    Raises:
        StorageError: There is no dataset.
    """
    store = open_existing(root)
    sweeps = sweeps_with_stages(store) if sweep is None else [sweep]
    return scan_files(store, STAGES, [key for name in sweeps for key in live_stages_keys(store, name)])


def require_sweep(root: Root, sweep: str) -> None:
    """Refuse the name of a sweep that has no runs, with the nearest name that has.

    Raises:
        StorageError: There is no dataset, it is damaged, or no run of it is of this sweep.
    """
    store = open_existing(root)
    if generations(root, sweep):
        return
    names = [name for name in sweep_names(store) if generations(root, name)]
    near = difflib.get_close_matches(sweep, names, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(map(repr, names[:SHOWN])) or 'no runs'}."
    raise StorageError(f"'{store.uri}' has no run of a sweep '{sweep}': {hint}")


def finished(root: Root, sweep: str, run_ids: Collection[str] | None = None) -> dict[str, str]:
    """Return the status (done or failed) by run id of every run of a sweep that has a row.

    Args:
        root: Path, URI or profile of the dataset.
        sweep: Name of the sweep.
        run_ids: Only these runs, which reads the files of no others; None for all.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = open_existing(root)
    snapshot = take_snapshot(store, sweep_partition(sweep))
    hot, wanted = snapshot.hot, pl.lit(True)
    if run_ids is not None:
        hot, wanted = hot.filter(pl.col("id").is_in(list(run_ids))), pl.col("run_id").is_in(list(run_ids))
    try:
        live = scan_live(store, RUNS, [(snapshot, snapshot.keys_of(hot))]).filter(wanted)
        rows = in_present_form(live, RUNS).select("run_id", "status").collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(store, f"sweep '{sweep}'", error) from error
    return dict(zip(rows["run_id"].to_list(), rows["status"].to_list(), strict=True))


def generations(root: Root, sweep: str) -> dict[str, int]:
    """Return by run id the generation that counts; a deliberate rerun writes that plus one.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store, partition = open_existing(root), sweep_partition(sweep)
    snapshot = take_snapshot(store, partition)
    compacted = rows_in_segments(store, partition, snapshot.manifest)
    counting = (compacted, snapshot.hot)  # a hot commit that counts is newer than its row in a segment
    return {identity: generation for rows in counting for identity, generation in rows["id", "generation"].iter_rows()}


def fingerprint(root: Root, sweep: str | None = None) -> str:
    """Return a text that changes whenever runs or stages are added, replaced or removed, from the names of files alone.

    Args:
        root: Path, URI or profile of the dataset.
        sweep: Only this sweep.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = open_existing(root)
    keys: list[str] = []
    for partition in sweep_partitions(store, sweep):
        snapshot = take_snapshot(store, partition)
        keys += [*snapshot.hot_keys(), *snapshot.segment_keys(RUNS), *snapshot.shadowed]
    for name in sweeps_with_stages(store) if sweep is None else [sweep]:
        keys += live_stages_keys(store, name)
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]
