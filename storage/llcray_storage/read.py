"""Reading: lazy frames of fixed schema over what counted when the frame was made.

A frame stays good while its files exist: compaction leaves them in place for an hour (`vacuum.GRACE_SECONDS`). Make a
new frame for a new look. polars keeps no row order through group_by and join: sort what is shown.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from llcray_storage.files.scan import scan_files
from llcray_storage.schema.draw import BY_DRAW
from llcray_storage.schema.observable import OBSERVABLE_COLUMNS, OF_RUN, PER_EXAMPLE
from llcray_storage.schema.tables import DRAWS, RUNS, TARGETS, Table
from llcray_storage.state import snapshot as snapshots
from llcray_storage.state.snapshot import Snapshot, damaged, live_draws
from llcray_storage.store.layout import TARGET_PARTITION
from llcray_storage.store.marker import require_dataset
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root, open_store


def scan_runs(root: Root, sweep: str | None = None, latest: bool = True) -> pl.LazyFrame:
    """One row an estimate.

    Args:
        root: Path, URI or profile of the dataset.
        sweep: Only this sweep.
        latest: Leave out generations that a rerun replaced (they are on disk until compaction).

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = opened(root)
    taken = [snapshots.take(store, partition) for partition in snapshots.partitions(store, sweep)]
    if latest:
        return _live(store, RUNS, [(one, one.hot_keys()) for one in taken])
    keys = [key for one in taken for key in (*one.segment_keys(RUNS), *one.hot_keys(), *_superseded_keys(one))]
    return scan_files(store, RUNS, keys)


def scan_draws(root: Root, sweep: str | None = None, run_id: str | None = None) -> pl.LazyFrame:
    """One row a chain, its draws as lists; naming a run reads the files of that run only.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = opened(root)
    taken = [snapshots.take(store, partition, run_id) for partition in snapshots.partitions(store, sweep)]
    frame = _live(store, DRAWS, [(one, live_draws(store, one)) for one in taken], run_id)
    return frame if run_id is None else frame.filter(pl.col("run_id") == run_id)


def scan_draws_long(root: Root, sweep: str | None = None, run_id: str | None = None) -> pl.LazyFrame:
    """One row a draw: run_id, sweep, chain, draw, n_beta, and the series as plain columns. Projections are left out.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    wide = scan_draws(root, sweep, run_id)
    filled = [
        pl.when(pl.col(name).is_null())
        .then(pl.lit(None, pl.Float32).repeat_by(pl.col("centered_loss").list.len()))
        .otherwise(pl.col(name))
        .alias(name)
        for name in BY_DRAW
    ]
    draw = pl.int_ranges(0, pl.col("centered_loss").list.len()).alias("draw")
    return wide.select("run_id", "sweep", "chain", draw, "n_beta", *filled).explode("draw", *BY_DRAW)


def scan_observables(root: Root, sweep: str | None = None) -> pl.LazyFrame:
    """One row a probe example of a run, with standard errors over chains; see `OBSERVABLE_COLUMNS`.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    runs = scan_runs(root, sweep).filter(pl.col("probe_set").is_not_null())
    num = pl.col("probe_set").list.len()
    influences = [
        # A row of the matrix: the `num` entries from `example` times `num` on.
        pl.col(f"probe_influence{end}").list.slice(pl.col("example") * num, num).alias(f"influence{end}")
        for end in ("", "_se")
    ]
    by_example = {f"probe_{name}": name for name in ("set", *PER_EXAMPLE)}
    kept = runs.with_columns(example=pl.int_ranges(0, num)).explode("example").with_columns(*influences)
    one = [pl.col(name).list.get(pl.col("example"), null_on_oob=True).alias(new) for name, new in by_example.items()]
    own = [pl.col(column.name) for column in OBSERVABLE_COLUMNS if column.name in OF_RUN]
    return kept.select(*own, "example", *one, *(f"influence{end}" for end in ("", "_se"))).rename({"set": "probe_set"})


def scan_targets(root: Root) -> pl.LazyFrame:
    """One row a target; `read_target` of a Dataset reads its arrays.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = opened(root)
    taken = snapshots.take(store, TARGET_PARTITION)
    return _live(store, TARGETS, [(taken, taken.hot_keys())])


def finished(root: Root, sweep: str) -> dict[str, str]:
    """Status (ok or failed) of every run of a sweep that has one, by run id.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    store = opened(root)
    try:
        rows = scan_runs(root, sweep).select("run_id", "status").collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise damaged(store, f"sweep '{sweep}'", error) from error
    return dict(zip(rows["run_id"].to_list(), rows["status"].to_list(), strict=True))


def generations(root: Root, sweep: str) -> dict[str, int]:
    """Generation that counts of every run of a sweep; a deliberate rerun writes this plus one.

    Raises:
        StorageError: There is no dataset, or it is damaged.
    """
    rows = scan_runs(root, sweep).select("run_id", "generation").collect()
    return dict(zip(rows["run_id"].to_list(), rows["generation"].to_list(), strict=True))


def live_rows(store: ObjectStore, taken: Snapshot, identity: str) -> list[dict[str, Any]]:
    """The rows of one id that count, of a snapshot's own table."""
    table = taken.partition.table
    try:
        frame = _live(store, table, [(taken, taken.hot_keys())], identity)
        return frame.filter(pl.col(table.key) == identity).collect().to_dicts()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise damaged(store, taken.partition.spoken, error) from error


def opened(root: Root) -> ObjectStore:
    """The store of an existing dataset.

    Raises:
        StorageError: There is no dataset.
    """
    store = open_store(root)
    require_dataset(store)
    return store


def _live(
    store: ObjectStore, table: Table, taken: Sequence[tuple[Snapshot, Sequence[str]]], identity: str | None = None
) -> pl.LazyFrame:
    """Segments and hot files of all partitions in one scan; rows a rerun replaced are filtered where there are any."""
    together: list[str] = []
    apart: list[pl.LazyFrame] = []
    for one, hot_keys in taken:
        segments = _segment_keys(one, table, identity)
        if one.shadowed and segments:
            apart.append(scan_files(store, table, segments).filter(~pl.col(table.key).is_in(one.shadowed)))
        else:
            together.extend(segments)
        together.extend(hot_keys)
    return pl.concat([scan_files(store, table, together), *apart]) if apart else scan_files(store, table, together)


def _segment_keys(one: Snapshot, table: Table, identity: str | None) -> list[str]:
    """Segments that can hold the identity: each spans an interval of ids."""
    return [
        f"{one.partition.folder_of(table)}/{segment.name}"
        for segment in one.manifest.of(table)
        if identity is None or segment.first_id <= identity <= segment.last_id
    ]


def _superseded_keys(one: Snapshot) -> list[str]:
    return [f"{one.partition.folder}/{name}" for name in one.superseded["name"]]
