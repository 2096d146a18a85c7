"""Sums of numbers as token sequences, `3 7 + 8 5 =` -> `2 2`: a task whose answers a program can check.

A prompt is both numbers, most significant digit first; the answer is (a + b) mod 10^digits, *least* significant digit
first, so that each digit needs those before it. The wrong answer of a preference pair is (a - b) mod 10^digits.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field

from llcray.data.source import Examples, LabelledData, Split, Task
from llcray.variant import NonNegativeInt

if TYPE_CHECKING:
    import numpy as np

PLUS, EQUALS, VOCABULARY = 10, 11, 12
NOT_PREDICTED = -1


class Problems(NamedTuple):
    """Prompts with a right and a wrong answer each, int32 tokens.

    Attributes:
        prompts: (problem, prompt token).
        right: The sum, (problem, answer token).
        wrong: The difference, (problem, answer token); equal to the sum where 2 b is a multiple of 10^digits.
    """

    prompts: Any
    right: Any
    wrong: Any


class DigitSums(LabelledData):
    """All pairs of numbers, split once into training and test prompts.

    An input is a prompt and its answer without the last token. The labels are the next tokens, but -1 within the
    prompt, since only the answer is learned.

    Attributes:
        num_digits: Digits of a number.
        answers: Answers in the training examples: `sums`, or `sums_and_differences`, which gives every prompt with
            either answer once. A policy trained on both gives each answer half of the time, an accuracy that
            fine-tuning can raise.
        test_fraction: Share of the prompts that is held out, with their sums.
        split_seed: Seed of the split, which does not depend on the target's seed.
    """

    kind: Literal["digit_sums"] = "digit_sums"
    num_digits: int = Field(default=2, strict=True, ge=1, le=3)
    answers: Literal["sums", "sums_and_differences"] = "sums_and_differences"
    test_fraction: float = Field(default=0.2, ge=0, lt=1)
    split_seed: NonNegativeInt = 0

    @property
    def task(self) -> Task:
        return "classification"

    @property
    def num_outputs(self) -> int:
        return VOCABULARY

    @property
    def prompt_length(self) -> int:
        """Number of tokens of a prompt."""
        return 2 * self.num_digits + 2

    @property
    def size(self) -> int:
        num_train = 100**self.num_digits - self.num_held_out
        return num_train * (2 if self.answers == "sums_and_differences" else 1)

    @property
    def num_held_out(self) -> int:
        return round(self.test_fraction * 100**self.num_digits)

    def load(self, rng: "np.random.Generator") -> Split:
        import numpy as np

        del rng
        train, test = self.problems()
        taught = [train.right, train.wrong] if self.answers == "sums_and_differences" else [train.right]
        prompts = np.concatenate([train.prompts] * len(taught))
        return Split(_examples(prompts, np.concatenate(taught)), _examples(test.prompts, test.right), VOCABULARY)

    def problems(self) -> tuple[Problems, Problems]:
        """The problems to train on and those to hold out, each in random order."""
        import numpy as np

        base = 10**self.num_digits
        numbers = np.random.default_rng([self.split_seed, self.num_digits]).permutation(base**2)
        a, b = np.divmod(numbers, base)
        plus, equals = np.full((len(a), 1), PLUS), np.full((len(a), 1), EQUALS)
        prompts = [self._digits(a)[:, ::-1], plus, self._digits(b)[:, ::-1], equals]
        fields = (np.concatenate(prompts, axis=1), self._digits((a + b) % base), self._digits((a - b) % base))
        tokens = [np.ascontiguousarray(field, dtype=np.int32) for field in fields]
        num_test = self.num_held_out
        return Problems(*(field[num_test:] for field in tokens)), Problems(*(field[:num_test] for field in tokens))

    def _digits(self, numbers: "np.ndarray") -> "np.ndarray":
        """Digits of each number, least significant first, shape (number, digit)."""
        import numpy as np

        return np.stack([numbers // 10**place % 10 for place in range(self.num_digits)], axis=1)


def _examples(prompts: "np.ndarray", answers: "np.ndarray") -> Examples:
    import numpy as np

    unread = np.full((len(prompts), prompts.shape[1] - 1), NOT_PREDICTED, np.int32)
    return Examples(np.concatenate([prompts, answers[:, :-1]], axis=1), np.concatenate([unread, answers], axis=1))
