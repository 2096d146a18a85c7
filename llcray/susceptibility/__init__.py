"""Susceptibilities and Bayesian influence functions: covariances of losses over draws. NumPy in, NumPy out."""

from llcray.llc.susceptibility import Measured as Measured
from llcray.llc.susceptibility import bayesian_influence as bayesian_influence
from llcray.llc.susceptibility import susceptibility as susceptibility
