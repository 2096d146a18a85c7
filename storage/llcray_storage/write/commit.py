"""Writes one run: first its draws, last its row, which is the commit.

A process that is killed at any point leaves the run there whole or not at all.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import commit_bytes, draws_digest, new_nonce, parquet_bytes, sha256, table_of_draws
from llcray_storage.schema.status import FAILED
from llcray_storage.schema.tables import DRAWS, RUNS, SCHEMA_VERSION
from llcray_storage.state.lookup import KnownRow, SegmentLookup, hot_row
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import Partition, checked_id, draws_name
from llcray_storage.store.objects import ObjectStore

STALE_DRAWS_SECONDS = 1200.0
"""A writer that took longer than this writes its draws again: a vacuum may have removed them as orphans."""


@dataclass(frozen=True)
class WriteOutcome:
    """The outcome of a write.

    Attributes:
        identity: Id of the run, target or stages.
        generation: Generation that is there now.
        created: True when this write made that generation; False when it was there already.
    """

    identity: str
    generation: int
    created: bool


def commit_run(
    store: ObjectStore,
    partition: Partition,
    lookup: SegmentLookup,
    row: Mapping[str, Any],
    draws: Sequence[Mapping[str, Any]],
) -> WriteOutcome:
    """Write a run once.

    A row without `generation` changes nothing when its run is there, except that `done` replaces `failed`. A row with
    `generation` is written as that generation, unless the same or a later one is there.

    Raises:
        StorageError: The row is refused, or storage cannot be written.
    """
    RUNS.refuse_unknown(row)
    for name in ("run_id", "sweep", "status"):
        if not isinstance(row.get(name), str):
            raise StorageError(f"column '{name}' of 'runs' is {row.get(name)!r}: every row needs it as text.")
    identity = checked_id(row["run_id"])
    requested = row.get("generation")
    if requested is not None and (not isinstance(requested, int) or requested < 1):
        raise StorageError(
            f"column 'generation' of 'runs' got {requested!r}: generations count from 1. Leave it out, or raise it."
        )
    known = lookup.find(identity)
    generation = 1 if requested is None else requested
    if known is not None:
        if not _replaces(row, known, requested):
            return WriteOutcome(identity, known.generation, created=False)
        generation = max(generation, known.generation + 1)
    while True:
        if _put_run(store, partition, row, draws, generation):
            return WriteOutcome(identity, generation, created=True)
        existing = hot_row(store, partition, identity, generation)
        if not _replaces(row, KnownRow(generation, str(existing["status"])), requested):
            return WriteOutcome(identity, generation, created=False)
        generation += 1


def _replaces(row: Mapping[str, Any], known: KnownRow, requested: int | None) -> bool:
    if requested is not None:
        return requested > known.generation
    return row["status"] != FAILED and known.status == FAILED


def _put_run(
    store: ObjectStore,
    partition: Partition,
    row: Mapping[str, Any],
    draws: Sequence[Mapping[str, Any]],
    generation: int,
) -> bool:
    nonce = new_nonce()
    identity = {"run_id": row["run_id"], "sweep": row["sweep"], "generation": generation}
    commit: dict[str, Any] = {"generation": generation, "nonce": nonce, "schema_version": SCHEMA_VERSION}
    draws_key, draws_data = None, b""
    if draws:
        chains = table_of_draws(identity, draws)
        draws_data = parquet_bytes(DRAWS, chains, nonce)
        digest = sha256(draws_data)
        name = draws_name(row["run_id"], generation, digest)
        draws_key = f"{partition.details_folder}/{name}"
        commit |= {"draws_file": name, "draws_sha256": digest, "draws_digest": draws_digest(chains)}
    else:
        commit |= {"draws_file": None, "draws_sha256": None, "draws_digest": None}
    run_data = commit_bytes(RUNS, {**row, **commit}, nonce)
    failpoint("commit.encoded")
    started = time.time()
    if draws_key is not None:
        store.put_if_absent(draws_key, draws_data)
        failpoint("commit.draws_put")
    created = store.put_if_absent(partition.commit_path(row["run_id"], generation), run_data)
    failpoint("commit.run_put")
    if draws_key is not None and not created:
        store.delete(draws_key)
    elif draws_key is not None and time.time() - started > STALE_DRAWS_SECONDS:
        store.put_if_absent(draws_key, draws_data)
    return created
