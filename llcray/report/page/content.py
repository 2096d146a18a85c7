"""What the page says: the sweep's rows and sums as plain data, ready for JSON."""

import base64
import io
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl
from llcray_storage.schema import RUNS
from matplotlib.figure import Figure

from llcray.report.colors import VERDICTS
from llcray.report.columns import SAMPLER, is_number, label, spoken
from llcray.report.page.agreement import MAX_Z, disagreements
from llcray.report.results_table import leading_columns
from llcray.report.series import series_of
from llcray.report.trust import FAILED
from llcray.report.varying import values_of

NUMBERS = (
    "llc", "llc_mcse", "rhat", "ess_bulk", "ess_tail", "true_llc", "num_params", "num_data", "num_gradients",
    "sampling_seconds", "compile_seconds", "wnv_gradients", "wnv_seconds", "ess_per_gradient", "ess_per_second",
    "fde_to_se1", "time_to_se1", "dispersion", "localization", "n_beta", "step_size", "acceptance_rate",
    "loss_at_center", "gradient_norm_at_center", "train_accuracy", "test_accuracy", "test_loss",
)  # fmt: skip
TEXTS = ("run_id", "target_id", "trust", "verdict_reason", "reason")
PROVENANCE = (
    "llcray_version", "jax_version", "blackjax_version", "python_version", "device_kind", "device_platform",
    "precision", "host", "schema_version",
)  # fmt: skip
MAX_SPEC_CHARACTERS = 4_000_000
SIGNIFICANT_DIGITS = 6
MAX_PAIRS = 60
SYMBOLS = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross", "X": "x",
    "p": "pentagon", "<": "triangle-left", ">": "triangle-right", "h": "hexagon", "d": "diamond-tall", "*": "star",
}  # fmt: skip
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}


def rows_of(runs: pl.DataFrame) -> dict[str, Any]:
    """Columns of the runs: texts, axes, numbers that at least one run has; and the specs, if they are not too long."""
    axes = leading_columns(runs)
    numbers = [name for name in NUMBERS if name not in axes and runs[name].is_not_null().any()]
    columns = {name: [_plain(value) for value in runs[name]] for name in (*TEXTS, *axes, *numbers)}
    specs = runs["spec"].to_list()
    if sum(len(spec or "") for spec in specs) > MAX_SPEC_CHARACTERS:
        specs = []
    return {
        "axes": axes,
        "numbers": numbers,
        "columns": columns,
        "orders": {name: values_of(runs, name) for name in axes if not is_number(name)},
        "labels": {name: label(name) for name in (*axes, *numbers)},
        "numeric": [name for name in (*axes, *numbers) if is_number(name)],
        "meanings": {name: RUNS.by_name[name].meaning for name in numbers},
        "specs": specs,
    }


def looks_of(runs: pl.DataFrame) -> dict[str, dict[str, str]]:
    """How each sampler is drawn, in Plotly's words."""
    looks = {str(one.value): one.look for one in series_of(runs.filter(pl.col(SAMPLER).is_not_null()), SAMPLER)}
    return {
        name: {"color": look.color, "symbol": SYMBOLS[look.marker], "dash": DASHES[look.line]}
        for name, look in looks.items()
    }


def verdict_counts(runs: pl.DataFrame) -> dict[str, dict[str, int]]:
    """How many runs of each sampler have each verdict."""
    counts = {name: dict(Counter(group["trust"])) for (name,), group in runs.group_by(SAMPLER, maintain_order=True)}
    return {
        str(name): {verdict: counts[name][verdict] for verdict in (*VERDICTS, FAILED) if verdict in counts[name]}
        for name in sorted(counts, key=str)
    }


def costs(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """What each sampler cost, and what it got for it."""
    sums = [pl.col(name).sum() for name in ("num_gradients", "sampling_seconds", "compile_seconds", "device_seconds")]
    medians = [pl.col(name).median() for name in ("fde_to_se1", "time_to_se1", "ess_per_gradient", "ess_per_second")]
    table = runs.group_by(SAMPLER).agg(pl.len().alias("runs"), *sums, *medians).sort(SAMPLER)
    return [{name: _plain(value) for name, value in row.items()} for row in table.to_dicts()]


def agreement(runs: pl.DataFrame) -> dict[str, Any]:
    """z of every pair of samplers on a target; the pairs beyond three standard errors in full."""
    pairs = disagreements(runs)
    beyond = pairs.filter(pl.col("z").abs() > MAX_Z)
    return {
        "z": [_plain(value) for value in pairs["z"]],
        "names": [f"{a} − {b}" for a, b in pairs.select("sampler_a", "sampler_b").rows()],
        "num_beyond": beyond.height,
        "beyond": [{name: _plain(value) for name, value in row.items()} for row in beyond.head(MAX_PAIRS).to_dicts()],
    }


def failures(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Reasons of failed runs, commonest first, each with its runs."""
    failed = runs.filter(pl.col("trust") == FAILED).sort("run_id")
    groups = failed.group_by(pl.col("reason").fill_null("no reason was recorded")).agg("run_id")
    return groups.sort(pl.col("run_id").list.len(), "reason", descending=[True, False]).to_dicts()


def provenance(runs: pl.DataFrame) -> dict[str, str]:
    """Versions, devices, hosts and times: every value that occurs."""
    found = {spoken(name): ", ".join(str(v) for v in sorted(runs[name].unique().drop_nulls())) for name in PROVENANCE}
    first, last = runs["started_at"].min(), runs["finished_at"].max()
    if first is not None and last is not None:
        found["computed"] = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    return {name: text for name, text in found.items() if text}


def picture(figure: Figure) -> str:
    """A figure as an inline image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def summary_sentence(runs: pl.DataFrame, num_beyond: int, num_pairs: int) -> str:
    """The state of the sweep in a few words."""
    counts = Counter(runs["trust"])
    doubtful = runs.height - counts["ok"] - counts[FAILED]
    words = [f"{counts['ok']} of {runs.height} runs can be trusted, {doubtful} are doubtful, {counts[FAILED]} failed."]
    if num_pairs:
        words.append(
            f"Samplers differ by more than {MAX_Z:g} standard errors in {num_beyond} of {num_pairs} comparisons."
        )
    return " ".join(words)


def _plain(value: Any) -> Any:
    """A value for JSON: numbers to six digits, no NaN."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
