"""Policies, rewards and objectives against what can be counted or computed by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llcray.data import DigitSums
from llcray.data.digit_sums import Problems
from llcray.targets import FineTunedTarget
from llcray.targets.fine_tuned.build import policy_of
from llcray.targets.fine_tuned.losses import policy_target
from llcray.targets.fine_tuned.methods import DPO, GRPO, PPO
from llcray.targets.fine_tuned.methods.grpo import clipped_surrogate
from llcray.targets.fine_tuned.methods.loop import fine_tune
from llcray.targets.fine_tuned.methods.policy import Policy
from llcray.targets.fine_tuned.methods.ppo import generalised_advantages
from llcray.targets.model_loss import initial_params
from llcray.targets.policy_loss import AnswerNLL, KLToCenter, PreferenceLoss, Regret

TINY: Any = {
    "data": {"num_digits": 2},
    "architecture": {
        "kind": "transformer", "num_layers": 1, "num_heads": 2, "width": 16, "mlp_width": 16, "readout": "all",
        "embedding_scale": 1.0,
    },
    "method": {"kind": "sft"},
}  # fmt: skip
SPEC = FineTunedTarget(**TINY)
POLICY = policy_of(SPEC)
TRAIN, TEST = SPEC.data.problems()


def weights(seed: int) -> Any:
    network = SPEC.architecture
    return initial_params(network, POLICY.network.input_shape, POLICY.network.num_outputs, seed)


def first(problems: Problems, num: int) -> Problems:
    return Problems(*(tokens[:num] for tokens in problems))


def test_sums_are_written_units_first_and_no_prompt_is_in_both_splits():
    assert len(TRAIN.prompts) == 8000 and len(TEST.prompts) == 2000
    both = np.concatenate([TRAIN.prompts, TEST.prompts])
    assert len(np.unique(both, axis=0)) == 10_000
    index = int(np.flatnonzero((both == [3, 7, 10, 8, 5, 11]).all(1))[0])
    right, wrong = (np.concatenate([a, b])[index] for a, b in ((TRAIN.right, TEST.right), (TRAIN.wrong, TEST.wrong)))
    assert right.tolist() == [2, 2] and wrong.tolist() == [2, 5]  # 37 + 85 = 122, 37 - 85 = -48 = 52 modulo 100


def test_a_network_is_taught_both_answers_and_no_token_of_the_prompt():
    split = SPEC.data.load(np.random.default_rng(0))
    assert len(split.train) == SPEC.data.size == 16_000
    assert (split.train.y[:, : SPEC.data.prompt_length - 1] == -1).all()
    assert (split.train.y[:, SPEC.data.prompt_length - 1 :] >= 0).all()


def test_answers_are_drawn_as_often_as_their_probability_says():
    """Catches a token drawn from the logits of another place: all 144 answers, within 4.5 standard errors."""
    params, num = weights(0), 40_000
    prompts = np.repeat(TRAIN.prompts[:1], num, axis=0)
    answers = np.asarray(jax.jit(POLICY.sample)(jax.random.key(0), params, prompts))
    every = np.stack(np.divmod(np.arange(144), 12), axis=1).astype(np.int32)
    exact = np.exp(POLICY.log_probs_of(params, np.repeat(TRAIN.prompts[:1], 144, axis=0), every))
    np.testing.assert_allclose(exact.sum(), 1, atol=1e-5)
    counted = np.bincount(answers @ [12, 1], minlength=144) / num
    assert (np.abs(counted - exact) < 4.5 * np.sqrt(exact * (1 - exact) / num) + 1e-6).all()


@pytest.mark.parametrize(
    ("ratio", "advantage", "value"), [(1.5, 1.0, 1.2), (0.5, 1.0, 0.5), (1.5, -1.0, -1.5), (0.5, -1.0, -0.8)]
)
def test_the_surrogate_takes_no_more_credit_than_the_clip(ratio: float, advantage: float, value: float):
    """By hand, at c = 0.2 (Schulman et al. 2017, figure 1)."""
    found = clipped_surrogate(jnp.log(ratio), jnp.asarray(advantage), 0.2)
    np.testing.assert_allclose(found, value, rtol=1e-6)


def test_generalised_advantages_lie_between_one_step_and_the_whole_answer():
    """lambda = 0 is V_{t+1} - V_t, lambda = 1 is r - V_t (Schulman et al. 2016, eq. 17 and 18)."""
    rewards, values = np.array([1.0, 0.0]), np.array([[0.3, 0.6], [0.5, 0.1]])
    steps = np.array([[0.3, 0.4], [-0.4, -0.1]])
    np.testing.assert_allclose(generalised_advantages(rewards, values, 0.0), steps, atol=1e-6)
    np.testing.assert_allclose(generalised_advantages(rewards, values, 1.0), rewards[:, None] - values, atol=1e-6)
    half = np.stack([steps[:, 0] + 0.5 * steps[:, 1], steps[:, 1]], axis=1)
    np.testing.assert_allclose(generalised_advantages(rewards, values, 0.5), half, atol=1e-6)


def test_the_gradient_of_grpo_is_that_of_the_advantages_log_likelihood():
    """Where answers are the policy's own the ratio is 1 and its gradient that of log pi: -mean A grad log pi."""
    params = (weights(0), ())
    recipe = GRPO(batch_size=4, group_size=3).build()
    batch = recipe.collect(jax.random.key(1), POLICY, params, weights(1), jax.tree.map(jnp.asarray, TRAIN))
    prompts, answers, advantages, _, _ = batch
    np.testing.assert_allclose(advantages.reshape(4, 3).sum(1), 0, atol=1e-4)
    found = jax.jit(jax.grad(lambda own: recipe.objective(POLICY, own, batch)))(params)[0]

    def credited(own: Any) -> Any:
        return -jnp.mean(advantages[:, None] * POLICY.token_log_probs(own, prompts, answers))

    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(jax.jit(jax.grad(credited))(params[0])), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_the_divergence_from_the_center_is_least_there_and_is_that_of_its_distributions():
    """Kullback-Leibler divergence by hand; zero with zero gradient at the center, above zero elsewhere."""
    center, other = weights(0), weights(1)
    target = policy_target(POLICY, TRAIN, KLToCenter(num_data=20), center, center)
    assert abs(target.facts.loss_at_center or 0) < 1e-12 and (target.facts.gradient_norm_at_center or 0) < 1e-6
    found = np.asarray(jax.jit(target.loss_fn)(other, target.data))
    log_probs = jax.jit(POLICY.log_probs)
    p, q = (np.exp(log_probs(each, target.data["prompts"], target.data["answers"])) for each in (center, other))
    np.testing.assert_allclose(found, (p * np.log(p / q)).sum((1, 2)), rtol=1e-4)
    assert (found > 0).all() and target.is_likelihood and target.loss_kind == "kl_to_center"


def test_a_preference_loss_starts_at_log_two_and_the_likelihood_of_right_answers():
    base = weights(0)
    target = policy_target(POLICY, TRAIN, PreferenceLoss(num_data=20, nll_coefficient=0.5), base, base)
    nll = -POLICY.log_probs_of(base, TRAIN.prompts[:20], TRAIN.right[:20])
    np.testing.assert_allclose(target.loss_fn(base, target.data), np.log(2) + 0.5 * nll, rtol=1e-5)
    moved = weights(1)
    margins = POLICY.log_odds(moved, first(TRAIN, 20)) - POLICY.log_odds(base, first(TRAIN, 20))
    nll = -POLICY.log_probs_of(moved, TRAIN.prompts[:20], TRAIN.right[:20])
    by_hand = np.log1p(np.exp(-0.1 * np.asarray(margins))) + 0.5 * np.asarray(nll)
    np.testing.assert_allclose(target.loss_fn(moved, target.data), by_hand, rtol=1e-4)


def test_regret_is_one_less_the_chance_of_a_right_answer_and_no_likelihood():
    params = weights(0)
    regret, nll = (policy_target(POLICY, TRAIN, loss(num_data=20), params, params) for loss in (Regret, AnswerNLL))
    found = 1 - np.exp(-np.asarray(nll.loss_fn(params, nll.data)))
    np.testing.assert_allclose(regret.loss_fn(params, regret.data), found, rtol=1e-5)
    assert nll.is_likelihood and not regret.is_likelihood


@pytest.mark.slow
def test_the_kl_term_of_grpo_holds_the_policy_back():
    """A coefficient so large that reward does not count: the policy stays by its reference, without it it does not."""

    def drift(coefficient: float) -> float:
        method = GRPO(batch_size=8, num_steps=20, learning_rate=3e-3, kl_coefficient=coefficient, num_epochs=2)
        base = weights(0)
        end = fine_tune(method, POLICY, base, TRAIN, 0, [20])[0]
        target = policy_target(POLICY, TRAIN, KLToCenter(num_data=64), base, base)
        return float(np.mean(target.loss_fn(end, target.data)))

    assert drift(100.0) < 0.5 * drift(0.0)


def test_a_value_head_is_learned_beside_the_policy():
    """The reward of an untrained policy is nearly always 0: the head must end nearer to that than it began."""
    recipe = PPO(batch_size=16).build()
    params = (weights(0), recipe.init(jax.random.key(0), POLICY, weights(0)))
    assert params[1]["kernel"].shape == (16,)
    kept = fine_tune(PPO(batch_size=16, num_steps=2), POLICY, weights(0), TRAIN, 0, [0, 2])
    assert jax.tree.structure(kept[1]) == jax.tree.structure(weights(0))


def test_weights_stored_in_bfloat16_stay_where_steps_are_below_half_their_spacing():
    """What makes updates look sparse (arXiv 2511.08567): the same run, two types of storage."""
    shares = {}
    for dtype in ("float32", "bfloat16"):
        kept = fine_tune(DPO(batch_size=8, num_steps=3, weights=dtype), POLICY, weights(0), TRAIN, 0, [0, 3])
        pairs = list(zip(*(jax.tree.leaves(each) for each in kept), strict=True))
        shares[dtype] = sum((a == b).sum() for a, b in pairs) / sum(a.size for a, _ in pairs)
        if dtype == "bfloat16":
            assert all((b == b.astype(jnp.bfloat16).astype(np.float32)).all() for _, b in pairs)
    assert shares["bfloat16"] > 0.3 and shares["float32"] < 0.3


def test_policies_are_equal_by_value():
    """Checkpoints share compiled programs only if their losses are equal."""
    assert policy_of(SPEC) == policy_of(SPEC.at_step(3)) and isinstance(policy_of(SPEC), Policy)
    assert policy_of(SPEC) != policy_of(FineTunedTarget(**TINY | {"data": DigitSums(num_digits=3)}))
