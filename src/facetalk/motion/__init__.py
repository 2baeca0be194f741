"""Diffusion over expression codes; speech is a tensor here."""
