# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A sweep and its figure
#
# One estimate is an anecdote. A sweep varies what you ask about, repeats it over seeds, and keeps every run in a dataset:
# here, the width of a network whose data come from a teacher of three hidden units.

# %%
import llcray

results = llcray.sweep(
    {
        "name": "widths",
        "question": "Does the LLC grow with width when the teacher stays the same?",
        "targets": [
            {
                "architecture": {"kind": "mlp", "widths": [{"grid": [2, 4, 8]}], "activation": "tanh"},
                "teacher": {"kind": "mlp", "widths": [3], "activation": "tanh"},
                "data": {"kind": "gaussian", "input_dimension": 4, "num_data": 500},
                "noise": {"kind": "gaussian", "scale": 0.1},
            }
        ],
        "replicates": 2,
        "posterior": {"localization": 10.0},
        "samplers": [{"kind": "auto"}],
    }
)
results

# %% [markdown]
# The mapping is what a sweep file says, and the runs are the same: `llcray sweep widths.yaml` would find them done, and so
# does the same call again.
#
# ## The means, and the figure
#
# A mean is over seeds, and over the same targets in all that is compared. Estimates that are not `ok` are in no mean.

# %%
results.summary("architecture_widths")

# %%
results.plot("architecture_widths", width=4.5, height=3)

# %% [markdown]
# For a paper, leave the caption to its text: `results.plot("architecture_widths", width=3.3, height=2.4, caption=False)`
# returns a matplotlib figure, and `.savefig("widths.pdf")` keeps its text editable.
#
# ## The dataset
#
# `results.frame` is a polars table with a row for each run. The dataset itself is Parquet, and anyone can read it with
# neither JAX nor Ray:

# %%
import llcray_storage as ls

ls.scan_runs("results", sweep="widths").select("architecture_widths", "seed", "num_params", "llc", "verdict").collect()

# %% [markdown]
# The LLC counts what the data hold in place, not the parameters: four times the width is four times the parameters, and
# nowhere near four times the LLC. `results.report()` writes all of it on one page, with every run's chains.
