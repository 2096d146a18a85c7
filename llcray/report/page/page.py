"""`llcray report`: data, charting library, style and script in one HTML file."""

import html
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from llcray_storage import SweepFile, scan_runs, sweep_files
from llcray_storage.store.settings import Root

from llcray.report.errors import ReportError
from llcray.report.page import content
from llcray.report.page.chains import chains_of
from llcray.report.page.linked import linked_diagnostics
from llcray.report.plots.panels import default_axes, default_color, one_at_a_time
from llcray.report.plots.scale import STEP
from llcray.report.plots.stage_bands import stages_of
from llcray.report.results_table import leading_columns
from llcray.report.varying import prepared, prevailing, target_axes
from llcray.report.verdict_filter import FAILED, trust

PARTS = files("llcray.report.page")
SCRIPTS = ("values", "plots", "explorer", "verdicts", "table", "detail", "start")


def write_report(root: Root, sweep: str | None, output: Path, question: str | None = None) -> Path:
    """Write the page of a sweep.

    Args:
        root: The dataset.
        sweep: Its name; None when the dataset holds one.
        output: The HTML file.
        question: What the sweep was to answer, for the heading; None for what its file says.

    Raises:
        ReportError: There are no runs, several sweeps to choose from, or the file cannot be written.
        StorageError: There is no dataset.
    """
    runs = prepared(scan_runs(root, sweep)).with_columns(trust())
    name = _one_sweep(runs, sweep)
    runs = runs.sort(*leading_columns(runs), "run_id", nulls_last=True)
    asked = sweep_files(root, name)
    if question is None:
        question = asked[-1].question if asked else ""
    page = _filled(name, question, _data(root, name, runs, output) | {"asked": _asked(asked)})
    draft = output.with_name(f".{output.name}.draft")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8")
        draft.replace(output)
    except OSError as error:
        raise ReportError(f"'{output}' cannot be written: {error.strerror}. Choose another file with -o.") from error
    return output


def _asked(files: list[SweepFile]) -> list[dict[str, str]]:
    """The files that the sweep was asked with, newest first."""
    return [
        {
            "when": file.written_at,
            "overrides": " ".join(f"--set {one}" for one in file.overrides),
            "source": file.source,
        }
        for file in reversed(files)
    ]


def _one_sweep(runs: pl.DataFrame, sweep: str | None) -> str:
    names = sorted(runs["sweep"].unique())
    if len(names) == 1:
        return names[0]
    if not names:
        where = f"sweep '{sweep}'" if sweep else "the dataset"
        raise ReportError(f"{where} has no runs yet. See `llcray status`.")
    raise ReportError(f"the dataset holds the sweeps {', '.join(names)}: choose one with --sweep.")


def _data(root: Root, sweep: str, runs: pl.DataFrame, output: Path) -> dict[str, Any]:
    agreement = content.agreement(runs)
    return {
        "sweep": sweep,
        "root": str(root),
        "summary": content.summary_sentence(runs, agreement["num_beyond"], agreement["num"]),
        "effects": content.effect_sentences(runs),
        "training": content.training(runs),
        "start": _start(runs),
        "runs": content.rows_of(runs),
        "looks": content.looks_of(runs),
        "verdicts": content.verdict_counts(runs),
        "costs": content.costs(runs),
        "agreement": agreement,
        "failures": content.failures(runs),
        "provenance": content.provenance(runs),
        "stages": _stages(root, sweep, runs),
        "chains": chains_of(root, sweep, runs),
        "diagnostics": linked_diagnostics(root, sweep, runs, output),
    }


def _start(runs: pl.DataFrame) -> dict[str, Any]:
    """What the page shows first: x ("" for one panel an axis), panels, and the usual value of each axis."""
    estimated = runs.filter(pl.col("trust") != FAILED)
    runs = runs if estimated.is_empty() else estimated
    axes = target_axes(runs)
    x, facets = default_axes(runs)
    alone = STEP not in axes and one_at_a_time(runs, axes)
    return {
        "x": "" if alone else x,
        "facets": [] if alone else facets,
        "color": default_color(runs, x) or "",
        "alone": alone,
        "axes": axes,
        "usual": {name: prevailing(runs, name) for name in axes},
    }


def _stages(root: Root, sweep: str, runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Stages of the LLC along training."""
    if runs[STEP].n_unique() < 2:
        return []
    names = ("series_id", "stage", "num_stages", "start_step", "end_step", "end_step_low", "end_step_high", "direction")
    return stages_of(root, sweep, "llc").select(names).to_dicts()


def _filled(sweep: str, question: str | None, data: dict[str, Any]) -> str:
    """The template with everything inlined. `<` is escaped in the data, so that no text can end the script element."""
    library = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    fields = {
        "TITLE": html.escape(f"{sweep}: LLC report"),
        "SWEEP": html.escape(sweep),
        "QUESTION": html.escape(question or sweep),
        "STYLE": _part("page.css"),
        "LIBRARY": library.replace("</script", "<\\/script"),
        "DATA": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "SCRIPT": _script(),
    }
    page = _part("page.html")
    for field, text in fields.items():
        page = page.replace("{{" + field + "}}", text, 1)
    return page


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _script() -> str:
    """The page's own script: its parts share one scope."""
    return '"use strict";\n(() => {\n' + "\n".join(_part(f"{name}.js") for name in SCRIPTS) + "\n})();"
