"""The runs of the page, column by column, and the names that the page gives the columns."""

from typing import Any

import polars as pl
from llcray_storage.estimate_words import ESTIMATE_HEADING
from llcray_storage.schema.tables import RUNS

from llcray.report.columns import axis_label, is_number
from llcray.report.page.plain import plain
from llcray.report.plots.panels import LABEL
from llcray.report.plots.scale import STEP
from llcray.report.results_table import leading_columns
from llcray.report.varying import SEEDS, values_of
from llcray.report.verdict_filter import OF_THE_TARGET

NUMBERS = (
    "llc", "llc_sampling_se", "localization_se", "llc_mcse", "llc_se", "rhat",
    "ess_bulk", "ess_tail", "true_llc", "num_params", "num_data", "num_gradients",
    "sampling_seconds", "compile_seconds", "wnv_gradients", "wnv_seconds", "ess_per_gradient", "ess_per_second",
    "fde_to_se1", "time_to_se1", "dispersion", "localization", "n_beta", "step_size", "acceptance_rate",
    "loss_at_center", "gradient_norm_at_center", "train_accuracy", "test_accuracy", "test_loss", "train_reward",
    "test_reward", "update_sparsity_exact", "update_sparsity_tolerance", "update_sparsity_bfloat16", "prefix_matching",
)  # fmt: skip
"""Columns of numbers that the page can draw, where a run has them; the LLC always."""
TEXTS = ("run_id", "target_id", "outcome", "verdict_reason", "reason")
HEADINGS = {
    "run_id": "run",
    "llc": f"{' '.join(ESTIMATE_HEADING.split())} (nats)",
    "rhat": "R-hat",
    "ess_bulk": "ESS",
    "true_llc": "known",
    "num_gradients": "gradients",
    "outcome": "verdict",
}
"""Heads of the table's columns that are shorter than their labels."""
MAX_SPEC_CHARACTERS = 4_000_000


def numbers_of(runs: pl.DataFrame) -> list[str]:
    """The columns of numbers that the page can draw and that are no axes."""
    axes = leading_columns(runs)
    return [name for name in NUMBERS if name not in axes and (name == "llc" or runs[name].is_not_null().any())]


def rows_of(runs: pl.DataFrame) -> dict[str, Any]:
    """The columns of the runs with their names, and the specs, if they are not too long."""
    axes, numbers = leading_columns(runs), numbers_of(runs)
    curves = ["series_id"] if STEP in axes else []
    curves += [LABEL] if LABEL not in axes and runs[LABEL].n_unique() > 1 else []
    columns = {name: [plain(value) for value in runs[name]] for name in (*TEXTS, *curves, *axes, *numbers)}
    specs = runs["spec"].to_list()
    leading = [*([LABEL] if STEP in axes and LABEL in curves else []), *axes]
    diagnostics = [name for name in ("rhat", "ess_bulk", "true_llc", "num_gradients") if name in numbers]
    return {
        "columns": columns,
        "axes": axes,
        "seeds": list(SEEDS),
        "numbers": numbers,
        "leading": leading,
        "table": ["run_id", *leading, "llc", "outcome", *diagnostics],
        "headings": HEADINGS,
        "labels": {name: axis_label(name) for name in (*curves, *axes, *numbers)},
        "meanings": {name: RUNS.by_name[name].meaning for name in numbers},
        "numeric": [name for name in (*axes, *numbers) if is_number(name)],
        "orders": {name: values_of(runs, name) for name in (*curves, *axes) if not is_number(name)},
        "of_target": [name for name in numbers if name in OF_THE_TARGET],
        "specs": specs if sum(len(spec or "") for spec in specs) <= MAX_SPEC_CHARACTERS else [],
    }
