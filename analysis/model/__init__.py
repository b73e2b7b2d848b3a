"""The nouns of autopar: frozen values that every stage shares, and nothing that computes one."""
