"""The notebook study: the loops that people write, counted by verdict and by reason."""
