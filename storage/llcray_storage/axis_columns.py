"""Every axis a sweep can vary, as a typed column of `runs`. Adding an axis is adding its line here.

An axis that does not apply to a run is null (a quadratic target has no architecture).
"""

import pyarrow as pa

from llcray_storage.column import FLAG, REAL, TEXT, WHOLE, WHOLES, Column


def _axis(name: str, kind: pa.DataType, unit: str, meaning: str) -> Column:
    return Column(name, kind, unit, meaning, axis=True)


def _architecture(prefix: str, of: str) -> tuple[Column, ...]:
    return (
        _axis(f"{prefix}_kind", TEXT, "", f"Architecture of the {of}: mlp, convnet, deep_linear, ..."),
        _axis(f"{prefix}_widths", WHOLES, "units", f"Widths of the hidden layers of the {of}, input side first."),
        _axis(f"{prefix}_depth", WHOLE, "layers", f"Number of hidden layers of the {of}."),
        _axis(f"{prefix}_activation", TEXT, "", f"Activation of the {of}: relu, tanh, gelu, silu, identity."),
        _axis(f"{prefix}_bias", FLAG, "", f"Whether the layers of the {of} have biases."),
        _axis(f"{prefix}_layer_norm", FLAG, "", f"Whether the {of} normalises each hidden layer."),
        _axis(f"{prefix}_initialization", TEXT, "", f"Initialisation of the weights of the {of}."),
        _axis(f"{prefix}_num_params", WHOLE, "parameters", f"Parameters asked of the {of}, from which widths follow."),
    )


AXES: tuple[Column, ...] = (
    _axis("target_kind", TEXT, "", "How w* came about: trained, quadratic, normal_crossing, deep_linear, python, ..."),
    _axis("seed", WHOLE, "", "Seed of the target: data, teacher, initialisation and training follow from it."),
    _axis("sampling_seed", WHOLE, "", "Seed of the chains."),
    _axis("component", TEXT, "", "Parameters that were sampled; `all`, or the name of a subset (weight-refined LLC)."),
    _axis("loss_on", TEXT, "", "Data the loss was taken on, when not the training data (data-refined LLC)."),
    _axis("step", WHOLE, "training steps", "Checkpoint along the training trajectory; null: the end of training."),
    *_architecture("architecture", "network"),
    *_architecture("teacher", "teacher"),
    _axis(
        "data_kind", TEXT, "", "Distribution of the inputs: gaussian, mixture, manifold, student_t, digits, file, ..."
    ),
    _axis("data_num_data", WHOLE, "examples", "Examples asked for (the number used is num_data)."),
    _axis("data_dimension", WHOLE, "features", "Dimension of an input."),
    _axis("data_decay", REAL, "", "Decay exponent of the covariance eigenvalues of anisotropic inputs."),
    _axis("data_num_components", WHOLE, "components", "Components of a mixture of Gaussians."),
    _axis("data_spread", REAL, "", "Distance scale of the mixture's means, in standard deviations of a component."),
    _axis("data_latent_dimension", WHOLE, "features", "Dimension of the manifold the inputs lie on."),
    _axis("data_degrees_of_freedom", REAL, "", "Degrees of freedom of Student-t inputs."),
    _axis("data_path", TEXT, "", "File the data came from."),
    _axis(
        "noise_kind", TEXT, "", "Noise on the labels: none, gaussian, heteroscedastic, student_t, outliers, label_flip."
    ),
    _axis("noise_scale", REAL, "label units", "Scale (sigma) of the noise."),
    _axis("noise_slope", REAL, "", "How fast heteroscedastic noise grows with |x|."),
    _axis("noise_degrees_of_freedom", REAL, "", "Degrees of freedom of Student-t noise."),
    _axis("noise_outlier_fraction", REAL, "fraction", "Share of the examples whose noise has the outlier scale."),
    _axis("noise_outlier_scale", REAL, "label units", "Scale of the noise of an outlier."),
    _axis("noise_rate", REAL, "fraction", "Share of the labels that were flipped."),
    _axis("likelihood_kind", TEXT, "", "Likelihood whose negative logarithm is the loss."),
    _axis("likelihood_scale", REAL, "label units", "Scale (sigma) the likelihood assumes."),
    _axis("training_kind", TEXT, "", "Optimiser that found w*: adam, adamw, sgd, ..."),
    _axis("training_learning_rate", REAL, "", "Learning rate of training."),
    _axis("training_num_steps", WHOLE, "training steps", "Training steps asked for."),
    _axis("training_batch_size", WHOLE, "examples", "Batch size of training."),
    _axis("training_weight_decay", REAL, "", "Weight decay of training."),
    _axis("training_momentum", REAL, "", "Momentum of training."),
    _axis("inverse_temperature_kind", TEXT, "", "How beta was chosen: log_n (scale / log n) or fixed."),
    _axis(
        "inverse_temperature", REAL, "", "beta: the number used, in p(w) ~ exp(-n beta L_n(w) - gamma/2 |w - w*|^2)."
    ),
    _axis("n_beta", REAL, "", "t = n beta, n the size of the dataset."),
    _axis("localization_kind", TEXT, "", "How gamma was chosen: auto, fixed, or radius (d / r^2)."),
    _axis("localization", REAL, "1/parameter^2", "gamma: the number used, precision of the Gaussian around w*."),
    _axis("sampler_kind", TEXT, "", "Sampler: auto, sgld, hmc, mclmc, ..."),
    _axis("sampler_preconditioner", TEXT, "", "Preconditioner of the sampler: none, rmsprop, adam."),
    _axis(
        "sampler_step_size",
        REAL,
        "",
        "Step size asked for; null where the sampler tunes it (step_size is what was used).",
    ),
    _axis("sampler_batch_size", WHOLE, "examples", "Minibatch of a stochastic-gradient sampler."),
    _axis("sampler_num_integration_steps", WHOLE, "steps", "Leapfrog steps of a proposal."),
    _axis("num_chains", WHOLE, "chains", "Chains run, failed ones included."),
)
