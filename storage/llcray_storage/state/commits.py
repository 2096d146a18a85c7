"""Checks whether commits are whole, before compaction copies their rows and when `verify` looks."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from llcray_storage.errors import ObjectMissingError
from llcray_storage.files.encode import UNREADABLE, conformed, is_intact, read_parquet, sha256
from llcray_storage.files.scan import scan_sources
from llcray_storage.schema.tables import Table
from llcray_storage.state.segments import without_ids
from llcray_storage.store.layout import COMMIT_FILE, DRAWS_FILE, Partition
from llcray_storage.store.objects import ObjectStore

FILES_AT_ONCE = 100
"""Commits read together; each takes half a megabyte until the rows of all are one table."""


def whole_commits(store: ObjectStore, partition: Partition, names: Sequence[str]) -> tuple[pa.Table, tuple[str, ...]]:
    """Read the commits of which every part is whole.

    Returns:
        The rows of those commits, and for each other commit its path and what is wrong.

    Raises:
        ObjectMissingError: A commit is gone; take a new snapshot.
    """
    table = partition.table
    whole = [table.arrow.empty_table()]
    problems: list[str] = []
    for start in range(0, len(names), FILES_AT_ONCE):
        batch = names[start : start + FILES_AT_ONCE]
        rows, damaged = _read_commits(table, {name: store.get(f"{partition.folder}/{name}") for name in batch})
        problems.extend(f"{partition.folder}/{name}: damaged" for name in damaged)
        by_run = _details_problems(store, partition, rows)
        problems.extend(f"{partition.folder}: '{identity}': {problem}" for identity, problem in by_run.items())
        whole.append(without_ids(rows, table.key, list(by_run)).combine_chunks())
    return pa.concat_tables(whole).combine_chunks(), tuple(problems)


def whole_commit(table: Table, name: str, data: bytes) -> pa.Table | None:
    """Read the one row of a commit; None when the file is damaged or is not the commit that its name says."""
    if is_intact(data) is False:
        return None
    try:
        rows = read_parquet(table, data)
    except UNREADABLE:
        return None
    if rows.num_rows != 1:
        return None
    inside = rows.column(table.key)[0].as_py(), rows.column("generation")[0].as_py()
    return rows if inside == _id_and_generation(name) else None


def details_problem(store: ObjectStore, partition: Partition, rows: pa.Table) -> str | None:
    """Say what is wrong with the draws file of a hot commit; None when nothing is.

    Args:
        store: Where the files are.
        partition: The partition of the commit.
        rows: The commit's row.
    """
    return next(iter(_details_problems(store, partition, rows).values()), None)


def _read_commits(table: Table, files: Mapping[str, bytes]) -> tuple[pa.Table, list[str]]:
    """Return the rows of commits, given by file name, and the names of the damaged ones.

    Files that carry their hash are read together once it is checked, which is faster; others one by one, with page
    checksums.
    """
    sealed = {name: data for name, data in files.items() if is_intact(data)}
    rows = [table.arrow.empty_table()]
    if sealed:
        together = conformed(table, scan_sources(table, list(sealed.values())).collect().to_arrow())
        read = zip(together.column(table.key).to_pylist(), together.column("generation").to_pylist(), strict=True)
        if sorted(read) == sorted(_id_and_generation(name) for name in sealed):
            rows.append(together)
        else:
            sealed = {}
    damaged = []
    for name in files.keys() - sealed.keys():
        row = whole_commit(table, name, files[name])
        if row is None:
            damaged.append(name)
        else:
            rows.append(row)
    return pa.concat_tables(rows), sorted(damaged)


def _details_problems(store: ObjectStore, partition: Partition, rows: pa.Table) -> dict[str, str]:
    """Say by run what is wrong with its draws file; runs without a problem are left out."""
    if partition.details is None:
        return {}
    problems = {}
    columns = [rows.column(name).to_pylist() for name in ("run_id", "draws_file", "draws_sha256")]
    for run_id, name, digest in zip(*columns, strict=True):
        if name is None:
            continue
        if not DRAWS_FILE.fullmatch(name):
            problems[run_id] = f"its draws {name!r} are damaged: no file of draws has that name"
            continue
        try:
            data = store.get(f"{partition.details_folder}/{name}")
        except ObjectMissingError:
            problems[run_id] = f"its draws {name} are missing"
        else:
            if sha256(data) != digest:
                problems[run_id] = f"its draws {name} are damaged"
    return problems


def _id_and_generation(name: str) -> tuple[str, int]:
    match = COMMIT_FILE.fullmatch(name)
    assert match is not None, name
    return match[1], int(match[2])
