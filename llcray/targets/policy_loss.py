"""Losses of a fine-tuned policy, of which an LLC is taken. pi_w is the policy, pi_* the policy at the checkpoint.

    kl_to_center    E_{x, y ~ pi_*} sum_t KL(pi_*(. | x, y_<t) || pi_w(. | x, y_<t))
    nll             -log pi_w(right answer | x)
    dpo             -log sigmoid(b m) - k log pi_w(right | x),  m: log-odds of right over wrong, less those at first
    regret          1 - pi_w(right answer | x), which is 1 - E[reward]

The first loss is least exactly at the checkpoint, whatever was optimised. The others are fixed functions along the
whole fine-tuning, and least at none of its checkpoints: rows warn where their gradient is large. The objectives of PPO
and GRPO change at every step and have no minimum at w*, so they are no members of this list.
"""

from typing import Annotated, Literal

from pydantic import Field

from llcray.variant import Count, NonNegativeFloat, NonNegativeInt, PositiveFloat, Variant


class PolicyLossVariant(Variant):
    """Base of the losses.

    Attributes:
        num_data: Number n of training prompts: the first so many, or all where there are fewer.
    """

    num_data: Count = 512


class KLToCenter(PolicyLossVariant):
    """Divergence from the checkpoint's policy, exact over tokens, on prefixes that it drew.

    Up to a constant the negative log-likelihood of its own answers.

    Attributes:
        seed: Seed of the prefixes.
    """

    kind: Literal["kl_to_center"] = "kl_to_center"
    seed: NonNegativeInt = 0


class AnswerNLL(PolicyLossVariant):
    """Negative log-likelihood of the right answers."""

    kind: Literal["nll"] = "nll"


class PreferenceLoss(PolicyLossVariant):
    """Preference of right over wrong answers, with a term that keeps the right ones likely.

    Attributes:
        beta: b.
        nll_coefficient: k.
    """

    kind: Literal["dpo"] = "dpo"
    beta: PositiveFloat = 0.1
    nll_coefficient: NonNegativeFloat = 1.0


class Regret(PolicyLossVariant):
    """Expected reward missed; no log-likelihood, and its rows say so.

    Reference: Elliott et al. 2026, arXiv 2601.07524 (LLCs of regret).
    """

    kind: Literal["regret"] = "regret"


PolicyLoss = Annotated[KLToCenter | AnswerNLL | PreferenceLoss | Regret, Field(discriminator="kind")]
