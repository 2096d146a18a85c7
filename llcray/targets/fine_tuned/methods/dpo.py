"""DPO: the log-odds of a right over a wrong answer, against those of the policy before fine-tuning.

    m = log pi(right)/pi_ref(right) - log pi(wrong)/pi_ref(wrong)
    minimise E[-log sigmoid(b m) - k log pi(right)]

Alone, the first term may lower the right answer too as long as it lowers the wrong one more; the second keeps it up.

Reference: Rafailov et al. 2023, arXiv 2305.18290, eq. 7; the second term: Pang et al. 2024, arXiv 2404.19733, eq. 1.
"""

from typing import Any, Literal

from llcray.targets.fine_tuned.methods.method import MethodVariant, Recipe, chosen
from llcray.variant import Count, NonNegativeFloat, PositiveFloat


class DPO(MethodVariant):
    """Direct preference optimization.

    Attributes:
        batch_size: Pairs in a step.
        beta: b (the literature's beta of DPO; nothing to do with a temperature of sampling).
        nll_coefficient: k.
    """

    kind: Literal["dpo"] = "dpo"
    batch_size: Count = 256
    beta: PositiveFloat = 0.1
    nll_coefficient: NonNegativeFloat = 1.0

    def build(self) -> Recipe:
        import jax.numpy as jnp

        def collect(rng_key: Any, policy: Any, params: Any, reference: Any, problems: Any) -> Any:
            del params
            asked = chosen(rng_key, problems, self.batch_size)
            return asked, policy.log_odds(reference, asked)

        def objective(policy: Any, params: Any, batch: Any) -> Any:
            asked, before = batch
            return jnp.mean(preference_losses(policy, params[0], asked, before, self.beta, self.nll_coefficient))

        return Recipe(collect, objective)


def preference_losses(policy: Any, params: Any, asked: Any, before: Any, beta: float, nll_coefficient: float) -> Any:
    """-log sigmoid(b m) - k log pi(right) of each pair, nats; `before` are the log-odds of the reference."""
    import jax

    margins = policy.log_odds(params, asked) - before
    right = policy.log_probs_of(params, asked.prompts, asked.right)
    return -jax.nn.log_sigmoid(beta * margins) - nll_coefficient * right
