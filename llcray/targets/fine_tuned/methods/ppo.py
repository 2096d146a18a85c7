"""PPO: a clipped policy gradient with a learned value of each prefix as baseline.

    delta_t = r_t + V(s_{t+1}) - V(s_t),    A_t = sum_k lambda^k delta_{t+k},    r at the last token alone, discount 1
    minimise -E[min(rho A, clip(rho, 1 - c, 1 + c) A)] + v E[(V - (A + V_old))^2]/2

A is standardised over the batch. V is an affine function of what the output matrix reads.

Reference: Schulman et al. 2017, arXiv 1707.06347, eq. 7 and 9; advantages: Schulman et al. 2016, arXiv 1506.02438, eq.
16.
"""

from typing import Any, Literal

from llcray.targets.fine_tuned.methods.grpo import clipped_surrogate
from llcray.targets.fine_tuned.methods.method import MethodVariant, Recipe, chosen
from llcray.variant import Count, Fraction, NonNegativeFloat, PositiveFloat


class PPO(MethodVariant):
    """Proximal policy optimization.

    Attributes:
        batch_size: Prompts in a step, with one answer each.
        clip: c.
        value_coefficient: v.
        gae_lambda: lambda.
        num_epochs: Gradient steps on each batch of answers.
    """

    kind: Literal["ppo"] = "ppo"
    learning_rate: PositiveFloat = 3e-4
    batch_size: Count = 512
    clip: PositiveFloat = 0.2
    value_coefficient: NonNegativeFloat = 0.5
    gae_lambda: Fraction = 0.95
    num_epochs: Count = 2

    def build(self) -> Recipe:
        import jax
        import jax.numpy as jnp

        def init(rng_key: Any, policy: Any, params: Any) -> Any:
            del rng_key
            width = policy.num_features(params)
            return {"kernel": jnp.zeros(width, jnp.float32), "bias": jnp.zeros((), jnp.float32)}

        def values_of(policy: Any, params: Any, prompts: Any, answers: Any) -> Any:
            return policy.features(params[0], prompts, answers) @ params[1]["kernel"] + params[1]["bias"]

        def collect(rng_key: Any, policy: Any, params: Any, reference: Any, problems: Any) -> Any:
            del reference
            prompt_key, answer_key = jax.random.split(rng_key)
            asked = chosen(prompt_key, problems, self.batch_size)
            answers = policy.sample(answer_key, params[0], asked.prompts)
            values = values_of(policy, params, asked.prompts, answers)
            advantages = generalised_advantages(policy.reward(answers, asked.right), values, self.gae_lambda)
            old = policy.token_log_probs(params[0], asked.prompts, answers)
            standardised = (advantages - advantages.mean()) / (advantages.std() + 1e-4)
            return asked.prompts, answers, standardised, advantages + values, old

        def objective(policy: Any, params: Any, batch: Any) -> Any:
            prompts, answers, advantages, returns, old = batch
            log_probs = policy.token_log_probs(params[0], prompts, answers)
            surrogate = clipped_surrogate(log_probs - old, advantages, self.clip)
            errors = values_of(policy, params, prompts, answers) - returns
            return jnp.mean(0.5 * self.value_coefficient * errors**2 - surrogate)

        return Recipe(collect, objective, self.num_epochs, init)


def generalised_advantages(rewards: Any, values: Any, gae_lambda: float) -> Any:
    """A_t (batch, token) from the rewards of whole answers (batch,) and the values before each token."""
    import jax.numpy as jnp

    after = jnp.concatenate([values[:, 1:], rewards[:, None]], axis=1)
    deltas, advantages, total = after - values, [], jnp.zeros_like(rewards)
    for token in reversed(range(values.shape[1])):
        total = deltas[:, token] + gae_lambda * total
        advantages.append(total)
    return jnp.stack(advantages[::-1], axis=1)
