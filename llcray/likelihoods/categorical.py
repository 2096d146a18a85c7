"""Categorical likelihood, whose outputs f are logits.

-log p(y | f) = log sum_c exp(f_c) - f_y
"""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from llcray.likelihoods.likelihood import LikelihoodVariant, constant

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task


class CategoricalLikelihood(LikelihoodVariant):
    """Softmax cross-entropy, summed over the positions of a sequence. Labels of -1 are not predicted."""

    kind: Literal["categorical"] = "categorical"
    task: ClassVar["Task"] = "classification"

    def coefficients(self, x: "np.ndarray") -> "np.ndarray":
        return constant(x)

    @classmethod
    def nll(cls, outputs: Any, y: Any, coefficients: Any) -> Any:
        import jax

        del coefficients
        # A product with the one-hot label batches better over chains than a gather.
        label = jax.nn.one_hot(y, outputs.shape[-1], dtype=outputs.dtype)
        return -(jax.nn.log_softmax(outputs) * label).reshape(len(outputs), -1).sum(-1)
