"""The notebook study: what the world writes, counted with the analysis that runs the decorator."""
