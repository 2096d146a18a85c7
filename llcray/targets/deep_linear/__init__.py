"""Deep linear networks, whose learning coefficients Aoyagi (2024) gives in closed form."""
