"""A clip: motion of one head, by one identity, with its sound. What it gives are meshes, curves, apertures, files."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float

from facetalk.errors import CheckpointError
from facetalk.head.kinds import AnyHead, rig_of
from facetalk.mesh.aperture import eye_probe, mouth_probe
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.backstage import Backstage
from facetalk.pipeline.identity import Identity
from facetalk.pipeline.presenter import DEFAULT_PRESENTATION, Presentation, Watch, unwatched
from facetalk.pipeline.roads import DEFAULT_SURFACE, Surface
from facetalk.rig.curves import frame_count, midpoints
from facetalk.types import ExpressionCodes, Frame, Mesh, RigCurves, Waveform


@dataclass(frozen=True)
class Origin:
    """How the motion came about; with it the same motion can be made again."""

    seed: int = 0
    guidance: float | None = None
    steps: int | None = None
    expressiveness: float = 1.0
    speech_hash: str | None = None
    """Speech encoder that was listened through; None for captured motion."""
    motion_hash: str | None = None


@dataclass(frozen=True)
class Apertures:
    """Free heights in millimetres, NaN where an opening has no two sides."""

    mouth: Float[np.ndarray, "frame column"]
    """Between the lips, in columns from the subject's right to left."""
    eye_left: Float[np.ndarray, "frame arc"]
    """Between the lids, on arcs over the cornea."""
    eye_right: Float[np.ndarray, "frame arc"]


@runtime_checkable
class Save(Protocol):
    """Writes a clip in the format of a path's suffix; `facetalk.export.save` does."""

    def __call__(self, clip: "Clip", path: Path, presentation: Presentation, *, overwrite: bool, watch: Watch) -> None:
        """Write it."""
        ...


@dataclass(frozen=True)
class Clip:
    """Expression codes with everything needed to show them."""

    codes: ExpressionCodes
    head: AnyHead
    identity: Identity
    writer: Save
    speech: Waveform | None = None
    origin: Origin = Origin()
    backstage: Backstage = field(default_factory=Backstage, repr=False, compare=False)
    """Where people are made ready to be shown."""

    def __post_init__(self) -> None:
        if self.codes.head_hash != self.head.hash:
            raise CheckpointError(
                f"codes of head {self.codes.head_hash} given to head {self.head.hash}; use the head they were made for"
            )

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def duration(self) -> Fraction:
        """Seconds: those of the sound where there is one."""
        return self.speech.duration if self.speech else Fraction(len(self.codes)) / self.codes.rate

    @property
    def times(self) -> Float[np.ndarray, " frame"]:
        """The instant each frame shows, in seconds."""
        return midpoints(len(self.codes), self.codes.rate)

    def frames_at(self, rate: Fraction) -> int:
        """Frames of the clip at another rate."""
        return frame_count(self.duration, rate)

    def as_identity(self, identity: Identity) -> "Clip":
        """The same motion on another face."""
        return replace(self, identity=identity)

    def arkit(self) -> RigCurves:
        """ARKit weights whose codes come closest (least squares), clipped to 0..1, in Apple's order."""
        weights = rig_of(self.head).solve(self.codes.values.to(self.head.rest.device))
        return RigCurves(weights.clamp(0, 1).cpu().numpy(), self.codes.rate)

    def apertures(self, surface: Surface = DEFAULT_SURFACE) -> Apertures:
        """Openings of mouth and eyes, measured on the field itself."""
        actor = self.actor(surface)
        landmarks = {name: point.cpu().numpy() for name, point in actor.state.landmarks.items()}
        mouth = mouth_probe(landmarks)
        eyes = zip(("eye_left", "eye_right"), actor.state.eye_radius.tolist(), strict=True)
        probes = (mouth, *(eye_probe(landmarks[name], radius) for name, radius in eyes))
        with torch.inference_mode():
            rows = [[probe.apertures(sdf) for probe in probes] for sdf in map(actor.sdf, self.codes.values)]
        return Apertures(*(np.stack(columns) for columns in zip(*rows, strict=True)))

    def meshes(self, surface: Surface = DEFAULT_SURFACE) -> Iterator[Mesh]:
        """One mesh a frame, made as they are asked for."""
        yield from self.backstage.presenter(self.head, self.identity, surface).meshes(self.codes)

    def frames(self, presentation: Presentation = DEFAULT_PRESENTATION) -> Iterator[Frame]:
        """The pictures of a video, made as they are asked for."""
        surface, view = presentation.surface, presentation.view
        presenter = self.backstage.presenter(self.head, self.identity, surface)
        count = self.frames_at(view.rate)
        yield from presenter.frames(self.codes, count, view, self.identity.look, self.origin.seed)

    def save(
        self,
        path: Path | str,
        presentation: Presentation = DEFAULT_PRESENTATION,
        *,
        overwrite: bool = False,
        watch: Watch = unwatched,
    ) -> None:
        """Write .mp4, .npz, .csv, or a folder of meshes, by the suffix of `path`.

        Raises:
            InputError: the suffix is unknown, the file exists and `overwrite` is off, or the place is not writable.
        """
        self.writer(self, Path(path), presentation, overwrite=overwrite, watch=watch)

    def actor(self, surface: Surface) -> Actor:
        """The identity, ready to be posed."""
        surface.check()
        return Actor(self.head, self.identity.z_id, surface.smoothing, self.identity.hair)
