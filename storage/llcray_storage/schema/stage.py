"""Columns of `stages`, one row per stage of one series: a metric of one run along the steps of its training."""

from llcray_storage.schema.column import REAL, TEXT, TEXTS, TIME, WHOLE, Column

METRIC = "metric's unit"
STEPS = "training steps"

STAGE_COLUMNS: tuple[Column, ...] = (
    Column(
        "analysis_id",
        TEXT,
        "",
        "Metric and method of the analysis, whose stages a rerun replaces as a whole.",
        required=True,
    ),
    Column("sweep", TEXT, "", "Sweep whose runs were looked at.", required=True),
    Column("generation", WHOLE, "", "1, raised by one at each rerun; the highest counts.", required=True),
    Column(
        "method",
        TEXT,
        "",
        "stages: critical points of a Gaussian process on log(step + 1); changepoints: shifts of the mean (PELT).",
        required=True,
        choices=("stages", "changepoints"),
    ),
    Column(
        "metric",
        TEXT,
        "",
        "Column of `runs` whose course along training is analysed: llc, test_loss, test_accuracy, ...",
        required=True,
    ),
    Column(
        "series_id", TEXT, "", "Identity of the run with its step left out; the same column in `runs`.", required=True
    ),
    Column("trajectory_id", TEXT, "", "Identity of the training, whatever was sampled along it."),
    Column("label", TEXT, "", "Label of the target in the sweep file."),
    Column("seed", WHOLE, "", "Seed of the target."),
    Column("component", TEXT, "", "Parameters that were sampled."),
    Column("sampler_kind", TEXT, "", "Sampler of the series."),
    Column("stage", WHOLE, "", "Number of the stage, from 0.", required=True),
    Column("num_stages", WHOLE, "stages", "Stages of the series."),
    Column("start_step", REAL, STEPS, "Step at which the stage starts: the boundary to the stage before."),
    Column(
        "end_step", REAL, STEPS, "Step at which the stage ends: the boundary to the next stage, or the last checkpoint."
    ),
    Column(
        "end_step_low", REAL, STEPS, "Lower end of the 95% bootstrap interval of end_step; null for the last stage."
    ),
    Column(
        "end_step_high", REAL, STEPS, "Upper end of the 95% bootstrap interval of end_step; null for the last stage."
    ),
    Column("end_frequency", REAL, "fraction", "Share of bootstraps that have the boundary at end_step."),
    Column("value_at_start", REAL, METRIC, "Smoothed metric at start_step (changepoints: mean of the stretch)."),
    Column("value_at_end", REAL, METRIC, "Smoothed metric at end_step (changepoints: mean of the stretch)."),
    Column(
        "change", REAL, METRIC, "value_at_end - value_at_start (changepoints: mean minus that of the stage before)."
    ),
    Column("z", REAL, "", "|change| over its standard error."),
    Column("q_value", REAL, "", "False discovery rate at which the change counts, over all series of its trajectory."),
    Column(
        "direction",
        TEXT,
        "",
        "up or down, or flat when z is below 3 (changepoints: of the shift that starts the stretch).",
        choices=("up", "down", "flat"),
    ),
    Column("num_checkpoints", WHOLE, "checkpoints", "Finite values the series has."),
    Column(
        "warnings", TEXTS, "", "Warnings that a reader should know: few checkpoints, values whose verdict is not ok."
    ),
    Column("llcray_version", TEXT, "", "Version of llcray that made the analysis."),
    Column("created_at", TIME, "UTC", "When the analysis was made."),
    Column("nonce", TEXT, "", "Random text that tells this write from any other.", required=True),
    Column("schema_version", WHOLE, "", "Version of the schema the row was written with.", required=True),
)
