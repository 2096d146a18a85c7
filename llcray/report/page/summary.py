"""The sums and sentences of the page: verdicts, costs, failures, provenance, and the state of the sweep in a line."""

from collections import Counter
from typing import Any

import polars as pl

from llcray.report.columns import SAMPLER, label_of
from llcray.report.numbers import plural
from llcray.report.page.agreement import MAX_Z
from llcray.report.page.plain import plain, plain_row
from llcray.report.verdict_filter import FAILED, OK, OUTCOMES, outcome_text

PROVENANCE = (
    "llcray_version", "jax_version", "blackjax_version", "python_version", "device_kind", "device_platform",
    "precision", "host", "schema_version",
)  # fmt: skip
SECONDS_PER_HOUR = 3600


def summary_sentence(runs: pl.DataFrame, num_beyond: int, num_pairs: int) -> str:
    """The state of the sweep in a few words.

    Args:
        runs: Runs of one sweep with the column `outcome`.
        num_beyond: Comparisons of two samplers beyond the limit.
        num_pairs: Comparisons of two samplers.
    """
    counts = Counter(runs["outcome"])
    doubts = [f"{counts[name]} {outcome_text(name)}" for name in OUTCOMES if name not in (OK, FAILED) and counts[name]]
    words = [f"{counts[OK]} of {plural(runs.height, 'run')} can be trusted"]
    words.append(", ".join([*doubts, f"{counts[FAILED]} failed" if counts[FAILED] else "none failed"]))
    sentence = "; ".join(words) + "."
    if num_pairs:
        sentence += f" Samplers differ by more than {MAX_Z:g} standard errors in {num_beyond} of {num_pairs} pairs."
    return sentence


def tiles(runs: pl.DataFrame, total: dict[str, float]) -> list[dict[str, Any]]:
    """The numbers in large print: each with its words, and the verdict that shows its runs (None for no runs to show).

    Args:
        runs: Runs of one sweep with the column `outcome`.
        total: The `total_costs`.
    """
    counts = Counter(runs["outcome"])
    num_doubtful = runs.height - counts[OK] - counts[FAILED]
    hours = float(f"{total['device_seconds'] / SECONDS_PER_HOUR:.2g}")
    return [
        {"number": runs.height, "text": "run" if runs.height == 1 else "runs", "verdict": ""},
        {"number": counts[OK], "text": "trusted", "verdict": OK},
        {"number": num_doubtful, "text": "doubtful", "verdict": "doubtful" if num_doubtful else None},
        {"number": counts[FAILED], "text": "failed", "verdict": FAILED if counts[FAILED] else None},
        {"number": hours, "text": "device-hours", "verdict": None},
        {"number": round(total["num_gradients"]), "text": "full-data gradients", "verdict": None},
    ]


def verdict_counts(runs: pl.DataFrame) -> dict[str, dict[str, int]]:
    """The number of runs of each sampler with each verdict."""
    counts = {name: Counter(group["outcome"]) for (name,), group in runs.group_by(SAMPLER, maintain_order=True)}
    return {
        str(name): {verdict: counts[name][verdict] for verdict in OUTCOMES if verdict in counts[name]}
        for name in sorted(counts, key=str)
    }


def costs(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """The cost of each sampler and what it yielded; last, the cost of the targets, each counted once."""
    held = pl.coalesce(pl.col("device_seconds"), pl.sum_horizontal("sampling_seconds", "compile_seconds"))
    sums = [pl.col(name).sum() for name in ("num_gradients", "sampling_seconds", "compile_seconds")]
    medians = [pl.col(name).median() for name in ("fde_to_se1", "time_to_se1", "ess_per_gradient", "ess_per_second")]
    table = runs.group_by(SAMPLER).agg(pl.len().alias("runs"), held.sum().alias("device_seconds"), *sums, *medians)
    rows = [plain_row(row) for row in table.sort(SAMPLER).to_dicts()]
    built = runs.filter(pl.col("build_seconds").is_not_null())
    # The checkpoints of a training were built by one training, whose seconds stand beside each.
    targets = built.group_by(pl.coalesce("trajectory_id", "target_id")).agg(pl.col("build_seconds").max())
    if targets.height:
        words = f"{targets.height} target{'' if targets.height == 1 else 's'} or trainings, done once"
        rows.append({SAMPLER: words, "device_seconds": plain(targets["build_seconds"].sum())})
    return rows


def total_costs(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The sums over rows of `costs`."""
    names = ("runs", "device_seconds", "num_gradients", "sampling_seconds", "compile_seconds")
    return {name: sum(row.get(name) or 0 for row in rows) for name in names}


def failures(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Reasons of failed runs, commonest first, each with its runs."""
    failed = runs.filter(pl.col("outcome") == FAILED).sort("run_id")
    groups = failed.group_by(pl.col("reason").fill_null("no reason was recorded")).agg("run_id")
    return groups.sort(pl.col("run_id").list.len(), "reason", descending=[True, False]).to_dicts()


def provenance(runs: pl.DataFrame) -> dict[str, str]:
    """Versions, devices, hosts and times: every value that occurs."""
    texts = {label_of(name): ", ".join(map(str, sorted(runs[name].unique().drop_nulls()))) for name in PROVENANCE}
    first, last = runs["started_at"].min(), runs["finished_at"].max()
    if first is not None and last is not None:
        texts["computed"] = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    return {name: text for name, text in texts.items() if text}
