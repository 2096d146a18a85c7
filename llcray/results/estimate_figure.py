"""Figures of one estimate's draws, drawn by the diagnostics of a dataset's runs."""

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
    run = _run_draws(record, draws, num_warmup_draws)
    if not diagnostic.applies(run):
        raise ReportError(f"there is nothing to draw as '{name}': this sampler or number of chains has no such series.")
    return figure_of(run, diagnostic, f"{record['verdict']}: LLC {estimate_of(record)}")


def _run_draws(record: Row, draws: Draws, num_warmup_draws: int) -> RunDraws:
    healthy = np.flatnonzero(draws.healthy)
    kept = draws.of_chains(healthy)
    series = {field: np.asarray(getattr(kept, field), np.float64) for field in SERIES}
    return RunDraws(
        row={**dict.fromkeys(RUNS.by_name), **record, "status": DONE, "outcome": record["verdict"]},
        chains=tuple(map(int, healthy)),
        failed=(),
        num_warmup_draws=num_warmup_draws,
        series={field: values for field, values in series.items() if np.isfinite(values).all()},
        projection=np.asarray(kept.projection, np.float64) if kept.projection.shape[2] else None,
    )
