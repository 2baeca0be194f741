"""Meshes to pictures and video."""
