"""Columns of `targets`, one row per target; its arrays lie beside it as safetensors."""

from llcray_storage.schema.column import REAL, TEXT, TIME, WHOLE, Column
from llcray_storage.schema.run import ESTIMATE, KNOWN_ANSWER

AT_CENTER = (
    "num_params",
    "num_data",
    "loss_at_center",
    "gradient_norm_at_center",
    "test_loss",
    "test_accuracy",
    "train_accuracy",
    "train_reward",
    "test_reward",
    "phase",
    "memorization_step",
    "grokking_step",
    "grokking_lag",
    "grokking_censored",
    "prefix_matching",
    "induction_head",
)

TARGET_COLUMNS: tuple[Column, ...] = (
    Column("target_id", TEXT, "", "Identity of the target: hash of its spec.", required=True),
    Column("generation", WHOLE, "", "1, raised when a lost artifact was rebuilt with other bits.", required=True),
    Column(
        "trajectory_id", TEXT, "", "Identity of the training that the target is a checkpoint of; null: no checkpoint."
    ),
    Column("step", WHOLE, "training steps", "Checkpoint along the training trajectory; null: the end of training."),
    Column("target_kind", TEXT, "", "Origin of w*: trained, quadratic, normal_crossing, deep_linear, python, ..."),
    Column("spec", TEXT, "", "The whole spec of the target, canonical JSON."),
    *(column for column in ESTIMATE if column.name in AT_CENTER),
    Column("train_loss", REAL, "nats per example", "Mean loss at w* on the training data."),
    *KNOWN_ANSWER,
    Column("artifact", TEXT, "", "Path of the safetensors file in the dataset."),
    Column("artifact_digest", TEXT, "", "SHA-256 of the arrays' logical content: names, dtypes, shapes, bytes."),
    Column("artifact_bytes", WHOLE, "bytes", "Size of the safetensors file."),
    Column("dtype", TEXT, "", "Floating point type the target was built in."),
    Column("shapes", TEXT, "", "Shape of every array by name, JSON."),
    Column("llcray_version", TEXT, "", "Version of llcray that built the target."),
    Column("jax_version", TEXT, "", "Version of JAX."),
    Column("flax_version", TEXT, "", "Version of Flax."),
    Column("optax_version", TEXT, "", "Version of Optax."),
    Column("python_version", TEXT, "", "Version of Python."),
    Column("build_seconds", REAL, "seconds", "Wall time of building."),
    Column("created_at", TIME, "UTC", "When the target was built."),
    Column("nonce", TEXT, "", "Random text that tells this write from any other.", required=True),
    Column("schema_version", WHOLE, "", "Version of the schema the row was written with.", required=True),
)
