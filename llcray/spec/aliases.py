"""Words of papers and of other libraries for what a sweep file calls by another name."""

from collections.abc import Sequence

KEYS: dict[str, tuple[str, ...]] = {
    "gamma": ("localization",),
    "elasticity": ("localization",),
    "localisation": ("localization",),
    "nbeta": ("inverse_temperature",),
    "n_beta": ("inverse_temperature",),
    "beta": ("inverse_temperature",),
    "temperature": ("inverse_temperature",),
    "lr": ("step_size", "learning_rate"),
    "learning_rate": ("step_size",),
    "eps": ("step_size",),
    "epsilon": ("step_size",),
    "step_size": ("learning_rate",),
    "stepsize": ("step_size",),
    "batch": ("batch_size",),
    "chains": ("num_chains",),
    "draws": ("num_draws",),
    "num_samples": ("num_draws", "num_data"),
    "burn_in": ("num_warmup",),
    "num_burnin_steps": ("num_warmup",),
    "warmup": ("num_warmup",),
    "thinning": ("steps_per_draw",),
    "num_steps_bw_draws": ("steps_per_draw",),
    "mcse": ("relative_mcse",),
    "leapfrog_steps": ("num_integration_steps",),
    "acceptance_rate": ("target_acceptance_rate",),
    "target_accept": ("target_acceptance_rate",),
    "network": ("architecture",),
    "model": ("architecture",),
    "student": ("architecture",),
    "hidden": ("widths",),
    "hidden_sizes": ("widths",),
    "layers": ("widths", "num_layers"),
    "num_layers": ("depth",),
    "n_layers": ("num_layers", "depth"),
    "n_heads": ("num_heads",),
    "heads": ("num_heads",),
    "d_model": ("width",),
    "d_mlp": ("mlp_width",),
    "dataset": ("data",),
    "n": ("num_data",),
    "num_train": ("num_data",),
    "input_dim": ("input_dimension",),
    "dim": ("input_dimension", "num_params"),
    "optimizer": ("training",),
    "optimiser": ("training",),
    "steps": ("num_steps",),
    "epochs": ("num_steps",),
    "noise_rate": ("rate",),
    "sigma": ("scale",),
    "std": ("scale",),
    "loss": ("likelihood", "losses"),
    "columns": ("inputs",),
    "labels": ("targets",),
    "runs": ("replicates",),
    "repeats": ("replicates",),
    "num_seeds": ("replicates",),
    "seed": ("seeds",),
    "description": ("question",),
}
"""Keys by alias."""

PLACES: dict[str, str] = {
    "gamma": "posterior: {localization: 100.0}",
    "elasticity": "posterior: {localization: 100.0}",
    "localization": "posterior: {localization: 100.0}",
    "nbeta": "posterior: {inverse_temperature: {kind: n_beta, value: 30.0}}",
    "n_beta": "posterior: {inverse_temperature: {kind: n_beta, value: 30.0}}",
    "beta": "posterior: {inverse_temperature: {kind: fixed, value: 0.1}}",
    "temperature": "posterior: {inverse_temperature: {kind: fixed, value: 0.1}}",
    "inverse_temperature": "posterior: {inverse_temperature: {kind: fixed, value: 0.1}}",
    "num_chains": "sampling: {num_chains: 4}",
    "chains": "sampling: {num_chains: 4}",
    "num_warmup": "sampling: {num_warmup: 200}",
    "burn_in": "sampling: {num_warmup: 200}",
    "num_draws": "sampling: {budget: {num_draws: 2000}}",
    "draws": "sampling: {budget: {num_draws: 2000}}",
    "num_gradients": "sampling: {budget: {num_gradients: 50000}}",
    "rhat": "sampling: {until: {rhat: 1.02}}",
    "mcse": "sampling: {until: {relative_mcse: 0.02}}",
    "relative_mcse": "sampling: {until: {relative_mcse: 0.02}}",
    "seed": "replicates: 3",
}
"""What to write at the top of a sweep file, by key or alias, for a value that was written at another place."""


def key_among(word: str, known: Sequence[str]) -> str | None:
    """The first key among `known` that a word is an alias of; None where there is none."""
    return next((key for key in KEYS.get(word.lower(), ()) if key in known), None)


def meant_by(word: str, known: Sequence[str]) -> str | None:
    """The words that tell a user where a value belongs that was written under an alias or at another place.

    Args:
        word: The key as it was written.
        known: Keys that the mapping takes where the word stands.

    Returns:
        A text such as `here it is 'step_size'`; None for a word that is not known to be an alias.
    """
    if here := key_among(word, known):
        written = PLACES.get(word.lower()) if here == "inverse_temperature" else None
        return f"here it is '{here}'" + (f", as in {written}" if written else "")
    place = PLACES.get(word.lower())
    return f"at the top of the file write {place}" if place else None
