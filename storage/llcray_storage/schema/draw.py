"""Columns of `draws`, one row per chain with its draws as float32 series, and of `draws_long`, one row per draw."""

from dataclasses import replace

from llcray_storage.schema.column import REAL, SERIES, TEXT, WHOLE, Column
from llcray_storage.schema.status import EARLIER, STATUSES

DRAW_COLUMNS: tuple[Column, ...] = (
    Column("run_id", TEXT, "", "Run the chain belongs to.", required=True),
    Column("sweep", TEXT, "", "Sweep that asked for the run.", required=True),
    Column("generation", WHOLE, "", "Generation of the run.", required=True),
    Column("chain", WHOLE, "", "Number of the chain, from 0.", required=True),
    Column("status", TEXT, "", "done, or failed: the chain went non-finite.", choices=STATUSES, earlier=EARLIER),
    Column("reason", TEXT, "", "Why the chain failed, one line."),
    Column("failed_at", WHOLE, "draws", "First draw that was not finite; null if none."),
    Column("num_warmup_draws", WHOLE, "draws", "First draws of the series that are burn-in: stored, not averaged."),
    Column(
        "n_beta", REAL, "", "t = n beta; the mean of n_beta x centered_loss after num_warmup_draws is the chain's LLC."
    ),
    Column("step_size", REAL, "", "Step size the chain used."),
    Column("projection_dimension", WHOLE, "", "Numbers a draw takes in projection."),
    Column("centered_loss", SERIES, "nats per example", "L_n(w) - L_n(w*), by draw."),
    Column("heat", SERIES, "nats", "Predicted bias of n_beta x centered_loss through the step size, by draw."),
    Column("squared_distance", SERIES, "parameter^2", "|w - w*|^2, by draw."),
    Column("acceptance_rate", SERIES, "fraction", "Acceptance probability, by draw."),
    Column("energy", SERIES, "nats", "Hamiltonian, by draw."),
    Column("energy_change", SERIES, "nats", "Energy error of the transition, by draw."),
    Column(
        "projection", SERIES, "parameter", "Random projection of w - w*, draw after draw, projection_dimension each."
    ),
)

BY_DRAW = ("centered_loss", "squared_distance", "acceptance_rate", "energy", "energy_change", "heat")
"""Series with one number a draw."""

_BY_NAME = {column.name: column for column in DRAW_COLUMNS}

DRAW_LONG_COLUMNS: tuple[Column, ...] = (
    *(_BY_NAME[name] for name in ("run_id", "sweep", "chain")),
    Column("draw", WHOLE, "", "Number of the draw within its chain, from 0, burn-in included."),
    _BY_NAME["n_beta"],
    *(replace(_BY_NAME[name], type=SERIES.value_type) for name in BY_DRAW),
)
