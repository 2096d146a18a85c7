# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A transformer along its training, part by part
#
# Checkpoints of one training are targets like any other, and `components` makes a run of each part of the network (the
# refined LLC: the part moves, the rest is fixed). Here a transformer of two layers learns addition modulo 7.

# %%
import llcray

results = llcray.sweep(
    {
        "name": "along_training",
        "question": "Which part of a transformer becomes more complex first?",
        "targets": [
            {
                "architecture": {"kind": "transformer", "num_layers": 2, "width": 16, "num_heads": 2, "mlp_width": 32},
                "data": {"kind": "modular", "modulus": 7, "train_fraction": 0.8},
                "training": {"kind": "adam", "learning_rate": 0.003, "num_steps": 600, "precision": "float32"},
                "checkpoints": {"steps": [10, 60, 200, 600]},
            }
        ],
        "components": ["all", "attn", "mlp"],
        "posterior": {"inverse_temperature": {"kind": "n_beta", "value": 10.0}, "localization": 100.0},
        "samplers": [{"kind": "sgld", "step_size": 3e-4, "batch_size": 16}],
        "sampling": {"budget": {"num_draws": 2000}, "until": {"relative_mcse": 0.05, "rhat": 1.05}},
    }
)
results

# %% [markdown]
# Settings as papers on language models have them: n beta and gamma by hand, the same at all steps, since what is compared
# are steps. The second error is large: at this gamma many directions are held by gamma alone, so read courses and
# differences, not levels.

# %%
results.plot("step", color="component", width=6, height=3.5)

# %%
results.frame.select("step", "component", "llc", "llc_sampling_se", "train_accuracy", "test_accuracy", "verdict").sort(
    "component", "step"
)

# %% [markdown]
# `llcray stages results --sweep along_training` finds where each course changes, with intervals; four checkpoints are too
# few for that, forty are not. For a loop of your own there is `LLCTracker`: see "Track a training".
