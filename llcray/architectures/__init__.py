"""Architectures of networks, one file each. Importing this package loads no JAX."""

from typing import Annotated

from pydantic import Field

from llcray.architectures.convnet import ConvNet as ConvNet
from llcray.architectures.deep_linear import DeepLinear as DeepLinear
from llcray.architectures.embedding_mlp import EmbeddingMLP as EmbeddingMLP
from llcray.architectures.mlp import MLP as MLP
from llcray.architectures.network import Network as Network
from llcray.architectures.tied_autoencoder import TiedAutoencoder as TiedAutoencoder
from llcray.architectures.transformer import Transformer as Transformer

Architecture = Annotated[
    MLP | ConvNet | DeepLinear | EmbeddingMLP | TiedAutoencoder | Transformer, Field(discriminator="kind")
]
