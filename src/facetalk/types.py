"""The nouns that flow between stages. None of them knows a stage."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int, UInt8
from torch import Tensor, device

SAMPLE_RATE = 16_000
"""Samples a second of every waveform inside the project."""

FRAME_RATE = Fraction(30)
"""Native frames a second of codes and video."""


class Region(IntEnum):
    """What a point of a head's surface is made of."""

    SKIN = 0
    LIPS = 1
    SCLERA = 2
    IRIS = 3
    PUPIL = 4
    TEETH = 5
    MOUTH = 6
    HAIR = 7


EYEBALL = (Region.SCLERA, Region.IRIS, Region.PUPIL)
"""What an eyeball shows."""


@dataclass(frozen=True)
class Waveform:
    """Mono speech at `SAMPLE_RATE`, nominally within [-1, 1]."""

    samples: Float[np.ndarray, " sample"]

    @property
    def duration(self) -> Fraction:
        """Length in seconds, exact."""
        return Fraction(len(self.samples), SAMPLE_RATE)


@dataclass(frozen=True)
class SpeechFeatures:
    """One feature vector for each video frame; frame i shows the midpoint of [i/rate, (i+1)/rate)."""

    values: Float[Tensor, "frame feature"]
    rate: Fraction
    encoder_hash: str

    def __len__(self) -> int:
        return len(self.values)

    def stream(self) -> "SpeechStream":
        """The same, to be read in order."""
        return SpeechStream(iter([self.values]), len(self), self.rate, self.encoder_hash)


@dataclass(frozen=True)
class SpeechStream:
    """Features of all frames in order, some at a time, each made when it is asked for; to be read once."""

    pieces: Iterator[Float[Tensor, "frame feature"]]
    frames: int
    """Of all pieces together."""
    rate: Fraction
    encoder_hash: str

    def __len__(self) -> int:
        return self.frames

    def to(self, where: device) -> "SpeechStream":
        """The same on another device."""
        return replace(self, pieces=(piece.to(where) for piece in self.pieces))


@dataclass(frozen=True)
class RigCurves:
    """ARKit weights for each frame, columns in the order of `facetalk.arkit.ARKIT_NAMES`, nominally 0..1."""

    weights: Float[np.ndarray, "frame 52"]
    rate: Fraction

    def __len__(self) -> int:
        return len(self.weights)


@dataclass(frozen=True)
class ExpressionCodes:
    """Expression codes for each frame; they belong to the head whose hash they carry."""

    values: Float[Tensor, "frame code"]
    rate: Fraction
    head_hash: str

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Strands:
    """Hair of a mesh: its last vertices and faces, and how strands run over them."""

    values: Float[np.ndarray, "hair 7"]
    """Of each vertex of hair: direction from root to tip, millimetres across and along strands, how many millimetres
    its lock stands out, and how dense hair is there: 0 at the rim, where it comes out of the skin, 1 away from it."""
    faces: int
    """How many faces are hair."""

    @property
    def ways(self) -> Float[np.ndarray, "hair 3"]:
        """Direction from root to tip."""
        return self.values[:, :3]

    @property
    def standing(self) -> Float[np.ndarray, " hair"]:
        """How many millimetres the lock of each vertex stands out."""
        return self.values[:, 5]

    @property
    def rim(self) -> Float[np.ndarray, "hair 3"]:
        """Millimetres across and along strands, and how dense hair is."""
        return np.ascontiguousarray(self.values[:, [3, 4, 6]])

    def kept(self, vertices: Int[np.ndarray, " left"], faces: int) -> "Strands":
        """What is left when only some vertices and so many faces are."""
        return Strands(self.values[vertices], faces)

    def deepened(self, by: Float[np.ndarray, " hair"]) -> "Strands":
        """The same hair, whose locks stand out by so many millimetres less."""
        values = self.values.copy()
        values[:, 5] -= by
        return Strands(values, self.faces)

    def thinned(self, density: Float[np.ndarray, " hair"]) -> "Strands":
        """The same hair, as dense as is said."""
        return Strands(np.column_stack([self.values[:, :6], density]).astype(np.float32), self.faces)


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh in NPHM space, counter-clockwise seen from outside."""

    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]
    regions: Float[np.ndarray, "vertex region"] | None = field(default=None)
    """Share of each `Region` at a vertex, rows summing to one."""
    normals: Float[np.ndarray, "vertex 3"] | None = field(default=None)
    """Unit normals, outward."""
    canonical: Float[np.ndarray, "vertex 3"] | None = field(default=None)
    """Where each vertex lies in the canonical pose."""
    strands: Strands | None = field(default=None)
    """Of a head with hair."""


@dataclass(frozen=True)
class Frame:
    """One picture, sRGB, row 0 at the top."""

    pixels: UInt8[np.ndarray, "height width 3"]
