"""Convolutions and transposed convolutions over one, two or three axes."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array


def each_axis(numbers: Sequence[int], num_axes: int) -> list[int]:
    """Numbers of every axis, where one number may stand for all axes."""
    return list(numbers) * (num_axes if len(numbers) == 1 else 1)


def _convolution(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Array:
    num_axes = weight.ndim - 2
    strides, paddings, dilations, extras = (
        each_axis(numbers, num_axes) for numbers in (stride, padding, dilation, output_padding)
    )
    letters = "DHW"[-num_axes:]
    layout = (f"NC{letters}", f"OI{letters}", f"NC{letters}")
    if transposed:
        reaches = [gap * (width - 1) for gap, width in zip(dilations, weight.shape[2:], strict=True)]
        pads = [(r - p, r - p + extra) for r, p, extra in zip(reaches, paddings, extras, strict=True)]
        weight, steps, spread = _flipped(weight, groups), [1] * num_axes, strides
    else:
        pads, steps, spread = [(pad, pad) for pad in paddings], strides, None
    y = lax.conv_general_dilated(
        x,
        weight,
        steps,
        pads,
        lhs_dilation=spread,
        rhs_dilation=dilations,
        dimension_numbers=layout,
        feature_group_count=groups,
    )
    return y if bias is None else y + bias.reshape(-1, *(1,) * num_axes)


def _flipped(weight: Array, groups: int) -> Array:
    """Weights (inputs, outputs of a group, ...) of a transposed convolution as those of a convolution."""
    inputs, outputs, *widths = weight.shape
    cut = weight.reshape(groups, inputs // groups, outputs, *widths).swapaxes(1, 2)
    return jnp.flip(cut.reshape(groups * outputs, inputs // groups, *widths), range(2, weight.ndim))


RULES = {"aten.convolution.default": _convolution}
