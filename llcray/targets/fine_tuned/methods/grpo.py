"""GRPO: a clipped policy gradient whose baseline is the mean reward of a group of answers to one prompt.

    A_i = (r_i - mean r) / (sd r + 1e-4)                        over the answers to one prompt
    minimise -E[min(rho A, clip(rho, 1 - c, 1 + c) A)] + k E[KL(pi || pi_ref)],    rho = pi(token)/pi_old(token)

Averages are over tokens. The KL term is the estimator exp(x) - x - 1 of x = log pi_ref - log pi (Schulman 2020).

Reference: Shao et al. 2024, arXiv 2402.03300, eq. 3 and 4.
"""

from typing import Any, Literal

from llcray.targets.fine_tuned.methods.method import MethodVariant, Recipe, chosen
from llcray.variant import Count, NonNegativeFloat, PositiveFloat


class GRPO(MethodVariant):
    """Group relative policy optimization.

    Attributes:
        group_size: Answers to each prompt.
        clip: c.
        kl_coefficient: k; the reference is the policy before fine-tuning.
        num_epochs: Gradient steps on each batch of answers.
    """

    kind: Literal["grpo"] = "grpo"
    learning_rate: PositiveFloat = 3e-4
    group_size: Count = 8
    clip: PositiveFloat = 0.2
    kl_coefficient: NonNegativeFloat = 0.0
    num_epochs: Count = 1

    def build(self) -> Recipe:
        import jax
        import jax.numpy as jnp

        def collect(rng_key: Any, policy: Any, params: Any, reference: Any, problems: Any) -> Any:
            prompt_key, answer_key = jax.random.split(rng_key)
            asked = chosen(prompt_key, problems, self.batch_size)
            asked = jax.tree.map(lambda tokens: jnp.repeat(tokens, self.group_size, axis=0), asked)
            answers = policy.sample(answer_key, params[0], asked.prompts)
            rewards = policy.reward(answers, asked.right).reshape(self.batch_size, self.group_size)
            scale = rewards.std(axis=1, keepdims=True) + 1e-4
            advantages = ((rewards - rewards.mean(axis=1, keepdims=True)) / scale).reshape(-1)
            old, anchor = (policy.token_log_probs(each, asked.prompts, answers) for each in (params[0], reference))
            return asked.prompts, answers, advantages, old, anchor

        def objective(policy: Any, params: Any, batch: Any) -> Any:
            prompts, answers, advantages, old, anchor = batch
            log_probs = policy.token_log_probs(params[0], prompts, answers)
            surrogate = clipped_surrogate(log_probs - old, advantages[:, None], self.clip)
            drift = anchor - log_probs
            return jnp.mean(self.kl_coefficient * (jnp.exp(drift) - drift - 1) - surrogate)

        return Recipe(collect, objective, self.num_epochs)


def clipped_surrogate(log_ratio: Any, advantages: Any, clip: float) -> Any:
    """min(rho A, clip(rho, 1 - c, 1 + c) A), by token (Schulman et al. 2017, arXiv 1707.06347, eq. 7)."""
    import jax.numpy as jnp

    ratio = jnp.exp(log_ratio)
    return jnp.minimum(ratio * advantages, jnp.clip(ratio, 1 - clip, 1 + clip) * advantages)
