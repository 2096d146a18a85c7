"""A run and the draws of its chains as arrays, with burn-in marked and failed chains set apart."""

import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from llcray_storage import scan_draws, scan_runs
from llcray_storage.schema.status import FAILED
from llcray_storage.store.settings import Root

from llcray.report.errors import ReportError
from llcray.report.verdict_filter import outcome

Row = dict[str, Any]


@dataclass(frozen=True)
class RunDraws:
    """A run's row and the draws of its healthy chains, cut to the length of the shortest.

    Attributes:
        row: The row of `runs`, with the column `outcome`.
        chains: Numbers of the healthy chains.
        failed: Rows of the chains that went non-finite.
        num_warmup_draws: First draws that are burn-in.
        series: Recorded quantities by name, each of shape (chain, draw), burn-in included; absent ones are left out.
        projection: Random projection of w - w*, shape (chain, draw, dimension), or None.
    """

    row: Row
    chains: tuple[int, ...]
    failed: tuple[Row, ...]
    num_warmup_draws: int
    series: dict[str, np.ndarray]
    projection: np.ndarray | None

    @cached_property
    def llc_draws(self) -> np.ndarray:
        """The draws after burn-in whose mean is the LLC, in nats.

        They are n beta (L - L*), less the step-size bias that the estimate subtracts.
        """
        return self.kept(self.all_llc_draws)

    @cached_property
    def all_llc_draws(self) -> np.ndarray:
        """The draws of `llc_draws` with burn-in before them."""
        return self.raw_llc_draws - self._subtracted_bias

    @cached_property
    def raw_llc_draws(self) -> np.ndarray:
        """The draws n beta (L - L*) in nats, burn-in included and nothing subtracted."""
        return self.row["n_beta"] * self.series["centered_loss"].astype(np.float64)

    @cached_property
    def decisions(self) -> list[Row]:
        """The steps of calibration, in order; empty for samplers set by hand, and where they are no JSON."""
        try:
            steps = json.loads(self.row["calibration"] or "[]")
        except (ValueError, RecursionError):
            return []
        return steps if isinstance(steps, list) and all(isinstance(step, dict) for step in steps) else []

    def kept(self, values: np.ndarray) -> np.ndarray:
        """The part of a series of shape (chain, draw, ...) that comes after burn-in."""
        return values[:, self.num_warmup_draws :]

    @property
    def _subtracted_bias(self) -> float:
        llc, uncorrected = self.row["llc"], self.row["llc_uncorrected"]
        return 0.0 if None in (llc, uncorrected) else uncorrected - llc


SERIES = ("centered_loss", "heat", "squared_distance", "acceptance_rate", "energy", "energy_change")
MIN_DRAWS = 8


def load_run(root: Root, run_id: str) -> RunDraws:
    """Load a run by its id, or by the first digits of its id.

    Raises:
        ReportError: No run, or more than one, has the id; the run failed; or it has no draws.
        StorageError: There is no dataset.
    """
    rows = scan_runs(root).filter(pl.col("run_id").str.starts_with(run_id)).with_columns(outcome()).collect()
    if rows.height != 1:
        matches = f"{rows.height} runs: give more digits" if rows.height else "no run: `llcray query` lists run_id"
        raise ReportError(f"run '{run_id}' is the id of {matches}.")
    return arranged(rows.row(0, named=True), scan_draws(root, rows["sweep"][0], rows["run_id"][0]).collect())


def arranged(row: Row, draws: pl.DataFrame) -> RunDraws:
    """Arrange the row of a run and the rows of its chains.

    Raises:
        ReportError: The run failed, or no chain has draws enough to look at.
    """
    name = f"run {row['run_id']}"
    if row["status"] == FAILED:
        raise ReportError(f"{name} failed: {row['reason']}. It has no draws to look at.")
    n_beta = row["n_beta"]
    if n_beta is None or not math.isfinite(n_beta):
        raise ReportError(f"{name}: its row says n beta {n_beta}, without which its draws are no LLC: it is damaged.")
    chains = draws.sort("chain").to_dicts()
    healthy = [chain for chain in chains if chain["status"] != FAILED and chain["centered_loss"]]
    failed = tuple(chain for chain in chains if chain["status"] == FAILED)
    if not healthy:
        why = f"all {len(failed)} chains went non-finite" if failed else "no draws were stored"
        raise ReportError(f"{name}: {why}. There is nothing to draw.")
    length = min(len(chain["centered_loss"]) for chain in healthy)
    warmup = max(chain["num_warmup_draws"] or 0 for chain in healthy)
    if length - warmup < MIN_DRAWS:
        raise ReportError(f"{name} kept {length - warmup} draws a chain, fewer than {MIN_DRAWS}. Raise its budget.")
    series = {field: _stacked(healthy, field, length) for field in SERIES}
    recorded = {field: values for field, values in series.items() if values is not None}
    return RunDraws(row, tuple(c["chain"] for c in healthy), failed, warmup, recorded, _projection(healthy, length))


def _stacked(chains: list[Row], field: str, length: int) -> np.ndarray | None:
    """A recorded quantity of shape (chain, draw); None where the sampler does not record it, or it is not finite."""
    if any(chain[field] is None or len(chain[field]) < length for chain in chains):
        return None
    values = np.array([chain[field][:length] for chain in chains], dtype=np.float64)
    return values if np.isfinite(values).all() else None


def _projection(chains: list[Row], length: int) -> np.ndarray | None:
    dimension = chains[0]["projection_dimension"]
    if not dimension or any(not chain["projection"] for chain in chains):
        return None
    rows = [np.asarray(chain["projection"], dtype=np.float64)[: length * dimension] for chain in chains]
    return np.stack([row.reshape(-1, dimension) for row in rows])
