"""Columns of `runs` as people write and read them: short names are resolved, labels get their units."""

import difflib

import polars as pl
from llcray_storage.schema.tables import RUNS

from llcray.report.errors import ReportError

SECTIONS = (
    "target",
    "architecture",
    "data",
    "noise",
    "likelihood",
    "training",
    "inverse_temperature",
    "localization",
    "sampler",
    "sampling",
    "teacher",
)
SAMPLER = "sampler"
"""A column that is added to runs: the kind of the sampler with its preconditioner."""

LABELS = {
    "llc": "LLC",
    "llc_mcse": "Monte Carlo error of the LLC",
    "llc_sampling_se": "sampling error of the LLC",
    "localization_se": "what localization could move",
    "llc_se": "both errors of the LLC",
    "true_llc": "known LLC",
    "rhat": "split R-hat",
    "ess_bulk": "bulk ESS",
    "ess_tail": "tail ESS",
    "num_params": "parameters d",
    "architecture_num_params": "parameters asked for",
    "architecture_depth": "hidden layers",
    "architecture_widths": "hidden widths",
    "architecture_kind": "architecture",
    "noise_rate": "share of labels flipped",
    "data_kind": "input distribution",
    "num_sampled_params": "sampled parameters",
    "num_data": "examples n",
    "n_beta": "n·beta",
    "test_reward": "held-out reward",
    "test_accuracy": "held-out accuracy",
    "update_sparsity_exact": "unchanged to the bit",
    "update_sparsity_tolerance": "within 1e-5",
    "update_sparsity_bfloat16": "equal in bfloat16",
    "inverse_temperature": "inverse temperature beta",
    "localization": "localization gamma",
    "num_gradients": "work",
    "wnv_seconds": "WNV",
    "wnv_gradients": "WNV",
    "ess_per_gradient": "ESS per gradient",
    "ess_per_second": "ESS per second",
    "fde_to_se1": "work to a standard error of 1 nat",
    "time_to_se1": "time to a standard error of 1 nat",
    "loss_at_center": "L(w*)",
    "step": "training step",
    "sampling_seconds": "sampling time",
    "compile_seconds": "compilation time",
    "build_seconds": "time to build the target",
}
SHORT_UNITS = {
    "full-data-equivalent gradients": "full-data gradients",
    "nats^2 seconds": "nats² s",
    "nats^2 FDE": "nats² gradients",
    "draws/FDE": "draws per full-data gradient",
    "nats per example": "nats",
    "1/parameter^2": "1/parameter²",
}
UNITS_SAID_BY_THE_NAME = frozenset({"parameters", "examples", "training steps", "layers", "units", "fraction"})


def resolve(name: str) -> str:
    """The column that a user means by a name.

    A name may leave out its section (`activation` is `architecture_activation`: the network's, before a teacher's or an
    analytic target's), or be a section, which stands for its kind (`noise` is `noise_kind`).

    Raises:
        ReportError: No column, or more than one, is meant.
    """
    if name == SAMPLER or name in RUNS.by_name:
        return name
    if f"{name}_kind" in RUNS.by_name:
        return f"{name}_kind"
    meant = [f"{section}_{name}" for section in SECTIONS if f"{section}_{name}" in RUNS.by_name]
    if f"architecture_{name}" in meant:
        meant = [column for column in meant if not column.startswith(("teacher_", "target_"))]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ReportError(f"column '{name}' could be {' or '.join(meant)}: write the whole name.")
    near = difflib.get_close_matches(name, [*RUNS.by_name, *_short_names()], n=1)
    hint = f"did you mean '{near[0]}'?" if near else "`storage/README.md` lists all columns."
    raise ReportError(f"there is no column '{name}': {hint}")


def axis_label(column: str) -> str:
    """The name of a column in words with its unit, for an axis."""
    if column == SAMPLER:
        return "sampler"
    unit = RUNS.by_name[column].unit
    unit = "" if unit in UNITS_SAID_BY_THE_NAME else SHORT_UNITS.get(unit, unit)
    return f"{label_of(column)} ({unit})" if unit else label_of(column)


def label_of(column: str) -> str:
    """The name of a column in words, without its unit."""
    if column in LABELS:
        return LABELS[column]
    words = column.removesuffix("_kind").removeprefix("architecture_")
    return words.replace("num_", "number of ").replace("_", " ")


def heading(column: str) -> str:
    """A short name for the head of a table: the column without its section, or for a kind the section alone."""
    section, _, rest = column.partition("_")
    if section not in SECTIONS or not rest:
        return column
    return section if rest == "kind" else rest


def is_list(column: str) -> bool:
    """Whether the values of a column are lists, such as the widths of a network."""
    return column in RUNS.by_name and isinstance(RUNS.polars[column], pl.List)


def is_number(column: str) -> bool:
    """Whether the values of a column are numbers."""
    return column in RUNS.by_name and RUNS.polars[column].is_numeric()


def sampler_label() -> pl.Expr:
    """The column `sampler`: `sgld`, or `sgld (rmsprop)` with a preconditioner."""
    preconditioner = pl.col("sampler_preconditioner")
    plain = preconditioner.is_null() | (preconditioner == "none")
    return (
        pl.when(plain)
        .then(pl.col("sampler_kind"))
        .otherwise(pl.format("{} ({})", "sampler_kind", "sampler_preconditioner"))
        .alias(SAMPLER)
    )


def _short_names() -> list[str]:
    return [column.partition("_")[2] for column in RUNS.by_name if column.partition("_")[0] in SECTIONS]
