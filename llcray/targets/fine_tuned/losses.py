"""Losses of a policy on fixed examples; equal by value, so compiled programs are shared between checkpoints."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import Array, PyTree
from llcray.data.digit_sums import Problems
from llcray.jax_settings import own_settings
from llcray.targets.fine_tuned.methods.dpo import preference_losses
from llcray.targets.fine_tuned.methods.policy import Policy
from llcray.targets.policy_loss import AnswerNLL, KLToCenter, PolicyLossVariant, PreferenceLoss, Regret
from llcray.targets.random_streams import jax_seed
from llcray.targets.target import Target
from llcray.training.minimize import loss_and_gradient_norm


@dataclass(frozen=True)
class PolicyExampleLoss:
    """`loss(params, batch) -> (batch,)`, nats.

    A batch is `{"prompts", "right", "wrong"}` of tokens and what the loss needs besides: `answers` drawn at the center
    and the center's `log_probs`, or the `log_odds` before fine-tuning.

    Attributes:
        policy: The policy.
        spec: The loss; its `num_data` and `seed` do not matter here.
    """

    policy: Policy
    spec: PolicyLossVariant

    def __call__(self, params: PyTree, batch: PyTree) -> Array:
        """Losses of the examples of a batch."""
        policy, problems = self.policy, Problems(*(jnp.asarray(batch[name]) for name in Problems._fields))
        match self.spec:
            case KLToCenter():
                log_probs = policy.log_probs(params, problems.prompts, jnp.asarray(batch["answers"]))
                center = jnp.asarray(batch["log_probs"], log_probs.dtype)
                return jnp.sum(jnp.exp(center) * (center - log_probs), axis=(1, 2))
            case PreferenceLoss(beta=beta, nll_coefficient=coefficient):
                before = jnp.asarray(batch["log_odds"], jax.tree.leaves(params)[0].dtype)
                return preference_losses(policy, params, problems, before, beta, coefficient)
            case Regret():
                return 1 - jnp.exp(policy.log_probs_of(params, problems.prompts, problems.right))
            case _:
                return -policy.log_probs_of(params, problems.prompts, problems.right)


def policy_target(policy: Policy, problems: Problems, spec: PolicyLossVariant, params: PyTree, base: PyTree) -> Target:
    """A checkpoint with one of its losses, and how far it is from a minimum.

    Args:
        policy: The policy.
        problems: Training problems.
        spec: The loss.
        params: w*.
        base: Weights before fine-tuning.
    """
    asked = Problems(*(tokens[: spec.num_data] for tokens in problems))
    data = {**asked._asdict(), **_besides(policy, asked, spec, params, base)}
    shared = spec.model_copy(update={"num_data": 1, **({"seed": 0} if isinstance(spec, KLToCenter) else {})})
    target = Target(
        params=params,
        loss_fn=PolicyExampleLoss(policy, shared),
        data=data,
        is_likelihood=isinstance(spec, KLToCenter | AnswerNLL),
        loss_kind=getattr(spec, "kind", None),
        base=base,
    )
    with own_settings(float64=True):
        loss, gradient_norm = loss_and_gradient_norm(target.loss_fn, "float64", params, data)
    facts = dataclasses.replace(target.facts, loss_at_center=float(loss), gradient_norm_at_center=float(gradient_norm))
    return dataclasses.replace(target, facts=facts)


def _besides(policy: Policy, asked: Problems, spec: PolicyLossVariant, params: PyTree, base: PyTree) -> dict[str, Any]:
    """Arrays that a loss needs besides the problems; float64, so that rounding does not move the loss at the center."""
    with own_settings(float64=True):
        if isinstance(spec, KLToCenter):
            answers = _sample(policy, jax_seed("prefixes", spec.seed), params, asked.prompts)
            log_probs = _log_probs(policy, _double(params), asked.prompts, answers)
            return {"answers": np.asarray(answers), "log_probs": np.asarray(log_probs)}
        if isinstance(spec, PreferenceLoss):
            return {"log_odds": np.asarray(_log_odds(policy, _double(base), asked))}
    return {}


def _double(params: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)


def _sample(policy: Policy, seed: int, params: PyTree, prompts: Array) -> Array:
    return _draw(policy, jax.random.key(seed), params, prompts)


_draw = jax.jit(Policy.sample, static_argnums=0)
_log_probs = jax.jit(Policy.log_probs, static_argnums=0)
_log_odds = jax.jit(Policy.log_odds, static_argnums=0)
