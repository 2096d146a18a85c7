"""Twelve networks whose LLC at finite n no formula gives: only long exact chains know it. No JAX.

The six at generic weights are the same on every machine. The six that are trained end at slightly other weights on
other machines, where another curvature makes another gamma: then no long run answers for them, and they are left out.
"""

from collections.abc import Iterator

from llcray.architectures import MLP, ConvNet, Transformer
from llcray.architectures.network import Activation
from llcray.data import Digits, Gaussian, Modular
from llcray.noise import GaussianNoise, LabelFlip
from llcray.targets import RealisableTarget, TargetSpec, TrainedTarget
from llcray.training import Adam

TRAINING = Adam(learning_rate=0.005, num_steps=1000, schedule="cosine", polish_steps=300)


def networks() -> Iterator[tuple[str, TargetSpec]]:
    """Yields the targets with their names: MLPs of 500 to 10,000 parameters, a convnet, a transformer, digits."""
    yield _generic("tanh", (8, 16, 16, 4))
    yield _generic("gelu", (8, 16, 16, 4))
    yield _generic("relu", (8, 16, 16, 4))
    yield _generic("tanh", (16, 32, 32, 4))
    yield _generic("gelu", (20, 40, 40, 10))
    yield _generic("tanh", (20, 80, 80, 20), num_data=2000)
    yield "student d=500 of a ReLU teacher", _student("relu", 500)
    yield "student too small for its teacher", _student("tanh", 100)
    yield "digits, a tenth of labels flipped", _digits(MLP(widths=(4,)), 0.1)
    yield "digits, a third of labels flipped", _digits(MLP(widths=(4,)), 0.3)
    yield "digits, convnet, a tenth of labels flipped", _digits(ConvNet(channels=(2, 4)), 0.1)
    yield (
        "modular addition, transformer of one layer",
        TrainedTarget(
            architecture=Transformer(num_heads=2, width=16, mlp_width=32),
            data=Modular(modulus=23, train_fraction=0.9),
            noise=LabelFlip(rate=0.1),
            training=TRAINING,
        ),
    )


def _generic(activation: Activation, sizes: tuple[int, ...], num_data: int = 1000) -> tuple[str, TargetSpec]:
    num_inputs, *widths, num_outputs = sizes
    data = Gaussian(input_dimension=num_inputs, output_dimension=num_outputs, num_data=num_data)
    target = RealisableTarget(data=data, architecture=MLP(widths=tuple(widths), activation=activation))
    return f"{activation} net {'-'.join(map(str, sizes))}", target


def _student(activation: Activation, num_params: int) -> TargetSpec:
    """A student of a ReLU teacher of eight hidden units; where it is too small, its residuals are no noise."""
    return TrainedTarget(
        architecture=MLP(num_params=num_params, depth=2, activation=activation),
        teacher=MLP(widths=(8,)),
        data=Gaussian(input_dimension=32, num_data=1000),
        noise=GaussianNoise(scale=0.1),
        training=TRAINING,
    )


def _digits(architecture: MLP | ConvNet, flip_rate: float) -> TargetSpec:
    return TrainedTarget(
        architecture=architecture,
        data=Digits(num_data=1000),
        noise=LabelFlip(rate=flip_rate),
        training=TRAINING,
    )
