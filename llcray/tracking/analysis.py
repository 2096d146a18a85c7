"""Analysis of a tracker's rows: the LLC along training, its stages, and its change beside the update sparsity."""

from collections.abc import Iterator

import llcray_storage as ls
import numpy as np
import polars as pl
from scipy.stats import false_discovery_control, norm

from llcray.array_types import Arrays, Row
from llcray.components import Structure
from llcray.components.masks import mask_of
from llcray.subnetwork.masked import unchanged

PARAMS = "params/"
SHOWN = (
    "step",
    "component",
    "llc",
    "llc_mcse",
    "llc_sampling_se",
    "localization_se",
    "llc_se",
    "llc_per_half_dimension",
    "rhat",
    "ess_bulk",
    "verdict",
    "loss_kind",
    "loss_at_center",
    "n_beta",
    "localization",
    "num_data",
    "num_sampled_params",
    "target_id",
)
ONCE = ("step", "component", "loss_kind", "seed")
STAGE_COLUMNS = ("component", "stage", "start_step", "end_step", "value_at_start", "value_at_end", "direction", "z")


def evolution(storage: str, name: str) -> pl.DataFrame:
    """The estimates of a tracker, by step and component."""
    runs = _runs(storage, name).with_columns(llc_per_half_dimension=pl.col("llc") / (pl.col("num_sampled_params") / 2))
    return runs.select(SHOWN).sort("step", "component")


def transitions(storage: str, name: str) -> pl.DataFrame:
    """The stages of each component; the component whose first boundary comes first is on top.

    Raises:
        ValueError: No component has five estimates.
    """
    from llcray.stages.series import FEWEST
    from llcray.stages.table import stage_rows

    runs = _runs(storage, name).with_columns(
        series_id=pl.col("component"), trajectory_id=pl.lit(name), label=pl.lit(None, pl.String)
    )
    rows = stage_rows(runs, "llc", "stages")
    if not rows:
        raise ValueError(f"{name} has no component with {FEWEST} finite estimates: stages need so many. Go on.")
    table = pl.DataFrame(rows, infer_schema_length=None)
    first = pl.col("end_step").filter(pl.col("stage") == 0).first().over("component")
    return table.with_columns(_first=first).sort("_first", "component", "stage").drop("_first").select(STAGE_COLUMNS)


def subnetwork(
    storage: str,
    name: str,
    *,
    structure: Structure | None = None,
    compare_dtype: str | None = None,
    learning_rate: float | None = None,
) -> pl.DataFrame:
    """Update sparsity from the first to the last tracked step, and the LLC's change with its q-value, by component.

    Raises:
        ValueError: Fewer than two steps were tracked, or the weights of a step were not stored.
    """
    runs = evolution(storage, name)
    steps = runs["step"].unique().sort()
    if len(steps) < 2:
        raise ValueError(f"{name} has {len(steps)} tracked steps: a change needs two")
    ends = [runs.filter(pl.col("step") == step) for step in (steps[0], steps[-1])]
    before, after = (_params(storage, end["target_id"][0]) for end in ends)
    rows = list(_changes(ends[0], ends[1], before, after, compare_dtype, structure))
    table = pl.DataFrame(rows, infer_schema_length=None)
    p_values = 2 * norm.sf(np.abs(table["llc_change_z"].to_numpy()))
    q_values = false_discovery_control(p_values) if np.isfinite(p_values).all() else np.full(len(p_values), np.nan)
    facts = {"first_step": int(steps[0]), "steps": int(steps[-1] - steps[0]), "learning_rate": learning_rate}
    return table.with_columns(llc_change_q=pl.Series(q_values), **{key: pl.lit(value) for key, value in facts.items()})


def _changes(
    first: pl.DataFrame,
    last: pl.DataFrame,
    before: tuple[Arrays, str],
    after: tuple[Arrays, str],
    dtype: str | None,
    structure: Structure | None,
) -> Iterator[Row]:
    (old, _), (new, stored) = before, after
    compared = dtype or (stored if "," not in stored else None)
    both = first.join(last, on="component", suffix="_last")
    for row in both.sort("component").iter_rows(named=True):
        mask = mask_of(row["component"], new, structure)
        tensors = ((old[path], leaf, True if mask is None else mask[path]) for path, leaf in new.items())
        shares = unchanged(tensors, compared)
        sparsity = {"num_params": shares.num_params, "sparsity_exact": shares.exact}
        sparsity |= {"sparsity_tolerance": shares.tolerance, "sparsity_relative": shares.relative}
        standard_error = float(np.hypot(row["llc_mcse"], row["llc_mcse_last"]))
        change = row["llc_last"] - row["llc"]
        yield {
            "component": row["component"],
            **sparsity,
            "storage_dtype": stored,
            "compare_dtype": compared or stored,
            "llc_first": row["llc"],
            "llc_last": row["llc_last"],
            "llc_change": change,
            "llc_change_se": standard_error,
            "llc_change_z": change / standard_error if standard_error else float("nan"),
        }


def _params(storage: str, target_id: str) -> tuple[Arrays, str]:
    stored = ls.Dataset.open(storage).read_target(target_id)
    if stored is None:
        raise ValueError(f"the weights of target {target_id} are not in {storage}: track with keep_params=True")
    row, arrays = stored
    return {path.removeprefix(PARAMS): array for path, array in arrays.items()}, str(row["dtype"])


def _runs(storage: str, name: str) -> pl.DataFrame:
    """The newest estimate of each step; a training that resumed from a checkpoint has tracked some steps again."""
    runs = ls.scan_runs(storage, sweep=name).filter(pl.col("target_kind") == "tracked").collect()
    return runs.sort("finished_at", maintain_order=True).unique(ONCE, keep="last", maintain_order=True)
