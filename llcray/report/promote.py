"""`llcray promote`: the newest plots of each sampler in a folder, under fixed names, with Markdown that shows them."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from llcray_storage import scan_runs
from llcray_storage.estimate_words import estimate_of
from llcray_storage.schema.status import DONE
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.settings import Root

from llcray.report.columns import label_of
from llcray.report.diagnostics.diagnose import diagnose, sampler_word
from llcray.report.errors import ReportError
from llcray.report.plots.plot import default_plot
from llcray.report.verdict_filter import OK

SHOWN = ("running_llc", "trace", "rank", "dispersion")
GALLERY = "gallery.md"


def promote(root: Root, folder: Path, sweep: str | None = None, plots: Sequence[str] = SHOWN) -> list[Path]:
    """Copy the sweep plots, and draw the newest trusted run of each sampler, or the newest where none is trusted.

    Args:
        root: The dataset.
        folder: Where to; files of the same names are replaced.
        sweep: Only this sweep.
        plots: Names of diagnostics.

    Returns:
        The files; last `gallery.md`, the snippet for a README.

    Raises:
        ReportError: There is no estimate, a plot is unknown, or the folder cannot be written.
        StorageError: There is no dataset.
    """
    rows = newest(root, sweep)
    lines, files = [], []
    for name in sorted(rows["sweep"].unique()):
        drawn = default_plot(root, name)
        if drawn is not None:
            files.append(_copied(drawn, folder / f"{sweep_partition(name).sweep}.png"))
            lines += [f"![LLC of the sweep {name}]({name}.png)", ""]
    drawn_of = {row["run_id"]: diagnose(root, row["run_id"], plots, folder=folder) for row in rows.to_dicts()}
    lines += _table(rows, drawn_of)
    files += [path for pictures in drawn_of.values() for path in pictures]
    gallery = folder / GALLERY
    gallery.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return [*files, gallery]


def newest(root: Root, sweep: str | None) -> pl.DataFrame:
    """The newest run of each sampler, trusted ones before others."""
    rows = scan_runs(root, sweep).filter(pl.col("status") == DONE, pl.col("draws_digest").is_not_null()).collect()
    if rows.is_empty():
        raise ReportError("no run has draws to show yet. See `llcray status`.")
    trusted_first = (pl.col("verdict") == OK).fill_null(False)
    ordered = rows.sort(trusted_first, "finished_at", "run_id", descending=[True, True, False], nulls_last=True)
    return ordered.unique("sampler_kind", keep="first", maintain_order=True).sort("sampler_kind")


def _copied(source: Path, target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise ReportError(f"'{target}' cannot be written: {error.strerror}. Choose another folder.") from error
    return target


def _table(rows: pl.DataFrame, drawn: dict[str, list[Path]]) -> list[str]:
    """Samplers down, plots across; a plot that a sampler has no draws for is a dash."""
    titles = list(dict.fromkeys(_title(row, path) for row in rows.to_dicts() for path in drawn[row["run_id"]]))
    lines = ["| | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for row in rows.to_dicts():
        pictures = {_title(row, path): path.name for path in drawn[row["run_id"]]}
        cells = [_picture(row, title, pictures[title]) if title in pictures else "–" for title in titles]
        lines.append(f"| {_caption(row)} | " + " | ".join(cells) + " |")
    return lines


def _picture(row: dict[str, Any], title: str, name: str) -> str:
    return f"![{sampler_word(row)}: {title}]({name})"


def _caption(row: dict[str, Any]) -> str:
    run = f"run `{row['run_id']}` of `{row['sweep']}`"
    return f"**{sampler_word(row)}**<br>{run}<br>LLC {estimate_of(row)}: {row['verdict']}"


def _title(row: dict[str, Any], path: Path) -> str:
    return label_of(path.stem.removeprefix(f"{sampler_word(row)}_"))
