"""Subnetworks that fine-tuning updates: update sparsity, rank and overlap between checkpoints. NumPy only.

Reference: Mukherjee et al. 2025, arXiv 2505.11711; arXiv 2511.08567 explains why the storage type decides the sparsity.
"""

from llcray.subnetwork.changes import TensorChange as TensorChange
from llcray.subnetwork.changes import changes as changes
from llcray.subnetwork.masked import Unchanged as Unchanged
from llcray.subnetwork.masked import unchanged as unchanged
from llcray.subnetwork.overlap import Overlap as Overlap
from llcray.subnetwork.overlap import overlap as overlap
from llcray.subnetwork.summary import GroupChange as GroupChange
from llcray.subnetwork.summary import summarize as summarize
from llcray.targets.checkpoint.tensors import Checkpoint as Checkpoint
from llcray.targets.checkpoint.tensors import open_checkpoint as open_checkpoint
