"""The neural parametric head model."""
