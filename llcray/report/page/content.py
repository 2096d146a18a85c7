"""What the page says: the sweep's rows and sums as plain data, ready for JSON."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl
from llcray_storage.schema.tables import RUNS

from llcray.report.colors import VERDICTS
from llcray.report.columns import SAMPLER, is_number, label, spoken
from llcray.report.numbers import plus_minus
from llcray.report.page.agreement import MAX_Z, disagreements
from llcray.report.page.effects import Effect, effects
from llcray.report.page.training import along_training
from llcray.report.plots.scale import STEP, value_text
from llcray.report.plots.series import series_of
from llcray.report.results_table import leading_columns
from llcray.report.varying import values_of
from llcray.report.verdict_filter import FAILED, OF_THE_TARGET

NUMBERS = (
    "llc", "llc_mcse", "llc_se", "rhat", "ess_bulk", "ess_tail", "true_llc", "num_params", "num_data", "num_gradients",
    "sampling_seconds", "compile_seconds", "wnv_gradients", "wnv_seconds", "ess_per_gradient", "ess_per_second",
    "fde_to_se1", "time_to_se1", "dispersion", "localization", "n_beta", "step_size", "acceptance_rate",
    "loss_at_center", "gradient_norm_at_center", "train_accuracy", "test_accuracy", "test_loss", "train_reward",
    "test_reward", "update_sparsity_exact", "update_sparsity_tolerance", "update_sparsity_bfloat16", "prefix_matching",
)  # fmt: skip
TEXTS = ("run_id", "target_id", "trust", "verdict_reason", "reason")
PROVENANCE = (
    "llcray_version", "jax_version", "blackjax_version", "python_version", "device_kind", "device_platform",
    "precision", "host", "schema_version",
)  # fmt: skip
MAX_SPEC_CHARACTERS = 4_000_000
SIGNIFICANT_DIGITS = 6
MAX_POINTS = 3000
SYMBOLS = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross", "X": "x",
    "p": "pentagon", "<": "triangle-left", ">": "triangle-right", "h": "hexagon", "d": "diamond-tall", "*": "star",
}  # fmt: skip
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}


def rows_of(runs: pl.DataFrame) -> dict[str, Any]:
    """Columns of the runs: texts, axes, numbers that at least one run has; and the specs, if they are not too long."""
    axes = leading_columns(runs)
    numbers = [name for name in NUMBERS if name not in axes and runs[name].is_not_null().any()]
    curves = ("series_id", "label") if STEP in axes else ()
    texts = [*TEXTS, *(name for name in curves if name not in axes)]
    columns = {name: [_plain(value) for value in runs[name]] for name in (*texts, *axes, *numbers)}
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
        "of_target": [name for name in numbers if name in OF_THE_TARGET],
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
    """What each sampler cost, and what it got for it; last, what the targets cost, each counted once."""
    held = pl.coalesce(pl.col("device_seconds"), pl.sum_horizontal("sampling_seconds", "compile_seconds"))
    sums = [pl.col(name).sum() for name in ("num_gradients", "sampling_seconds", "compile_seconds")]
    medians = [pl.col(name).median() for name in ("fde_to_se1", "time_to_se1", "ess_per_gradient", "ess_per_second")]
    table = runs.group_by(SAMPLER).agg(pl.len().alias("runs"), held.sum().alias("device_seconds"), *sums, *medians)
    rows = [{name: _plain(value) for name, value in row.items()} for row in table.sort(SAMPLER).to_dicts()]
    built = runs.filter(pl.col("build_seconds").is_not_null())
    # The checkpoints of a training were built by one training, whose seconds stand beside each.
    targets = built.group_by(pl.coalesce("trajectory_id", "target_id")).agg(pl.col("build_seconds").max())
    if targets.height:
        words = f"{targets.height} target{'' if targets.height == 1 else 's'} or trainings, done once"
        rows.append({SAMPLER: words, "device_seconds": _plain(targets["build_seconds"].sum())})
    return rows


def agreement(runs: pl.DataFrame) -> dict[str, Any]:
    """z of every pair of samplers on a target, by pair; where there are many, all beyond the limit and some within."""
    pairs = disagreements(runs).with_columns(pair=pl.format("{} − {}", "sampler_a", "sampler_b"))
    beyond = pl.col("z").abs() > MAX_Z
    kept = pl.concat([pairs.filter(beyond), pairs.filter(~beyond).gather_every(1 + pairs.height // MAX_POINTS)])
    names = sorted(pairs["pair"].unique())
    places = {run_id: place for place, run_id in enumerate(runs["run_id"])}
    relative = (pl.col("llc_a") - pl.col("llc_b")) / pl.mean_horizontal("llc_a", "llc_b")
    table = pairs.group_by("pair").agg(
        pl.len().alias("comparisons"), relative.median().alias("relative"), beyond.sum().alias("beyond")
    )
    return {
        "pairs": names,
        "points": {
            "pair": [names.index(name) for name in kept["pair"]],
            "z": [_plain(value) for value in kept["z"]],
            "a": [places[run_id] for run_id in kept["run_a"]],
            "b": [places[run_id] for run_id in kept["run_b"]],
        },
        "table": [{name: _plain(value) for name, value in row.items()} for row in table.sort("pair").to_dicts()],
        "num_beyond": pairs.filter(beyond).height,
        "num": pairs.height,
    }


def training(runs: pl.DataFrame) -> dict[str, Any]:
    """What changed from the first checkpoints to the last; see `along_training`."""
    found = along_training(runs)
    rows = [{name: _plain(value) for name, value in row.items()} for row in found["rows"]]
    names = [*found["axes"], *found["sparsities"], *found["settings"], *filter(None, [found["success"]])]
    return found | {"rows": rows, "labels": {name: spoken(name) for name in names}}


def effect_sentences(runs: pl.DataFrame) -> list[str]:
    """What moves the LLC, in words."""
    return [_effect_sentence(one) for one in effects(runs)]


def _effect_sentence(effect: Effect) -> str:
    change = _signed(effect.difference, effect.error)
    share = "" if effect.relative is None else f", {_times(effect.relative)}"
    pairs = f"{effect.num_blocks} matched pair{'' if effect.num_blocks == 1 else 's'} of targets"
    return (
        f"{spoken(effect.axis)}, {value_text(effect.first)} to {value_text(effect.last)}: "
        f"LLC {change} nats{share} ({pairs})"
    )


def _times(relative: float) -> str:
    """`−14%`; above a doubling `×3.2`."""
    return f"×{1 + relative:.2g}" if relative > 1 else f"{relative:+.0%}".replace("-", "−")


def _signed(value: float, error: float | None) -> str:
    return ("" if value < 0 else "+") + plus_minus(value, error).replace("-", "−")


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


def summary_sentence(runs: pl.DataFrame, num_beyond: int, num_pairs: int) -> str:
    """The state of the sweep in a few words."""
    counts = Counter(runs["trust"])
    doubts = [f"{counts[name]} {name.replace('_', ' ')}" for name in VERDICTS[1:] if counts[name]]
    words = [f"{counts['ok']} of {runs.height} runs can be trusted"]
    words.append(", ".join([*doubts, f"{counts[FAILED]} failed" if counts[FAILED] else "none failed"]))
    sentence = "; ".join(words) + "."
    if num_pairs:
        sentence += f" Samplers differ by more than {MAX_Z:g} standard errors in {num_beyond} of {num_pairs} pairs."
    return sentence


def _plain(value: Any) -> Any:
    """A value for JSON: numbers to six digits, no NaN."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
