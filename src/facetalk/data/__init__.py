"""Training sources: heads, performances, recordings."""
