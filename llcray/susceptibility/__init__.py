"""Susceptibilities and Bayesian influence functions: covariances of losses over draws. NumPy in, NumPy out."""

from llcray.susceptibility.covariance import Measured as Measured
from llcray.susceptibility.covariance import bayesian_influence as bayesian_influence
from llcray.susceptibility.covariance import susceptibility as susceptibility
