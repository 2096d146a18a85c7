"""Language models from Hugging Face folders on disk, computed in JAX. Importing this loads no JAX.

One decoder covers GPT-2, GPT-NeoX (Pythia), Llama, Qwen2 and Qwen3; its parameters are the checkpoint's tensors under
their own names and in their own layout, so nothing is renamed, transposed or copied, and components are named as the
checkpoint names them. Tracing the PyTorch modules themselves, as is done for other families, needs torch and
transformers in every worker; a decoder of 200 lines, tested against both, needs neither.
"""

from llcray.targets.checkpoint.decoder.config import DecoderConfig as DecoderConfig
from llcray.targets.checkpoint.decoder.config import read_config as read_config
