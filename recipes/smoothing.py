"""What facial smoothing changes: how far each part of a head moves in speech, with it and without.

Surfaces are the tracked ones, so that a vertex is one place of the skin in every frame.

python recipes/smoothing.py PERFORMANCES [CLIPS [FRAMES [IDENTITY]]]
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

import facetalk
from facetalk.evaluation import talking
from facetalk.geometry import UNIT_MM
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.tracking import Tracking
from facetalk.speech import waveform
from facetalk.types import Region

RESOLUTION = 24
"""Cells of the tracked surface, as on the stage of the evaluation."""
EAR_MM, THROAT_MM, SKULL_MM = 25.0, 30.0, 60.0
"""Ears reach so far from their landmark; the throat begins so far below the chin, the skull so far above the eyes."""


def parts(tracking: Tracking, rest: Float[np.ndarray, "vertex 3"]) -> Mapping[str, Bool[np.ndarray, " vertex"]]:
    """Which vertices are what; mm."""
    regions = tracking.canonical.regions
    assert regions is not None
    region, height = regions.argmax(axis=1), rest[:, 1]
    mark = {name: UNIT_MM * tracking.actor.landmark(name).numpy() for name in ("chin", "eye_left", "ear_left")}
    ear = mark["ear_left"] * np.where(rest[:, :1] > 0, 1, [[-1, 1, 1]])
    lips, above = region == Region.LIPS, height > mark["eye_left"][1] + SKULL_MM
    behind = rest[:, 2] < mark["ear_left"][2]
    return {
        "lips": lips,
        "throat and neck": height < mark["chin"][1] - THROAT_MM,
        "ears": np.linalg.norm(rest - ear, axis=1) < EAR_MM,
        "skull and hair": above | (behind & (height > mark["chin"][1])),
    }


@torch.inference_mode()
def moved(tracking: Tracking, codes: list[torch.Tensor]) -> list[Float[np.ndarray, "frame vertex 3"]]:
    """Places of all vertices in every frame of every clip, mm."""
    clips = [torch.stack([pose.coefficients for pose in tracking.poses(each)]) for each in codes]
    return [UNIT_MM * tracking.track.vertices(each).cpu().numpy() for each in clips]


def figures(places: list[Float[np.ndarray, "frame vertex 3"]], chosen: Bool[np.ndarray, " vertex"]) -> str:
    """Spread over time, and the mean norm of the third difference: how far a part moves, and how restlessly."""
    spread = np.mean([np.linalg.norm(clip[:, chosen].std(axis=0), axis=1).mean() for clip in places])
    norms = [np.linalg.norm(np.diff(clip[:, chosen], 3, axis=0), axis=2).mean() for clip in places]
    return f"moves {spread:.3f} mm, jitter {np.mean(norms):.3f} mm a frame^3"


def main(performances: Path, clips: int, frames: int, identity: str) -> None:
    """Print one line for each part and way."""
    talker = facetalk.load(device="cpu")
    test = talking.TalkingTest(performances, clips=clips, language="en")
    who, head = talker.identity(identity), talker.weights.head
    sounds = [waveform.read(entry.audio) for entry in talking.entries(test, "test", clips)]
    codes = [talker.animate(sound, identity=who).codes.values[:frames] for sound in sounds]
    ways = {
        name: Tracking(Actor(head, who.z_id, stilled, who.hair), RESOLUTION)
        for name, stilled in (("smoothed", True), ("not smoothed", False))
    }
    places = {name: moved(tracking, codes) for name, tracking in ways.items()}
    for part, chosen in parts(ways["smoothed"], places["smoothed"][0][0]).items():
        for name, found in places.items():
            print(f"{part} ({chosen.sum()} vertices), {name}: {figures(found, chosen)}")
    lips = parts(ways["smoothed"], places["smoothed"][0][0])["lips"]
    apart = [np.linalg.norm(a[:, lips] - b[:, lips], axis=2).mean() for a, b in zip(*places.values(), strict=True)]
    print(f"lips with and without it: {np.mean(apart):.3f} mm apart")


if __name__ == "__main__":
    given = [*sys.argv[2:], *("2", "150", "seed:1")[len(sys.argv[2:]) :]]
    main(Path(sys.argv[1]), int(given[0]), int(given[1]), given[2])
