"""From source text to a plan: which loops are parallel, under which condition, and why not."""
