"""Where the parts meet: speech to codes, codes to meshes to frames."""
