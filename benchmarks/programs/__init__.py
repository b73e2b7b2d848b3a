"""Programs in unmodified NumPy, as people write them."""
