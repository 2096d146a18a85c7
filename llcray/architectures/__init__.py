"""Architectures of networks; one file each. Importing this loads no JAX."""

from typing import Annotated

from pydantic import Field

from llcray.architectures.convnet import ConvNet as ConvNet
from llcray.architectures.deep_linear import DeepLinear as DeepLinear
from llcray.architectures.mlp import MLP as MLP
from llcray.architectures.network import Network as Network

Architecture = Annotated[MLP | ConvNet | DeepLinear, Field(discriminator="kind")]
