from . import samplers as samplers
from . import torch as torch
from .api import LLCEstimate as LLCEstimate
from .api import estimate_llc as estimate_llc
from .components.structure import Structure as Structure
from .posterior.spec import PosteriorSpec as PosteriorSpec
from .results.plot import plot as plot
from .results.results import Results as Results
from .results.sweep import sweep as sweep
from .sampling.spec import SamplingSpec as SamplingSpec
from .targets.target import Target as Target
from .tracking.tracker import LLCTracker as LLCTracker

__version__: str
