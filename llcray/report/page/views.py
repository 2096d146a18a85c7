"""The plots that the page offers, and the choices from which a reader can make others."""

from typing import Any

import polars as pl

from llcray.report.columns import SAMPLER, label_of
from llcray.report.page.plain import plain_row
from llcray.report.page.training import success_of
from llcray.report.plots.panels import LABEL, MAX_PANELS, default_axes, default_color, usual_values
from llcray.report.varying import target_axes, values_of


def views_of(runs: pl.DataFrame, numbers: list[str]) -> list[dict[str, Any]]:
    """The plots behind the page's buttons; the first is the one that `llcray plot` draws.

    Args:
        runs: The runs that did not fail, with the columns `sampler` and `outcome`.
        numbers: Columns that can be drawn.

    Returns:
        Of each plot its `name`, `x` ("" for one panel for each axis that is varied alone), `y`, `color` ("" for one
        series), `facets`, and whether the other axes are held at their `usual` values.
    """
    x, facets = default_axes(runs)
    answer = {"x": x or "", "color": default_color(runs, None) or "", "facets": facets, "usual": x is None}
    size = "num_params" if "num_params" in numbers and len(values_of(runs, "num_params")) > 1 else SAMPLER
    by_size = {"x": size, "color": SAMPLER, "facets": [], "usual": False}
    views = [
        {"name": "the answer", "y": "llc"} | answer,
        {"name": "work to ± 1 nat", "y": "fde_to_se1"} | by_size,
        {"name": "WNV against size", "y": "wnv_gradients"} | by_size,
        {"name": "ESS per gradient against size", "y": "ess_per_gradient"} | by_size,
        {"name": "R-hat of each run", "y": "rhat"} | by_size | {"x": SAMPLER},
    ]
    if success := success_of(runs):
        by_facet = {"color": facets[0] if facets else answer["color"], "facets": []}
        views.insert(-1, {"name": label_of(success), "y": success} | answer | by_facet)
    return [view for view in views if view["y"] in numbers]


def choices_of(runs: pl.DataFrame, axes: list[str]) -> dict[str, Any]:
    """The columns to choose from for panels, and the usual value of each axis of the target.

    Args:
        runs: The runs that did not fail, with the columns `sampler` and `outcome`.
        axes: Columns that tell runs apart.
    """
    names = target_axes(runs)
    return {
        "facets": [name for name in axes if runs[name].n_unique() <= MAX_PANELS],
        "colors": [*axes, *([LABEL] if LABEL not in axes and runs[LABEL].n_unique() > 1 else [])],
        "max_panels": MAX_PANELS,
        "target_axes": names,
        "usual": plain_row(usual_values(runs, names)),
    }
