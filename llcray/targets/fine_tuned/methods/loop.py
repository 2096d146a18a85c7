"""Fine-tunes a policy and keeps its weights at given steps: one compiled loop for all stretches between them."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from llcray.array_types import Array, PyTree
from llcray.jax_settings import own_settings
from llcray.targets.fine_tuned.methods.method import MethodVariant
from llcray.targets.fine_tuned.methods.policy import Policy


class _State(NamedTuple):
    """Parameters of the policy, parameters trained beside them, and the optimizer's memory."""

    params: tuple[PyTree, PyTree]
    memory: PyTree


def fine_tune(
    method: MethodVariant, policy: Policy, params: PyTree, problems: PyTree, seed: int, keep: list[int]
) -> list[PyTree]:
    """Fine-tunes, and returns the weights after each of the steps to keep, float32 on the host.

    The weights of step 0 are `params`, rounded as the method says.

    Compiles once for each method, policy and shapes.

    Args:
        method: The method.
        policy: The policy.
        params: Its weights before fine-tuning.
        problems: Training problems.
        seed: Seed of prompts and answers.
        keep: Steps whose weights are returned, ascending.

    Raises:
        FloatingPointError: Weights are not finite.
    """
    with own_settings(float64=False):
        reference = jax.tree.map(lambda leaf: _rounded(method, jnp.asarray(leaf, jnp.float32)), params)
        problems, rng_key = jax.tree.map(jnp.asarray, problems), jax.random.key(seed)
        state, kept, before = _start(method, policy, reference, rng_key), [], 0
        for step in keep:
            state = _advance(method, policy, state, reference, problems, rng_key, before, step)
            kept.append(jax.tree.map(np.asarray, state.params[0]))
            before = step
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept)):
        kind = getattr(method, "kind", type(method).__name__)
        raise FloatingPointError(
            f"Fine-tuning diverged: weights are not finite within {keep[-1]} steps of {kind}. "
            f"Lower method.learning_rate, now {method.learning_rate:g}."
        )
    return kept


def _start(method: MethodVariant, policy: Policy, reference: PyTree, rng_key: Array) -> _State:
    params = (reference, method.build().init(rng_key, policy, reference))
    return _State(params, _optimizer(method).init(params))


@partial(jax.jit, static_argnums=(0, 1))
def _advance(
    method: MethodVariant,
    policy: Policy,
    state: _State,
    reference: PyTree,
    problems: PyTree,
    rng_key: Array,
    first: Array,
    last: Array,
) -> _State:
    recipe, optimizer = method.build(), _optimizer(method)

    def take_step(step: Array, state: _State) -> _State:
        batch = recipe.collect(jax.random.fold_in(rng_key, step), policy, state.params, reference, problems)
        batch = jax.lax.stop_gradient(batch)

        def descend(_: Array, state: _State) -> _State:
            gradient = jax.grad(recipe.objective, argnums=1)(policy, state.params, batch)
            updates, memory = optimizer.update(gradient, state.memory, state.params)
            own, beside = optax.apply_updates(state.params, updates)  # pyright: ignore[reportGeneralTypeIssues]
            return _State((jax.tree.map(partial(_rounded, method), own), beside), memory)

        return jax.lax.fori_loop(0, recipe.num_epochs, descend, state)

    return jax.lax.fori_loop(first, last, take_step, state)


def _optimizer(method: MethodVariant) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(method.max_gradient_norm), optax.adam(method.learning_rate))


def _rounded(method: MethodVariant, leaf: Array) -> Array:
    return leaf.astype(method.weights).astype(jnp.float32)
