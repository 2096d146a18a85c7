"""Detection of burn-in: how many first draws were still on their way to the stationary distribution."""

import numpy as np

# At most this share of a series can be declared burn-in; beyond it there is too little left to judge by.
MAX_SHARE = 0.5
NUM_BATCHES = 40


def detect_burn_in(series: np.ndarray) -> int:
    """Number of first draws to discard, by the marginal standard error rule on the mean over chains.

    The rule truncates where the squared standard error of what remains, estimated as if batches were independent, is
    least: dropping a biased start lowers the variance by more than the lost draws raise it.

    Args:
        series: Shape (chain, draw), finite.

    Returns:
        A count between 0 and half the draws.

    Reference:
        White 1997, An effective truncation heuristic for bias reduction in simulation output (MSER); batched, MSER-5:
        White, Cobb & Spratt 2000.
    """
    num_draws = series.shape[1]
    size = max(1, num_draws // NUM_BATCHES)
    num_batches = num_draws // size
    if num_batches < 8:
        return 0
    # Batches are cut from the end, so that a remainder is dropped at the start.
    batches = series.mean(axis=0)[num_draws - num_batches * size :].reshape(num_batches, size).mean(axis=1)
    candidates = range(int(num_batches * MAX_SHARE) + 1)
    errors = [batches[k:].var() / (num_batches - k) for k in candidates]
    first = int(np.argmin(errors))
    return 0 if first == 0 else num_draws - num_batches * size + first * size
