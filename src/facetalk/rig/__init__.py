"""ARKit curves: resampling and Live Link Face files."""
