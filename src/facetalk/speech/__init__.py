"""Audio files to speech features at the frame rate."""
