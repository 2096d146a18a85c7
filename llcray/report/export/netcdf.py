"""`llcray export`: the draws of one run as ArviZ's InferenceData, in NetCDF."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from arviz_base import from_dict
from llcray_storage.store.settings import Root

from llcray.report.diagnostics.chains import RunDraws, load_run
from llcray.report.errors import ReportError

ATTRIBUTES = (
    "run_id", "target_id", "sweep", "verdict", "llc", "llc_mcse", "rhat", "ess_bulk", "ess_tail", "n_beta",
    "inverse_temperature", "localization", "loss_at_center", "true_llc", "num_params", "num_data", "sampler_kind",
    "spec", "llcray_version",
)  # fmt: skip
"""Columns of the run's row that become attributes of the file."""

ENGINE = "h5netcdf"


def export_netcdf(root: Root, run_id: str, output: Path) -> Path:
    """Write a run's draws: `posterior` holds llc and loss, `sample_stats` the rest, `warmup_...` the burn-in.

    Raises:
        ReportError: No such run, no draws, no NetCDF writer, or a file that cannot be written.
        StorageError: There is no dataset.
    """
    if any(find_spec(package) is None for package in (ENGINE, "h5py")):
        raise ReportError(f'export needs {ENGINE} and h5py: python -m pip install "{ENGINE}[h5py]"')
    tree = data_tree(load_run(root, run_id))
    draft = output.with_name(f".{output.name}.draft")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        tree.to_netcdf(draft, engine=ENGINE)
        draft.replace(output)
    except OSError as error:
        raise ReportError(f"'{output}' cannot be written: {error.strerror}. Choose another file.") from error
    return output


def data_tree(run: RunDraws) -> Any:
    """The draws of the healthy chains as a DataTree."""
    groups: dict[str, dict[str, np.ndarray]] = {"posterior": {}, "sample_stats": {}}
    groups["posterior"]["llc"] = run.all_llc_draws
    groups["posterior"]["loss"] = (run.row["loss_at_center"] or 0.0) + run.series["centered_loss"]
    if run.projection is not None:
        groups["posterior"]["projection"] = run.projection
    groups["sample_stats"] |= {name: values for name, values in run.series.items() if name != "centered_loss"}
    start = run.num_warmup_draws
    filled = {name: values for name, values in groups.items() if values}
    parts = {name: {key: array[:, start:] for key, array in values.items()} for name, values in filled.items()}
    if start:
        parts |= {f"warmup_{name}": {k: array[:, :start] for k, array in v.items()} for name, v in filled.items()}
    tree = from_dict(parts, save_warmup=True)
    tree.attrs |= {name: run.row[name] for name in ATTRIBUTES if run.row[name] is not None}
    return tree
