"""Known answers: learning coefficients from closed forms and quadrature. Numpy and scipy only."""
