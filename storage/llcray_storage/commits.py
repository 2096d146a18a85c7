"""Is a commit whole? Asked before its rows go into a segment, and by `verify`."""

import pyarrow as pa

from llcray_storage.encode import UNREADABLE, is_intact, read_parquet, sha256
from llcray_storage.errors import ObjectMissingError
from llcray_storage.layout import HOT, Partition
from llcray_storage.objects import ObjectStore
from llcray_storage.schema import Table


def whole_commit(table: Table, name: str, data: bytes) -> pa.Table | None:
    """The one row of a commit; None when the file is damaged or is not what its name says."""
    try:
        if not is_intact(data):
            return None
        rows = read_parquet(table, data)
    except UNREADABLE:
        return None
    named = HOT.fullmatch(name)
    if rows.num_rows != 1 or named is None:
        return None
    same = rows.column(table.key)[0].as_py() == named[1] and rows.column("generation")[0].as_py() == int(named[2])
    return rows if same else None


def details_problem(store: ObjectStore, partition: Partition, rows: pa.Table) -> str | None:
    """What is wrong with the draws file of a hot run row; None when nothing is."""
    name = rows.column("draws_file")[0].as_py() if partition.details is not None else None
    if name is None:
        return None
    try:
        data = store.get(f"{partition.details_folder}/{name}")
    except ObjectMissingError:
        return f"its draws {name} are missing"
    return None if sha256(data) == rows.column("draws_sha256")[0].as_py() else f"its draws {name} are damaged"
