"""Figures and ArviZ's form of one estimate's draws, made by what makes those of a dataset's runs."""

from typing import Any

import numpy as np
from llcray_storage.estimate_words import estimate_of
from llcray_storage.schema.status import DONE
from llcray_storage.schema.tables import RUNS
from matplotlib.figure import Figure

from llcray.array_types import Row
from llcray.llc.draws import Draws
from llcray.report.diagnostics.catalogue import selected
from llcray.report.diagnostics.chains import MIN_DRAWS, SERIES, RunDraws
from llcray.report.diagnostics.diagnose import figure_of
from llcray.report.errors import ReportError
from llcray.report.export.netcdf import data_tree


def figure_of_estimate(record: Row, draws: Draws, num_warmup_draws: int, name: str) -> Figure:
    """The diagnostic of a name.

    Args:
        record: Columns of `runs` that are known of the estimate.
        draws: Its draws, burn-in included.
        num_warmup_draws: First draws that are burn-in.
        name: Name of the diagnostic.

    Raises:
        ReportError: There is no such diagnostic, the sampler does not record what it shows, or too few draws are left.
    """
    [(_, diagnostic)] = selected([name]).items()
    if not draws.healthy.any() or draws.num_draws - num_warmup_draws < MIN_DRAWS:
        raise ReportError("there are too few draws to look at: no chain stayed finite, or burn-in took all of them.")
    run = run_draws(record, draws, num_warmup_draws)
    if not diagnostic.applies(run):
        raise ReportError(f"there is nothing to draw as '{name}': this sampler or number of chains has no such series.")
    return figure_of(run, diagnostic, f"{record['verdict']}: LLC {estimate_of(record)}")


def data_tree_of_estimate(record: Row, draws: Draws, num_warmup_draws: int) -> Any:
    """The draws as a DataTree, as `llcray export` writes it; all draws as they are where no chain stayed finite."""
    alive = draws.healthy.any()
    run = run_draws(record, draws, num_warmup_draws if alive else 0)
    beside = {name: getattr(draws, name) for name in ("num_gradients", "num_divergent", "observables")}
    chains = list(run.chains)
    run.series.update({name: np.asarray(values)[chains] for name, values in beside.items() if values.size})
    return data_tree(run)


def run_draws(record: Row, draws: Draws, num_warmup_draws: int) -> RunDraws:
    """An estimate as a run of a dataset: its healthy chains, or all of them where none is."""
    chains = np.flatnonzero(draws.healthy) if draws.healthy.any() else np.arange(draws.num_chains)
    kept = draws.of_chains(chains)
    series = {field: np.asarray(getattr(kept, field), np.float64) for field in SERIES}
    return RunDraws(
        row={**dict.fromkeys(RUNS.by_name), **record, "status": DONE, "outcome": record["verdict"]},
        chains=tuple(map(int, chains)),
        failed=(),
        num_warmup_draws=num_warmup_draws,
        series={field: values for field, values in series.items() if _is_recorded(field, values)},
        projection=np.asarray(kept.projection, np.float64) if kept.projection.shape[2] else None,
    )


def _is_recorded(field: str, values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all()) or field == "centered_loss"
