"""`llcray report`: one HTML file with data, charting library, style and script."""

import html
import json
import os
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from llcray_storage import SweepFile, scan_runs, sweep_files
from llcray_storage.estimate_words import level_note, setting_text
from llcray_storage.schema.glossary import TERMS
from llcray_storage.store.layout import ID
from llcray_storage.store.settings import Root

from llcray.report.errors import ReportError
from llcray.report.page import summary
from llcray.report.page.agreement import agreement
from llcray.report.page.axes import placed_stages, x_axes, y_axes
from llcray.report.page.chains import chains_of
from llcray.report.page.effects import effects
from llcray.report.page.looks import chain_looks, series_looks, single_look, stage_shades, verdicts
from llcray.report.page.runs import numbers_of, rows_of
from llcray.report.page.training import training_section
from llcray.report.page.views import choices_of, views_of
from llcray.report.plots.figures import FORMATS
from llcray.report.plots.plot import plots_folder
from llcray.report.plots.scale import STEP
from llcray.report.plots.stage_bands import stages_of
from llcray.report.results_table import leading_columns
from llcray.report.varying import prepared
from llcray.report.verdict_filter import estimated, outcome

PARTS = files("llcray.report.page")
SCRIPTS = (
    "data", "format", "elements", "theme", "detail", "filter", "table", "matches", "panels", "traces", "explorer",
    "verdicts", "agreement", "controls", "sections", "live", "start",
)  # fmt: skip
"""The modules of the page's script, each after those that it imports."""
IMPORT = re.compile(r"^import \{[^}]*\} from \"\./\w+\.js\";\n", re.MULTILINE)
FIELD = re.compile(r"\{\{([A-Z]+)\}\}")
EXPORT = re.compile(r"^export (?=const |let |function )", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """Where a page is read.

    Attributes:
        folder: The folder that the file lies in, from which pictures are linked; None for a page that is served.
        version: State of the dataset that a page which is served shows; empty for a file, which stays as it is.
    """

    folder: Path | None = None
    version: str = ""


def write_report(root: Root, sweep: str | None, output: Path, question: str | None = None) -> Path:
    """Write the page of a sweep, whole or not at all.

    Args:
        root: The dataset.
        sweep: Its name; None when the dataset holds one.
        output: The HTML file.
        question: What the sweep was to answer, for the heading; None for what its file says.

    Raises:
        ReportError: There are no runs, several sweeps to choose from, or the file cannot be written.
        StorageError: There is no dataset.
    """
    page = page_text(root, sweep, question, Place(output.absolute().parent))
    draft = output.with_name(f".{output.name}.draft")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8")
        draft.replace(output)
    except OSError as error:
        raise ReportError(f"'{output}' cannot be written: {error.strerror}. Choose another file with -o.") from error
    return output


def page_text(root: Root, sweep: str | None, question: str | None, place: Place) -> str:
    """The page of a sweep as HTML.

    Args:
        root: The dataset.
        sweep: Its name; None when the dataset holds one.
        question: What the sweep was to answer, for the heading; None for what its file says.
        place: Where the page is read.

    Raises:
        ReportError: There are no runs, or several sweeps to choose from.
        StorageError: There is no dataset.
    """
    runs = prepared(scan_runs(root, sweep)).with_columns(outcome())
    name = _one_sweep(runs, sweep)
    runs = runs.sort(*leading_columns(runs), "run_id", nulls_last=True)
    sweep_yamls = sweep_files(root, name)
    if question is None:
        question = sweep_yamls[-1].question if sweep_yamls else ""
    data = _data(root, name, runs) | {"asked": _asked(sweep_yamls), "version": place.version}
    data["diagnostics"] = _linked_diagnostics(root, name, runs, place.folder)
    return _filled(name, question, data)


def _asked(files: list[SweepFile]) -> list[dict[str, str]]:
    """The YAML files that the sweep was run with, newest first."""
    return [
        {
            "when": file.written_at,
            "overrides": " ".join(f"--set {override}" for override in file.overrides),
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


def _data(root: Root, sweep: str, runs: pl.DataFrame) -> dict[str, Any]:
    """Everything that the page's script is given."""
    drawn = estimated(runs)
    axes, numbers = leading_columns(runs), numbers_of(runs)
    agreements = agreement(runs)
    cost_rows = summary.costs(runs)
    total = summary.total_costs(cost_rows)
    choices = choices_of(drawn, axes)
    return {
        "sweep": sweep,
        "root": str(root),
        "level": level_note(*(drawn[name] for name in ("localization", "n_beta", "localization_se"))),
        "setting": setting_text(drawn["localization"], drawn["n_beta"]),
        "summary": summary.summary_sentence(runs, agreements["num_beyond"], agreements["num"]),
        "tiles": summary.tiles(runs, total),
        "effects": [effect.sentence() for effect in effects(runs)],
        "training": training_section(runs),
        "runs": rows_of(runs),
        "views": views_of(drawn, numbers),
        "choices": choices,
        "x_axes": x_axes(drawn, [*axes, *numbers]),
        "y_axes": y_axes(drawn, numbers),
        "looks": series_looks(drawn, choices["colors"]),
        "single_look": single_look(),
        "chain_looks": chain_looks(),
        "verdicts": verdicts(),
        "words": [term._asdict() for term in TERMS],
        "verdict_counts": summary.verdict_counts(runs),
        "agreement": agreements,
        "costs": cost_rows,
        "total_costs": total,
        "failures": summary.failures(runs),
        "provenance": summary.provenance(runs),
        "stages": _stages(root, sweep, drawn),
        "stage_shades": stage_shades(),
        "chains": chains_of(root, sweep, runs),
    }


def _stages(root: Root, sweep: str, runs: pl.DataFrame) -> list[dict[str, Any]]:
    """The stages of the LLC along training."""
    return placed_stages(runs, stages_of(root, sweep, "llc")) if runs[STEP].n_unique() > 1 else []


def _linked_diagnostics(root: Root, sweep: str, runs: pl.DataFrame, start: Path | None) -> dict[str, Any]:
    """The pictures that `llcray diagnose` left of each run, and the way to their folder from where the page lies."""
    folder = plots_folder(root, sweep)
    if start is None or not folder.is_dir():
        return {"folder": "", "runs": {}}
    pictures = {}
    for run_id in runs["run_id"]:
        if not ID.fullmatch(run_id):
            continue
        names = sorted(path.name for path in (folder / run_id).glob("*_*") if path.suffix.lstrip(".") in FORMATS)
        if names:
            pictures[run_id] = names
    way = os.path.relpath(folder.absolute(), start)
    return {"folder": Path(way).as_posix(), "runs": pictures}


def _filled(sweep: str, question: str | None, data: dict[str, Any]) -> str:
    """The template with everything inlined. `<` is escaped in the data, so that no text can end the script element."""
    library = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    fields = {
        "TITLE": html.escape(f"{sweep}: LLC report"),
        "SWEEP": html.escape(sweep),
        "QUESTION": html.escape(question or sweep),
        "STYLE": part("page.css"),
        "LIBRARY": library.replace("</script", "<\\/script"),
        # A page that is served asks where it came from whether there is more; a file asks nobody.
        "CONNECT": "'self'" if data["version"] else "'none'",
        "DATA": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "SCRIPT": script(),
    }
    page = part("page.html")
    # In one pass, so that a text that looks like a field is left as it is.
    return FIELD.sub(lambda field: fields[field[1]], page)


def part(name: str) -> str:
    """The text of a file of the page."""
    return PARTS.joinpath(*name.split("/")).read_text(encoding="utf-8")


def script() -> str:
    """The page's own script: its modules in one scope, since a page without a server cannot import modules."""
    modules = [part(f"script/{name}.js") for name in SCRIPTS]
    joined = "\n".join(EXPORT.sub("", IMPORT.sub("", module)) for module in modules)
    return '"use strict";\n(() => {\n' + joined + "\n})();"
