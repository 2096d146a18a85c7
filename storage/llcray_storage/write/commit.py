"""Writing one run: validate, encode, draws, then the run row, which is the commit.

Killed at any point, the run is there whole or not at all.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import commit_bytes, draws_digest, new_nonce, parquet_bytes, sha256, table_of_draws
from llcray_storage.schema.tables import DRAWS, RUNS, SCHEMA_VERSION
from llcray_storage.state.lookup import Known, SegmentLookup, hot_row
from llcray_storage.store.failpoints import reached
from llcray_storage.store.layout import Partition, checked_id, draws_name
from llcray_storage.store.objects import ObjectStore

STALE_DRAWS_SECONDS = 1200.0
"""A writer that stood still for longer puts its draws again: a vacuum may have taken them for orphans."""


@dataclass(frozen=True)
class WriteOutcome:
    """What became of a write.

    Attributes:
        identity: run_id or target_id.
        generation: Generation that is there now.
        created: True when this write made it; False when it was there already.
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

    Without `generation` in the row this is idempotent: a run that is there stays, except that `ok` replaces `failed`.
    With a generation, exactly that one is written unless it, or a later one, is there.

    Raises:
        StorageError: The row is refused, or storage cannot be written.
    """
    RUNS.refuse_unknown(row)
    for name in ("run_id", "sweep", "status"):
        if not isinstance(row.get(name), str):
            raise StorageError(f"column '{name}' of 'runs' is {row.get(name)!r}: every row needs it as text.")
    identity = checked_id(row["run_id"])
    asked = row.get("generation")
    if asked is not None and (not isinstance(asked, int) or asked < 1):
        raise StorageError(
            f"column 'generation' of 'runs' got {asked!r}: generations count from 1. Leave it out, or raise it."
        )
    known = lookup.find(identity)
    generation = 1 if asked is None else asked
    if known is not None:
        if not _replaces(row, known, asked):
            return WriteOutcome(identity, known.generation, created=False)
        generation = max(generation, known.generation + 1)
    while True:
        if _put_run(store, partition, row, draws, generation):
            return WriteOutcome(identity, generation, created=True)
        there = hot_row(store, partition, identity, generation)
        if not _replaces(row, Known(generation, str(there["status"])), asked):
            return WriteOutcome(identity, generation, created=False)
        generation += 1


def _replaces(row: Mapping[str, Any], known: Known, asked: int | None) -> bool:
    if asked is not None:
        return asked > known.generation
    return row["status"] == "ok" and known.status == "failed"


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
    reached("commit.encoded")
    started = time.time()
    if draws_key is not None:
        store.put_if_absent(draws_key, draws_data)
        reached("commit.draws_put")
    ours = store.put_if_absent(partition.hot(row["run_id"], generation), run_data)
    reached("commit.run_put")
    if draws_key is not None and not ours:
        store.delete(draws_key)
    elif draws_key is not None and time.time() - started > STALE_DRAWS_SECONDS:
        store.put_if_absent(draws_key, draws_data)
    return ours
