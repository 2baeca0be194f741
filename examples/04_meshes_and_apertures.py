"""Meshes by both roads, and how far lips and lids are open: python examples/04_meshes_and_apertures.py voice.wav"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro

import facetalk
from facetalk.geometry import UNIT_MM
from facetalk.pipeline.roads import DEFAULT_SURFACE, Surface
from facetalk.pipeline.talker import DEFAULT_PERFORMING, Performing


def main(
    speech: tyro.conf.Positional[Path],
    weights: Path | None = None,
    surface: Surface = DEFAULT_SURFACE,
    performing: Performing = DEFAULT_PERFORMING,
) -> None:
    clip = facetalk.load(weights).animate(speech, performing=performing)
    for road in ("fast", "exact"):
        mesh = next(clip.meshes(replace(surface, mesh=road)))
        height = np.ptp(mesh.vertices[:, 1]) * UNIT_MM
        print(f"{road}: {len(mesh.vertices)} vertices, {len(mesh.faces)} faces, {height:.0f} mm tall")
    apertures = clip.apertures(surface)
    middle = apertures.mouth[:, apertures.mouth.shape[1] // 2]
    print("lips apart, mm:", np.round(middle[:10], 1))
    print("left lids apart, mm:", np.round(apertures.eye_left[:10, 1], 1))


if __name__ == "__main__":
    tyro.cli(main)
