"""The table of `llcray subnetwork`. Precision, learning rate and steps stand beside every number: they decide it."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from llcray.array_types import Row
from llcray.subnetwork.changes import LARGEST_RANK_SIZE, changes
from llcray.subnetwork.overlap import Overlap, overlap
from llcray.subnetwork.summary import By, GroupChange, summarize
from llcray.targets.checkpoint.tensors import Checkpoint, open_checkpoint


@dataclass(frozen=True)
class Comparison:
    """A comparison of checkpoints as a user asked for it.

    Attributes:
        checkpoints: The checkpoint before fine-tuning, then those after it.
        other: A second run from the same start, for the overlap.
        by: Groups into which tensors are pooled.
        compare_dtype: Type of the comparison; None takes the narrower of the stored types.
        tolerance: Largest |delta| that counts as unchanged.
        relative_tolerance: Largest |delta| that counts as unchanged, as a share of the entry.
        ranks: Whether ranks of updates are computed.
        learning_rate: Learning rate of the fine-tuning; None takes the one that the trainer noted.
        steps: Number of steps of the fine-tuning; None takes the number that the trainer noted.
    """

    checkpoints: tuple[Path, ...]
    other: Path | None
    by: By
    compare_dtype: str | None
    tolerance: float
    relative_tolerance: float
    ranks: bool
    learning_rate: float | None
    steps: int | None

    def rows(self) -> Iterator[Row]:
        """The rows of the table, one for each later checkpoint and group."""
        before, *later = (open_checkpoint(path) for path in self.checkpoints)
        for after in later:
            changes_of_tensors = changes(
                before,
                after,
                compare_dtype=self.compare_dtype,
                tolerance=self.tolerance,
                relative_tolerance=self.relative_tolerance,
                largest_rank_size=LARGEST_RANK_SIZE if self.ranks else 0,
            )
            for group in summarize(changes_of_tensors, self.by):
                yield self._row(after, group)

    def overlap(self) -> Overlap | None:
        """The overlap of the updates of the last checkpoint and of `other`; None without `other`."""
        if self.other is None:
            return None
        ends = (open_checkpoint(path) for path in (self.checkpoints[0], self.checkpoints[-1], self.other))
        return overlap(*ends, compare_dtype=self.compare_dtype)

    def _row(self, after: Checkpoint, group: GroupChange) -> Row:
        return {
            "checkpoint": after.path.name,
            "group": group.group,
            "num_params": group.num_params,
            "sparsity_exact": group.sparsity_exact,
            "sparsity_tolerance": group.sparsity_tolerance,
            "sparsity_relative": group.sparsity_relative,
            "sparsity_tensor_mean": group.sparsity_tensor_mean,
            "rank_fraction": group.rank_fraction,
            "storage_dtype": ", ".join(group.storage_dtypes),
            "compare_dtype": ", ".join(group.compare_dtypes),
            "learning_rate": after.learning_rate if self.learning_rate is None else self.learning_rate,
            "steps": after.steps if self.steps is None else self.steps,
        }


def print_comparison(comparison: Comparison, form: str | None, output: Path | None, console: Console) -> None:
    """Prints a table, or writes CSV or JSON lines."""
    rows = list(comparison.rows())
    if form is not None or output is not None:
        text = _json(rows) if form == "json" else _csv(rows)
        output.write_text(text, encoding="utf-8") if output is not None else sys.stdout.write(text)
        return
    console.print(_table(rows, comparison))
    if (shared := comparison.overlap()) is not None:
        console.print(
            f"updated by both: {shared.num_both:,} entries; o1 {shared.of_first:.3f} (chance "
            f"{shared.chance_of_first:.3f}), o2 {shared.of_second:.3f} (chance {shared.chance_of_second:.3f}), "
            f"Jaccard {shared.jaccard:.3f}"
        )


def _table(rows: Sequence[Row], comparison: Comparison) -> Table:
    first = comparison.checkpoints[0].name
    caption = (
        f"unchanged since {first}: exactly; by at most {comparison.tolerance:g}; by at most "
        f"{comparison.relative_tolerance:g} of the entry. Precision decides these numbers: "
        "compare rows of one type, learning rate and number of steps."
    )
    table = Table(title="Unchanged share of the parameters", caption=caption)
    many = len(comparison.checkpoints) > 2
    for heading in [*(["checkpoint"] if many else []), comparison.by if comparison.by != "all" else "group"]:
        table.add_column(heading)
    numbers = ("parameters", "exact", f"<= {comparison.tolerance:g}", "relative", "rank of update")
    for heading in (*numbers, "stored", "compared", "lr", "steps"):
        table.add_column(heading, justify="right")
    for row in rows:
        shares = [f"{row[name]:.4f}" for name in ("sparsity_exact", "sparsity_tolerance", "sparsity_relative")]
        rank = "-" if row["rank_fraction"] is None else f"{row['rank_fraction']:.3f}"
        rate = "unknown" if row["learning_rate"] is None else f"{row['learning_rate']:g}"
        steps = "unknown" if row["steps"] is None else f"{row['steps']:,}"
        names = [row["checkpoint"], row["group"]] if many else [row["group"]]
        facts = [row["storage_dtype"], row["compare_dtype"], rate, steps]
        table.add_row(*names, f"{row['num_params']:,}", *shares, rank, *facts)
    return table


def _json(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
