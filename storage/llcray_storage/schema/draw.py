"""Columns of `draws`, one row a chain: what each kept draw looked like, as float32 series of one length."""

from llcray_storage.schema.column import REAL, SERIES, TEXT, WHOLE, Column

DRAW_COLUMNS: tuple[Column, ...] = (
    Column("run_id", TEXT, "", "Run the chain belongs to.", required=True),
    Column("sweep", TEXT, "", "Sweep that asked for the run.", required=True),
    Column("generation", WHOLE, "", "Generation of the run.", required=True),
    Column("chain", WHOLE, "", "Number of the chain, from 0.", required=True),
    Column("status", TEXT, "", "ok, or failed: the chain went non-finite.", choices=("ok", "failed")),
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
