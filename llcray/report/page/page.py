"""`llcray report`: data, charting library, style and script in one HTML file."""

import html
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from llcray_storage import scan_runs
from llcray_storage.settings import Root

from llcray.report.errors import ReportError
from llcray.report.page import content
from llcray.report.page.running import running_curves
from llcray.report.panels import automatic, default_axes, one_at_a_time
from llcray.report.results_table import leading_columns
from llcray.report.sweep_plot import Drawing, draw, footnote
from llcray.report.trust import FAILED, trust
from llcray.report.varying import prepared, prevailing, target_axes

PARTS = files("llcray.report.page")
MAX_PICTURE_PANELS = 12


def write_report(root: Root, sweep: str | None, output: Path, question: str | None = None) -> Path:
    """Write the page of a sweep.

    Args:
        root: The dataset.
        sweep: Its name; None when the dataset holds one.
        output: The HTML file.
        question: What the sweep was to answer, for the heading.

    Raises:
        ReportError: There are no runs, several sweeps to choose from, or the file cannot be written.
        StorageError: There is no dataset.
    """
    runs = prepared(scan_runs(root, sweep)).with_columns(trust())
    name = _one_sweep(runs, sweep)
    runs = runs.sort(*leading_columns(runs), "run_id", nulls_last=True)
    page = _filled(name, question, _data(root, name, runs))
    draft = output.with_name(f".{output.name}.draft")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8")
        draft.replace(output)
    except OSError as error:
        raise ReportError(f"'{output}' cannot be written: {error.strerror}. Choose another file with -o.") from error
    return output


def _one_sweep(runs: pl.DataFrame, sweep: str | None) -> str:
    names = sorted(runs["sweep"].unique())
    if len(names) == 1:
        return names[0]
    if not names:
        where = f"sweep '{sweep}'" if sweep else "the dataset"
        raise ReportError(f"{where} has no runs yet. See `llcray status`.")
    raise ReportError(f"the dataset holds the sweeps {', '.join(names)}: choose one with --sweep.")


def _data(root: Root, sweep: str, runs: pl.DataFrame) -> dict[str, Any]:
    agreement = content.agreement(runs)
    curves, places = running_curves(root, sweep, runs)
    return {
        "sweep": sweep,
        "root": str(root),
        "summary": content.summary_sentence(runs, agreement["num_beyond"], len(agreement["z"])),
        "start": _start(runs),
        "runs": content.rows_of(runs),
        "looks": content.looks_of(runs),
        "verdicts": content.verdict_counts(runs),
        "costs": content.costs(runs),
        "agreement": agreement,
        "failures": content.failures(runs),
        "provenance": content.provenance(runs),
        "curves": curves,
        "places": places,
        **_picture(runs),
    }


def _start(runs: pl.DataFrame) -> dict[str, Any]:
    """What the explorer shows first: x, panels, and for axes varied one at a time, the others at their usual value."""
    estimated = runs.filter(pl.col("trust") != FAILED)
    runs = runs if estimated.is_empty() else estimated
    axes = target_axes(runs)
    x, facets = default_axes(runs)
    alone = one_at_a_time(runs, axes)
    facet = "" if alone or not facets else facets[0]
    return {"x": x, "facet": facet, "alone": alone, "usual": {name: prevailing(runs, name) for name in axes}}


def _picture(runs: pl.DataFrame) -> dict[str, str]:
    """The automatic sweep plot as an image, with what its marks mean."""
    if runs["llc"].is_finite().any():
        drawing = Drawing(automatic(runs), "llc", "sampler")
        if len(drawing.layout.panels) <= MAX_PICTURE_PANELS:
            return {"picture": content.picture(draw(drawing)), "picture_text": footnote(drawing)}
    return {"picture": "", "picture_text": ""}


def _filled(sweep: str, question: str | None, data: dict[str, Any]) -> str:
    """The template with everything inlined. `<` is escaped in the data, so that no text can end the script element."""
    library = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    fields = {
        "TITLE": html.escape(f"{sweep}: LLC report"),
        "SWEEP": html.escape(sweep),
        "QUESTION": html.escape(question or ""),
        "STYLE": _part("page.css"),
        "LIBRARY": library.replace("</script", "<\\/script"),
        "DATA": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "SCRIPT": _part("page.js"),
    }
    page = _part("page.html")
    for field, text in fields.items():
        page = page.replace("{{" + field + "}}", text, 1)
    return page


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
