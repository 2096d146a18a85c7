"""Supervised fine-tuning, the control: minimise E[-log pi(right answer)]."""

from typing import Any, Literal

from llcray.targets.fine_tuned.methods.method import MethodVariant, Recipe, chosen
from llcray.variant import Count


class SFT(MethodVariant):
    """Supervised fine-tuning on right answers.

    Attributes:
        batch_size: Prompts in a step, with their right answers.
    """

    kind: Literal["sft"] = "sft"
    batch_size: Count = 256

    def build(self) -> Recipe:
        import jax.numpy as jnp

        def collect(rng_key: Any, policy: Any, params: Any, reference: Any, problems: Any) -> Any:
            del policy, params, reference
            return chosen(rng_key, problems, self.batch_size)

        def objective(policy: Any, params: Any, batch: Any) -> Any:
            return -jnp.mean(policy.log_probs_of(params[0], batch.prompts, batch.right))

        return Recipe(collect, objective)
