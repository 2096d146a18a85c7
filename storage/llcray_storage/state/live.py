"""Live rows: those of a table that count in a snapshot, from segments and hot commits together."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from llcray_storage.files.scan import scan_files
from llcray_storage.schema.tables import Table
from llcray_storage.state.snapshot import Snapshot, unreadable
from llcray_storage.store.objects import ObjectStore


def live_rows(store: ObjectStore, snapshot: Snapshot, identity: str) -> list[dict[str, Any]]:
    """Read the live rows of one id, of the table of the snapshot's commits.

    Raises:
        StorageError: A file cannot be read.
    """
    table = snapshot.partition.table
    try:
        frame = scan_live(store, table, [(snapshot, snapshot.hot_keys())], identity)
        return frame.filter(pl.col(table.key) == identity).collect().to_dicts()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(store, snapshot.partition.title, error) from error


def scan_live(
    store: ObjectStore,
    table: Table,
    snapshots: Sequence[tuple[Snapshot, Sequence[str]]],
    identity: str | None = None,
) -> pl.LazyFrame:
    """Scan the live rows of a table over several partitions.

    Files of others that are named like commits have no keys; their rows are left out here and found by `verify`.

    Args:
        store: Where the files are.
        table: The table.
        snapshots: Each partition's snapshot, with the paths of the table's hot files in it.
        identity: Leave out segments that cannot hold this id.
    """
    # All files go into one scan, but for segments with rows that a rerun replaced: those need a filter of their own.
    unfiltered: list[str] = []
    filtered: list[pl.LazyFrame] = []
    for snapshot, hot_keys in snapshots:
        segments = snapshot.segment_keys(table, identity)
        if snapshot.shadowed and segments:
            filtered.append(scan_files(store, table, segments).filter(~pl.col(table.key).is_in(snapshot.shadowed)))
        else:
            unfiltered.extend(segments)
        unfiltered.extend(hot_keys)
    frame = scan_files(store, table, unfiltered)
    keys = [name for name in (table.key, "sweep") if name in table.polars]
    everything = pl.concat([frame, *filtered]) if filtered else frame
    return everything.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in keys))
