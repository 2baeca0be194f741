"""FaceTalk: speech in, a talking 3D head out."""

__version__ = "0.1.0"
