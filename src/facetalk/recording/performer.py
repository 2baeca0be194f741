"""Who performs before the virtual rig, and what: a posed surface for ARKit weights, and weights with their sound."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from facetalk.data import performance_files
from facetalk.data.posing import SourceHead, Topology
from facetalk.data.source import HeadSource
from facetalk.errors import InputError
from facetalk.head.model import Head
from facetalk.mesh.extract import extract
from facetalk.pipeline.actor import Actor
from facetalk.rig import livelink
from facetalk.rig.curves import at_times, midpoints
from facetalk.speech import waveform
from facetalk.types import EYEBALL, SAMPLE_RATE, Mesh, Region, RigCurves, Waveform

SETTLED = 96
"""Cells along the box for surfaces of a head model."""


@dataclass(frozen=True)
class Performer:
    """Somebody who can be posed."""

    subject: str
    shape: Callable[[Float[np.ndarray, "52"]], Mesh]
    """The surface for ARKit weights, in head space."""
    origin: dict = field(default_factory=dict)
    """What the truth says of them."""


@dataclass(frozen=True)
class Act:
    """Weights for each frame of a recording, and the sound they belong to."""

    name: str
    curves: RigCurves
    sound: Waveform


def of_source(source: HeadSource, person: int, seed: int = 0) -> Performer:
    """A person of a head source, the one of that number in a head set of that seed: not the head model's own output."""
    random = np.random.default_rng([seed, person])
    weights = source.prior(random) * (person > 0)
    head = SourceHead(Topology(source), weights)
    regions = np.zeros((len(source.neutral), len(Region)), np.float32)
    regions[source.vertices_of(*map(int, EYEBALL)), Region.SCLERA] = 1
    regions[:, Region.SKIN] = 1 - regions.sum(axis=1)

    def shape(posed: Float[np.ndarray, "52"]) -> Mesh:
        return Mesh(head.pose(posed).vertices.astype(np.float32), source.faces.astype(np.int32), regions)

    origin = {"source": source.name, "person": person, "seed": seed, "identity": weights.tolist()}
    return Performer(f"{person:03d}", shape, origin)


def of_head(head: Head, z_id: Float[torch.Tensor, " identity"], subject: str) -> Performer:
    """A person of a head model: a bench for the fit alone, since nothing of it lies beyond the model."""
    actor = Actor(head, z_id, stilled=False)

    def shape(posed: Float[np.ndarray, "52"]) -> Mesh:
        with torch.no_grad():
            code = head.rig(torch.from_numpy(posed).float()[None])[0]
            return extract(actor.sdf(code), actor.grid(SETTLED), cut=actor.cut)

    return Performer(subject, shape, {"head": head.hash, "z_id": z_id.tolist()})


def of_set(folder: Path, clip: str, rate: Fraction, start: float = 0.0, seconds: float | None = None) -> Act:
    """A clip of a performance set.

    Raises:
        InputError: there is no such clip, or its sound is gone.
    """
    entries = {entry.id: entry for entry in performance_files.read_index(folder)}
    if clip not in entries:
        raise InputError(
            f"{folder}: holds no clip {clip!r}; its index.jsonl names them, for example {next(iter(entries))}"
        )
    sound = waveform.read(performance_files.audio_path(folder, entries[clip]))
    return act(clip, performance_files.read(folder, clip).curves, sound, rate, start, seconds)


def of_take(path: Path, sound: Path, rate: Fraction, start: float = 0.0, seconds: float | None = None) -> Act:
    """A Live Link Face take with its sound.

    Raises:
        InputError: one of them cannot be read.
    """
    return act(path.stem, livelink.read(path).curves, waveform.read(sound), rate, start, seconds)


def act(name: str, curves: RigCurves, sound: Waveform, rate: Fraction, start: float, seconds: float | None) -> Act:
    """A part of a performance at another rate, cut to whole frames.

    Raises:
        InputError: nothing is left.
    """
    length = min(float(sound.duration), len(curves) / float(curves.rate)) - start
    frames = int((length if seconds is None else min(seconds, length)) * float(rate) + 1e-6)
    if frames < 1:
        raise InputError(f"{name}: nothing is left after {start} s; start earlier")
    wanted = start + midpoints(frames, rate)
    weights = at_times(curves.weights.astype(np.float64), midpoints(len(curves), curves.rate), wanted)
    first = round(start * SAMPLE_RATE)
    samples = sound.samples[first : first + round(frames / rate * SAMPLE_RATE)]
    return Act(name, RigCurves(weights.astype(np.float32), rate), Waveform(samples))
