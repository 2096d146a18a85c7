"""A network as a policy: it answers prompts token by token; a program checks the answers."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from llcray.array_types import Array, PyTree
from llcray.targets.model_loss import ModelLoss


@dataclass(frozen=True)
class Policy:
    """A policy that answers prompts: a decoder with outputs at all positions; equal by value.

    Prompts are (batch, prompt token), answers (batch, answer token).

    Attributes:
        network: The decoder; its outputs are the logits of the next token.
        prompt_length: Tokens of a prompt.
        answer_length: Tokens of an answer.
    """

    network: ModelLoss
    prompt_length: int
    answer_length: int

    def log_probs(self, params: PyTree, prompts: Array, answers: Array) -> Array:
        """Log-probabilities of every token in the place of each of the answer's: (batch, answer token, vocabulary)."""
        outputs = self.network.outputs(params, self._read(prompts, answers))
        return jax.nn.log_softmax(outputs[:, self.prompt_length - 1 :])

    def token_log_probs(self, params: PyTree, prompts: Array, answers: Array) -> Array:
        """Log-probabilities of the answer's tokens, each after those before it: (batch, answer token)."""
        log_probs = self.log_probs(params, prompts, answers)
        return jnp.sum(log_probs * jax.nn.one_hot(answers, log_probs.shape[-1], dtype=log_probs.dtype), axis=-1)

    def log_probs_of(self, params: PyTree, prompts: Array, answers: Array) -> Array:
        """Log-probabilities of whole answers (batch,)."""
        return jnp.sum(self.token_log_probs(params, prompts, answers), axis=-1)

    def log_odds(self, params: PyTree, problems: Any) -> Array:
        """log pi(right)/pi(wrong) of each problem (batch,)."""
        right, wrong = (self.log_probs_of(params, problems.prompts, each) for each in (problems.right, problems.wrong))
        return right - wrong

    def sample(self, rng_key: Array, params: PyTree, prompts: Array) -> Array:
        """Answers drawn from the policy, int32."""
        answers = jnp.zeros((prompts.shape[0], self.answer_length), jnp.int32)
        for token in range(self.answer_length):
            log_probs = self.log_probs(params, prompts, answers)[:, token]
            drawn = jax.random.categorical(jax.random.fold_in(rng_key, token), log_probs)
            answers = answers.at[:, token].set(drawn.astype(jnp.int32))
        return answers

    def reward(self, answers: Array, right: Array) -> Array:
        """1 for a right answer, else 0 (batch,)."""
        return jnp.all(answers == right, axis=-1).astype(jnp.float32)

    def features(self, params: PyTree, prompts: Array, answers: Array) -> Array:
        """Inputs of the output matrix before each token of the answer: (batch, answer token, width)."""
        features = self.network.module(params).features(self._read(prompts, answers))
        return features[:, self.prompt_length - 1 :]

    def num_features(self, params: PyTree) -> int:
        """Width of the features."""
        tokens = jnp.zeros((1, self.prompt_length), jnp.int32), jnp.zeros((1, self.answer_length), jnp.int32)
        return jax.eval_shape(lambda: self.features(params, *tokens)).shape[-1]

    def _read(self, prompts: Array, answers: Array) -> Array:
        return jnp.concatenate([prompts, answers[:, :-1]], axis=1)
