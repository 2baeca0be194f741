"""One explicit loop, and what a step is for each model."""
