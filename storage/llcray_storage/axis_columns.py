"""Every axis a sweep can vary, as a typed column of `runs`. Adding an axis is adding its line here.

An axis that does not apply to a run is null (a quadratic target has no architecture).
"""

import pyarrow as pa

from llcray_storage.column import FLAG, REAL, REALS, TEXT, TEXTS, WHOLE, WHOLES, Column


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
        _axis(f"{prefix}_gain", REAL, "", f"Factor of the initial weights of the {of}."),
        _axis(f"{prefix}_bias_scale", REAL, "", f"Standard deviation of the initial biases of the {of}."),
        _axis(f"{prefix}_num_params", WHOLE, "parameters", f"Parameters asked of the {of}, from which widths follow."),
        _axis(f"{prefix}_channels", WHOLES, "channels", f"Channels of the convolutions of the {of}, input side first."),
        _axis(f"{prefix}_kernel_size", WHOLE, "pixels", f"Side of the convolution kernels of the {of}."),
        _axis(f"{prefix}_pooling", TEXT, "", f"Pooling after each convolution of the {of}: average, max, none."),
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
    _axis("data_test_fraction", REAL, "fraction", "Held-out examples, as a share."),
    _axis("data_input_dimension", WHOLE, "features", "Dimension of an input."),
    _axis("data_output_dimension", WHOLE, "features", "Dimension of a label of synthetic data."),
    _axis("data_decay", REAL, "", "Decay exponent of the covariance eigenvalues of anisotropic inputs."),
    _axis("data_num_components", WHOLE, "components", "Components of a mixture of Gaussians."),
    _axis("data_spread", REAL, "", "Distance scale of the mixture's means, in standard deviations of a component."),
    _axis("data_latent_dimension", WHOLE, "features", "Dimension of the manifold the inputs lie on."),
    _axis("data_degrees_of_freedom", REAL, "", "Degrees of freedom of Student-t inputs."),
    _axis("data_classes", WHOLES, "", "Classes of digits that were kept."),
    _axis("data_scaling", TEXT, "", "How inputs were scaled."),
    _axis("data_path", TEXT, "", "File the data came from."),
    _axis("data_sha256", TEXT, "", "SHA-256 of that file."),
    _axis("data_inputs", TEXTS, "", "Columns of that file that are inputs."),
    _axis("data_targets", TEXTS, "", "Columns of that file that are labels."),
    _axis("data_predict", TEXT, "", "What the labels in that file are: classes, numbers."),
    _axis(
        "noise_kind", TEXT, "", "Noise on the labels: none, gaussian, heteroscedastic, student_t, outliers, label_flip."
    ),
    _axis("noise_scale", REAL, "label units", "Scale (sigma) of the noise."),
    _axis("noise_slope", REAL, "", "How fast heteroscedastic noise grows with |x|."),
    _axis("noise_degrees_of_freedom", REAL, "", "Degrees of freedom of Student-t noise."),
    _axis("noise_fraction", REAL, "fraction", "Share of the examples whose noise has the outlier scale."),
    _axis("noise_outlier_scale", REAL, "label units", "Scale of the noise of an outlier."),
    _axis("noise_rate", REAL, "fraction", "Share of the labels that were flipped."),
    _axis("likelihood_kind", TEXT, "", "Likelihood whose negative logarithm is the loss."),
    _axis("likelihood_scale", REAL, "label units", "Scale (sigma) the likelihood assumes."),
    _axis("likelihood_slope", REAL, "", "Slope of the scale that a heteroscedastic likelihood assumes."),
    _axis("likelihood_degrees_of_freedom", REAL, "", "Degrees of freedom that a Student-t likelihood assumes."),
    _axis("likelihood_fraction", REAL, "fraction", "Share of outliers that a mixture likelihood assumes."),
    _axis("likelihood_outlier_scale", REAL, "label units", "Scale of outliers that a mixture likelihood assumes."),
    _axis("training_kind", TEXT, "", "Optimiser that found w*: adam, adamw, sgd, ..."),
    _axis("training_learning_rate", REAL, "", "Learning rate of training."),
    _axis("training_num_steps", WHOLE, "training steps", "Training steps asked for."),
    _axis("training_batch_size", WHOLE, "examples", "Batch size of training."),
    _axis("training_weight_decay", REAL, "", "Weight decay of training."),
    _axis("training_momentum", REAL, "", "Momentum of training."),
    _axis("training_nesterov", FLAG, "", "Whether momentum looks ahead."),
    _axis("training_b1", REAL, "", "Decay of Adam's mean of gradients."),
    _axis("training_b2", REAL, "", "Decay of Adam's mean of squared gradients."),
    _axis("training_schedule", TEXT, "", "Course of the learning rate: constant, cosine."),
    _axis("training_min_improvement", REAL, "nats per example", "Fall of the loss below which training is stalled."),
    _axis("training_patience", WHOLE, "looks", "Stalled looks after which training stops."),
    _axis("training_polish_steps", WHOLE, "L-BFGS steps", "Most full-batch steps after training."),
    _axis(
        "training_gradient_tolerance", REAL, "nats per example per parameter unit", "Gradient norm to polish down to."
    ),
    _axis("training_precision", TEXT, "", "Floating-point numbers of training: float32, float64."),
    _axis("target_eigenvalues", REALS, "", "Hessian eigenvalues of a quadratic target."),
    _axis("target_num_params", WHOLE, "parameters", "Parameters asked of a quadratic target."),
    _axis("target_condition_number", REAL, "", "Largest over smallest Hessian eigenvalue of a quadratic target."),
    _axis("target_largest_eigenvalue", REAL, "", "Largest Hessian eigenvalue of a quadratic target."),
    _axis("target_rotation_seed", WHOLE, "", "Seed of the rotation of a quadratic target; null: along the axes."),
    _axis("target_gradient_noise", REAL, "", "Spread of an analytic target's gradient over examples."),
    _axis("target_powers", WHOLES, "", "Exponents of a target that is a polynomial."),
    _axis("target_widths", WHOLES, "units", "Widths of a deep linear target, input and output included."),
    _axis("target_rank", WHOLE, "", "Rank of the product of a deep linear target's layers."),
    _axis("target_teacher", TEXT, "", "Teacher of a deep linear target: aligned, generic."),
    _axis("target_inputs", TEXT, "", "Inputs of a deep linear target: whitened, gaussian."),
    _axis("target_noise_scale", REAL, "label units", "Scale (sigma) of a deep linear target's noise."),
    _axis("target_num_data", WHOLE, "examples", "Examples asked of an analytic target."),
    _axis("target_factory", TEXT, "", "Function that made a python target, package.module:function."),
    _axis("target_arguments", TEXT, "", "Arguments of that function, canonical JSON."),
    _axis("inverse_temperature_kind", TEXT, "", "How beta was chosen: log_n (scale / log n), fixed, or n_beta."),
    _axis(
        "inverse_temperature", REAL, "", "beta: the number used, in p(w) ~ exp(-n beta L_n(w) - gamma/2 |w - w*|^2)."
    ),
    _axis("inverse_temperature_scale", REAL, "", "beta log n, as asked of kind log_n."),
    _axis("inverse_temperature_value", REAL, "", "beta of kind fixed, n beta of kind n_beta, as asked."),
    _axis("n_beta", REAL, "", "t = n beta, n the size of the dataset."),
    _axis("localization_kind", TEXT, "", "How gamma was chosen: auto, fixed, or radius (d / r^2)."),
    _axis("localization", REAL, "1/parameter^2", "gamma: the number used, precision of the Gaussian around w*."),
    _axis("localization_radius", REAL, "parameter", "r of gamma = d / r^2, as asked."),
    _axis("sampler_kind", TEXT, "", "Sampler: auto, sgld, hmc, mclmc, ..."),
    _axis("sampler_preconditioner", TEXT, "", "Preconditioner of the sampler: none, rmsprop, adam."),
    _axis("sampler_preconditioning", TEXT, "", "Whether the preconditioner goes on adapting: adaptive, frozen."),
    _axis("sampler_gradient", TEXT, "", "Stochastic gradient: minibatch, control_variate."),
    _axis(
        "sampler_step_size",
        REAL,
        "",
        "Step size asked for; null where the sampler tunes it (step_size is what was used).",
    ),
    _axis("sampler_batch_size", WHOLE, "examples", "Minibatch of a stochastic-gradient sampler."),
    _axis("sampler_num_integration_steps", WHOLE, "steps", "Leapfrog steps of a proposal."),
    _axis("sampler_mean_integration_steps", REAL, "steps", "Mean integration steps of a proposal."),
    _axis("sampler_max_num_doublings", WHOLE, "doublings", "Most doublings of a NUTS trajectory."),
    _axis("sampler_num_particles", WHOLE, "particles", "Particles of one chain of tempered SMC."),
    _axis("sampler_num_mcmc_steps", WHOLE, "steps", "Moves of a particle at each temperature."),
    _axis("sampler_target_ess", REAL, "fraction", "Share of particles that stays effective at a rise of temperature."),
    _axis("sampler_target_acceptance_rate", REAL, "fraction", "Acceptance that the step size is adapted to."),
    _axis("sampler_energy_variance", REAL, "", "Energy variance per dimension that MCLMC's step size is adapted to."),
    _axis("sampler_mean_decay", REAL, "", "Decay of a preconditioner's mean of gradients."),
    _axis("sampler_square_decay", REAL, "", "Decay of a preconditioner's mean of squared gradients."),
    _axis("sampler_stabilization", REAL, "", "Added to the root of that mean."),
    _axis("sampler_max_heat", REAL, "fraction", "Largest step-size bias to sample with, as a share of the LLC."),
    _axis("sampler_damping", REAL, "", "Damping of an underdamped Langevin step."),
    _axis("sampling_num_chains", WHOLE, "chains", "Chains asked for."),
    _axis("sampling_num_warmup", WHOLE, "steps", "Warmup steps a chain asked for."),
    _axis("sampling_steps_per_draw", WHOLE, "steps", "Sampler steps between draws asked for; null: chosen."),
    _axis("sampling_until_relative_mcse", REAL, "", "llc_mcse / llc to stop at."),
    _axis("sampling_until_rhat", REAL, "", "R-hat to stop at."),
    _axis("sampling_budget_num_gradients", REAL, "full-data-equivalent gradients", "Most work allowed."),
    _axis("sampling_budget_num_draws", WHOLE, "draws", "Most draws a chain allowed."),
    _axis("num_chains", WHOLE, "chains", "Chains run, failed ones included."),
)
