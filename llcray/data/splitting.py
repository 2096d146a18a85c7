"""Random splits into training and test examples, and scaling by training statistics."""

import numpy as np

from llcray.data.source import Examples


def split(
    examples: Examples, test_fraction: float, num_data: int | None, rng: np.random.Generator
) -> tuple[Examples, Examples]:
    """Training and test examples: a random share is held out, and `num_data` of the others are trained on.

    Args:
        examples: All examples.
        test_fraction: Share that is held out.
        num_data: Number of training examples; None takes all that are left.
        rng: Source of the random order.

    Raises:
        ValueError: `num_data` is more than the examples that are left.
    """
    order = rng.permutation(len(examples))
    num_test = round(test_fraction * len(examples))
    test, train = order[:num_test], order[num_test:]
    if num_data is not None and num_data > len(train):
        raise ValueError(
            f"num_data {num_data} is more than the {len(train)} of {len(examples)} examples that test_fraction "
            f"{test_fraction} leaves. Lower either."
        )
    train = train[:num_data]
    return Examples(examples.x[train], examples.y[train]), Examples(examples.x[test], examples.y[test])


def standardize(train: Examples, test: Examples) -> tuple[Examples, Examples]:
    """The examples, each input scaled to mean 0 and variance 1 over the training examples; constant ones become 0."""
    mean, spread = train.x.mean(0), train.x.std(0)
    scale = np.where(spread > 0, spread, 1.0)
    return Examples((train.x - mean) / scale, train.y), Examples((test.x - mean) / scale, test.y)
