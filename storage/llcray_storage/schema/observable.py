"""Columns of `observables`, one row per probe example of a run: a view of the `probe_` columns of `runs`."""

from llcray_storage.schema.axis import AXES
from llcray_storage.schema.column import REAL, REALS, TEXT, WHOLE, Column
from llcray_storage.schema.run import IDENTITY, NATS

COPIED_FROM_RUN = ("run_id", "target_id", "series_id", "sweep", "component", "loss_kind", "loss_on", "step", "seed")
"""Columns of the run that the view repeats, for joins and for plots without a join."""
PER_EXAMPLE = ("loss", "loss_se", "susceptibility", "susceptibility_se")
"""Columns whose values are the entries of the list `probe_<name>` of the run."""

OBSERVABLE_COLUMNS: tuple[Column, ...] = (
    *(column for name in COPIED_FROM_RUN for column in (*IDENTITY, *AXES) if column.name == name),
    Column("example", WHOLE, "", "Number of the probe example, over all sets of the run, from 0."),
    Column("probe_set", TEXT, "", "Probe set of the example, as the sweep file names it."),
    Column("loss", REAL, NATS, "Mean loss of the example over the draws."),
    Column("loss_se", REAL, NATS, "Standard error of loss, over chains."),
    Column(
        "susceptibility",
        REAL,
        "nats^2",
        "-Cov(L_n(w), l(w) - L_n(w)) over the draws of the component's posterior, l the loss of the example.",
    ),
    Column("susceptibility_se", REAL, "nats^2", "Standard error of susceptibility, over chains."),
    Column(
        "influence", REALS, "nats^2", "-Cov(l(w), l_j(w)), by probe example j (Bayesian influence); null beyond 100."
    ),
    Column("influence_se", REALS, "nats^2", "Standard error of each influence, over chains."),
)
