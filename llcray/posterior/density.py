"""The tempered, localized posterior: the sole owner of the inverse temperature (beta) and the localization (gamma).

    log p(w) = -n beta L_n(w) - gamma/2 |w - w*|^2 + const,    L_n(w) = mean of the per-example losses over all n.

L_n and its minibatch estimate are means over examples, so n beta multiplies them once. Samplers run at temperature one;
beta enters here alone. Sampling moves the free coordinates, a flat vector; the rest of w stays at w*.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float64

from llcray.array_types import Array, LossFn, PyTree
from llcray.posterior.coordinates import Block, Coordinates
from llcray.posterior.spec import FixedInverseTemperature, FixedProduct, Ladder, LogN, PosteriorSpec, Radius
from llcray.targets.target import Target

# An `auto` gamma is the largest curvature of n beta L_n divided by this ratio.
LOCALIZATION_RATIO = 3000.0
# Full-data losses are evaluated on this many examples at a time, which bounds memory per chain.
EXAMPLES_PER_CHUNK = 8192


@dataclass(frozen=True)
class Layout:
    """The places of the free coordinates in the parameter pytree; compares by value, so that programs are shared.

    Attributes:
        treedef: Structure of the parameters.
        shapes: Shape of every leaf.
        num_free: Number of free coordinates of every leaf: none, some or all of its coordinates.
    """

    treedef: Any
    shapes: tuple[tuple[int, ...], ...]
    num_free: tuple[int, ...]

    def is_partial(self, leaf: int) -> bool:
        """Whether some coordinates of this leaf move and others do not."""
        return 0 < self.num_free[leaf] < int(np.prod(self.shapes[leaf]))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The places of the parameter arrays among the free coordinates; a convolution's last axis is its columns."""
        blocks, start = [], 0
        for leaf, (shape, num_free) in enumerate(zip(self.shapes, self.num_free, strict=True)):
            columns = shape[-1] if len(shape) > 1 and not self.is_partial(leaf) else num_free
            if num_free:
                blocks.append(Block(start, num_free // columns, columns))
            start += num_free
        return tuple(blocks)


@partial(
    jax.tree_util.register_dataclass,
    data_fields=[
        "center",
        "frozen",
        "indices",
        "data",
        "buffers",
        "probe",
        "n_beta",
        "localization",
        "loss_at_center",
        "coordinates",
    ],
    meta_fields=["loss_fn", "layout", "micro_batch", "loss_batch", "chains_together"],
)
@dataclass(frozen=True)
class Posterior:
    """The density that is sampled, as a pytree: all numbers are traced, the loss and the layout are static.

    Attributes:
        center: Free coordinates of w*, shape (d,), in the precision the sampler works in.
        frozen: Leaves of w* that do not move whole (None where a leaf moves whole).
        indices: Flat positions of the free coordinates in partly free leaves (None elsewhere).
        data: Pytree of arrays with the n examples first.
        probe: Examples whose losses are recorded at each draw, in the form of `data`; None for none.
        n_beta: n times the inverse temperature.
        localization: gamma.
        loss_at_center: L_n(w*) over the full data in float64, nats.
        loss_fn: Per-example loss, `(params, batch) -> (batch,)`.
        layout: Places of the free coordinates.
        buffers: Arrays that the loss reads besides and that never move; None for none.
        coordinates: The map S: positions are w* + u where the parameters are w* + S u. None: the identity.
        micro_batch: Most examples whose losses are computed at a time, forwards and backwards: bounds memory.
        loss_batch: Examples of the paired batch that a draw's loss is taken on; None for all of the data.
        chains_together: Whether the chains of a run are advanced side by side, or one after another.
    """

    center: Array
    frozen: tuple[Array | None, ...]
    indices: tuple[Array | None, ...]
    data: PyTree
    n_beta: Array
    localization: Array
    loss_at_center: Array
    loss_fn: LossFn
    layout: Layout
    buffers: PyTree = None
    probe: PyTree = None
    coordinates: Coordinates | None = None
    micro_batch: int = EXAMPLES_PER_CHUNK
    loss_batch: int | None = None
    chains_together: bool = True

    @property
    def num_data(self) -> int:
        """n, the size of the dataset."""
        return jax.tree.leaves(self.data)[0].shape[0]

    @property
    def num_sampled_params(self) -> int:
        """d, the number of free coordinates."""
        return sum(self.layout.num_free)

    def astype(self, dtype: Any) -> "Posterior":
        """Returns the same posterior, on the host, in another precision; the loss at w* stays float64."""
        cast = jax.tree.map(lambda x: _cast(x, dtype), replace(self, loss_at_center=None))
        return replace(cast, loss_at_center=self.loss_at_center)

    def params(self, position: Float[Array, " d"]) -> PyTree:
        """Returns the parameter pytree at free coordinates `position`, shape (d,)."""
        position = self.place(position)
        leaves, start = [], 0
        for leaf, (shape, num_free) in enumerate(zip(self.layout.shapes, self.layout.num_free, strict=True)):
            part = position[start : start + num_free]
            start += num_free
            fixed, indices = self.frozen[leaf], self.indices[leaf]
            if indices is not None:
                assert fixed is not None
                part = fixed.reshape(-1).at[indices].set(part)
            leaves.append(fixed if num_free == 0 else part.reshape(shape))
        return jax.tree.unflatten(self.layout.treedef, leaves)

    def place(self, position: Float[Array, " d"]) -> Float[Array, " d"]:
        """Returns the free coordinates of the parameters at a position: others where chains have `coordinates`."""
        if self.coordinates is None:
            return position
        return self.center + self.coordinates.displacement(position - self.center)

    def position_at(self, displacement: Float[Array, " d"]) -> Float[Array, " d"]:
        """Returns the position whose parameters are w* plus a displacement w - w*."""
        return self.center + (displacement if self.coordinates is None else self.coordinates.of(displacement))

    def localization_gradient(self, position: Float[Array, " d"]) -> Float[Array, " d"]:
        """Returns the gradient of gamma/2 |w - w*|^2 along the position, shape (d,)."""
        gradient = self.localization * (position - self.center)
        return gradient if self.coordinates is None else self.coordinates.scale**2 * gradient

    def losses(self, position: Float[Array, " d"], batch: PyTree) -> Float[Array, " batch"]:
        """Returns the per-example losses at `position`, shape (batch,), nats."""
        return self.loss_fn(self.params(position), batch, *_given(self.buffers))

    @property
    def num_probes(self) -> int:
        """The number of examples whose losses are recorded at each draw."""
        leaves = jax.tree.leaves(self.probe)
        return leaves[0].shape[0] if leaves else 0

    def probe_losses(self, position: Float[Array, " d"]) -> Float[Array, " probe"]:
        """Returns the losses of the probe examples at `position`, shape (num_probes,), nats, float32."""
        starts = range(0, self.num_probes, self.micro_batch)
        chunks = [jax.tree.map(lambda x, i=i: x[i : i + self.micro_batch], self.probe) for i in starts]
        losses = [self.losses(position, chunk).astype(jnp.float32) for chunk in chunks]
        return jnp.concatenate(losses) if losses else jnp.zeros(0, jnp.float32)

    def minibatch_loss(self, position: Float[Array, " d"], batch: PyTree) -> Float[Array, ""]:
        """Returns the mean loss over a batch, an unbiased estimate of L_n whose gradient micro-batches accumulate."""
        if jax.tree.leaves(batch)[0].shape[0] <= self.micro_batch:
            return jnp.mean(self.losses(position, batch))
        return full_loss(self._frugal_losses(position), batch, self.micro_batch).astype(position.dtype)

    def loss(self, position: Float[Array, " d"]) -> Float64[Array, ""]:
        """Returns L_n over the full data, nats, with examples summed in float64."""
        return full_loss(self._frugal_losses(position), self.data, self.micro_batch)

    def _frugal_losses(self, position: Float[Array, " d"]) -> Callable[[PyTree], Array]:
        """Returns the losses as a function of a batch; with micro-batches, the backward pass computes them again."""
        losses = partial(self.losses, position)
        return losses if self.micro_batch == EXAMPLES_PER_CHUNK else jax.checkpoint(losses)

    def centered_loss(self, position: Float[Array, " d"]) -> Float64[Array, ""]:
        """Returns L_n(w) - L_n(w*), nats, float64."""
        return self.loss(position) - self.loss_at_center

    def squared_distance(self, position: Float[Array, " d"]) -> Float[Array, ""]:
        """Returns |w - w*|^2 over the free coordinates."""
        return jnp.sum((self.place(position) - self.center) ** 2)

    def potential(self, loss: Float[Array, ""], position: Float[Array, " d"]) -> Float[Array, ""]:
        """Returns -log p, up to a constant, from the value at `position` of the full or a minibatch loss."""
        return self.n_beta * loss + 0.5 * self.localization * self.squared_distance(position)

    def logdensity(self, position: Float[Array, " d"]) -> Float[Array, ""]:
        """Returns log p(w) up to a constant that makes it zero at w*, in the dtype of `position`."""
        return -self.potential(self.centered_loss(position), position).astype(position.dtype)

    def centered_loss_of(self, logdensity: Float[Array, ""], position: Float[Array, " d"]) -> Float[Array, ""]:
        """Inverts `logdensity`: returns the centered loss that a Metropolis sampler has already paid for."""
        return (-logdensity - 0.5 * self.localization * self.squared_distance(position)) / self.n_beta


def full_loss(
    losses: Callable[[PyTree], Array], data: PyTree, chunk_size: int = EXAMPLES_PER_CHUNK
) -> Float64[Array, ""]:
    """Returns the mean of `losses(batch)` over all of `data`, summed in float64.

    Args:
        losses: Gives the losses of a batch, shape (batch,).
        data: Pytree of arrays with the examples first.
        chunk_size: Most examples whose losses are computed at a time.
    """
    num_data = jax.tree.leaves(data)[0].shape[0]
    num_chunks = num_data // chunk_size
    num_in_chunks = num_chunks * chunk_size
    total = jnp.zeros((), jnp.float64)
    if num_in_chunks:
        chunks = jax.tree.map(lambda x: x[:num_in_chunks].reshape(num_chunks, chunk_size, *x.shape[1:]), data)
        total += jnp.sum(jax.lax.map(lambda chunk: jnp.sum(losses(chunk), dtype=jnp.float64), chunks))
    if num_in_chunks < num_data:
        total += jnp.sum(losses(jax.tree.map(lambda x: x[num_in_chunks:], data)), dtype=jnp.float64)
    return total / num_data


def num_data_of(target: Target) -> int:
    """Returns n, the number of examples."""
    return int(np.shape(jax.tree.leaves(target.data)[0])[0])


def resolve_n_beta(spec: PosteriorSpec, num_data: int) -> float:
    """Returns the n beta that a spec asks for.

    Raises:
        ValueError: beta = scale/log n with fewer than two examples.
    """
    match spec.inverse_temperature:
        case LogN(scale=scale):
            if num_data < 2:
                raise ValueError(
                    f"inverse_temperature log_n needs at least 2 examples; the data have {num_data}. "
                    "Give {kind: fixed, value: ...} or more data."
                )
            return scale * num_data / float(np.log(num_data))
        case FixedInverseTemperature(value=value):
            return value * num_data
        case FixedProduct(value=value):
            return value


def resolve_localization(spec: PosteriorSpec, num_sampled_params: int, curvature: float) -> float:
    """Returns the gamma that a spec asks for.

    Args:
        spec: The posterior's spec.
        num_sampled_params: d.
        curvature: Curvature scale of n beta L_n near w* (largest eigenvalue of its Hessian), in 1/w^2.
    """
    match spec.localization:
        case "auto" | "ladder":
            return curvature / LOCALIZATION_RATIO
        case Radius(radius=radius):
            return num_sampled_params / radius**2
        case Ladder(ladder=gammas):
            return max(gammas)
        case float() | int() as localization:
            return float(localization)


def make_posterior(target: Target, n_beta: float, mask: PyTree | None, dtype: Any, probe: PyTree = None) -> Posterior:
    """Makes the posterior of a target with gamma = 0, in precision `dtype`, with its arrays on the host.

    Call this function with 64-bit types enabled.

    Args:
        target: The target; its parameters and data are cast to `dtype` where they are floating point.
        n_beta: n times the inverse temperature.
        mask: The coordinates that move: a pytree like the parameters, of bools or of boolean arrays of the leaf's
            shape; None for all coordinates.
        dtype: float32 or float64.
        probe: Examples whose losses are recorded at each draw, in the form of the target's data; None for none.

    Raises:
        ValueError: The mask selects nothing, or the loss at w* is not finite, or is not one number per example.
    """
    leaves, treedef = jax.tree.flatten(target.params)
    masks = [True] * len(leaves) if mask is None else treedef.flatten_up_to(mask)
    free, frozen, indices, num_free = [], [], [], []
    for leaf, leaf_mask in zip(leaves, masks, strict=True):
        values = np.asarray(leaf, dtype)
        chosen = np.flatnonzero(np.broadcast_to(np.asarray(leaf_mask, bool), values.shape))
        is_whole = len(chosen) == values.size
        num_free.append(len(chosen))
        free.append(values.reshape(-1)[chosen])
        frozen.append(None if is_whole else values)
        indices.append(None if is_whole or not len(chosen) else chosen)
    if not sum(num_free):
        raise ValueError(
            "The component selects 0 parameters; an LLC needs at least one. Check the component's pattern."
        )
    layout = Layout(treedef, tuple(np.shape(leaf) for leaf in leaves), tuple(num_free))
    data = jax.tree.map(lambda x: _cast(x, dtype), target.data)
    return Posterior(
        center=np.concatenate(free),
        frozen=tuple(frozen),
        indices=tuple(indices),
        data=data,
        n_beta=np.asarray(n_beta, dtype),
        localization=np.zeros((), dtype),
        loss_at_center=np.asarray(loss_at_center(target)),
        loss_fn=target.loss_fn,
        layout=layout,
        buffers=jax.tree.map(lambda x: _cast(x, dtype), target.buffers),
        probe=jax.tree.map(lambda x: _cast(x, dtype), probe),
    )


def loss_at_center(target: Target) -> float:
    """Returns L_n(w*) over the full data in float64, nats. Call this function with 64-bit types enabled.

    Raises:
        ValueError: The loss is not one finite number per example.
    """
    params = jax.tree.map(lambda x: np.asarray(x, np.float64), target.params)
    data = jax.tree.map(lambda x: _cast(x, np.float64), target.data)
    buffers = jax.tree.map(lambda x: _cast(x, np.float64), target.buffers)
    num_data = num_data_of(target)
    shape = _shape_of_losses(target.loss_fn, params, data, buffers)
    if shape != (num_data,):
        raise ValueError(
            f"loss_fn returned shape {shape} for {num_data} examples; it must return one loss per example, "
            f"shape ({num_data},). Return the losses before averaging them."
        )
    value = float(_loss_over(target.loss_fn, params, data, buffers))
    if not np.isfinite(value):
        raise ValueError(
            f"The loss at w* is {value}; an LLC needs a finite loss there. Check the parameters, the data and the loss."
        )
    return value


def _given(buffers: PyTree) -> tuple[PyTree, ...]:
    """The arguments of a loss past the batch: buffers, where there are any."""
    return () if buffers is None else (buffers,)


UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
"""What JAX raises where a function asks for the values of what it is given."""


def _shape_of_losses(loss_fn: LossFn, params: PyTree, data: PyTree, buffers: PyTree) -> tuple[int, ...]:
    try:
        hash(loss_fn)
    except TypeError as error:
        raise ValueError(
            f"loss_fn, a {type(loss_fn).__name__}, cannot be hashed, and programs are kept by their loss. Give a "
            "function, or a frozen dataclass whose fields can be hashed."
        ) from error
    try:
        losses = jax.eval_shape(loss_fn, params, data, *_given(buffers))
    except UNTRACEABLE as error:
        raise ValueError(
            f"loss_fn cannot be traced by JAX: {str(error).strip().splitlines()[0]} Compute with jax.numpy in place of "
            "NumPy and float(), and with jnp.where in place of `if`."
        ) from error
    except Exception as error:
        # flax's own class; flax is not imported for its name.
        if type(error).__name__ != "TraceContextError":
            raise
        raise ValueError(
            "loss_fn changes a flax module that was made outside of it: BatchNorm statistics or dropout's random "
            "numbers in training mode, or nnx.update. Call model.eval() first, and merge the parameters in loss_fn "
            "(nnx.merge)."
        ) from error
    shape = getattr(losses, "shape", None)
    if shape is None:
        raise ValueError(
            f"loss_fn returned a {type(losses).__name__}; it must return an array of one loss per example."
        )
    if not jnp.issubdtype(losses.dtype, jnp.floating):
        raise ValueError(
            f"loss_fn returned numbers of type {losses.dtype}, which have no gradient. Return real floats."
        )
    return shape


@partial(jax.jit, static_argnums=0)
def _loss_over(loss_fn: LossFn, params: PyTree, data: PyTree, buffers: PyTree) -> Array:
    return full_loss(lambda batch: loss_fn(params, batch, *_given(buffers)), data)


def _cast(x: Any, dtype: Any) -> np.ndarray:
    x = np.asarray(x)
    return x.astype(dtype, copy=False) if jnp.issubdtype(x.dtype, jnp.floating) else x
