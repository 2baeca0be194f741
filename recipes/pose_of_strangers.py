"""How well any fit can know the pose of somebody it does not know: people of a source, seen along normals, pose free.

python recipes/pose_of_strangers.py ICT_FACEKIT

What a turn is and what a shape is, points alone cannot tell where people's shapes differ by turns. With shapes normally
distributed as in the source, and so much error at each of some hundred places, generalised least squares has this left.
"""

import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk.data import ict
from facetalk.geometry import UNIT_MM
from facetalk.mesh.normals import vertex_normals
from facetalk.recording.areas import FACE_MM, THROAT, on_scalp

PEOPLE = range(300, 500)
PLACES = 900
ERRORS_MM = (0.1, 0.2, 0.3)
FACE = np.array([0.0, 0.0, 0.25])


def left(
    shapes: Float[np.ndarray, "person place"], rigid: Float[np.ndarray, "place 6"], error_mm: float
) -> Float[np.ndarray, "6"]:
    """Spread of the estimated pose, turns in degrees and shifts in millimetres."""
    covariance = shapes.T @ shapes / len(shapes) + error_mm**2 * np.eye(len(rigid))
    spread = np.sqrt(np.diag(np.linalg.inv(rigid.T @ np.linalg.solve(covariance, rigid))))
    return np.concatenate([np.degrees(spread[:3]), spread[3:]])


def main(root: Path) -> None:
    """Print what is left for a face and for a whole head."""
    source = ict.read(root)
    normals = vertex_normals(source.neutral.astype(np.float32), source.parts.skin_faces.astype(np.int32))
    skin = np.unique(source.parts.skin_faces)
    skin = skin[source.neutral[skin, 1] > THROAT]
    people = np.stack([source.prior(np.random.default_rng([0, person])) for person in PEOPLE])
    places = source.neutral[skin]
    near = (np.linalg.norm(places - FACE, axis=1) * UNIT_MM < FACE_MM) & ~on_scalp(places)
    for name, chosen in (("face", near), ("bald head above the throat", np.ones(len(skin), bool))):
        some = np.random.default_rng(0).choice(np.flatnonzero(chosen), PLACES, replace=False)
        here, normal = places[some], normals[skin[some]].astype(np.float64)
        modes = np.einsum("mvk,vk->mv", source.identities[: people.shape[1], skin[some]], normal) * UNIT_MM
        rigid = np.concatenate([np.cross(here - FACE, normal) * UNIT_MM, normal], axis=1)
        for error in ERRORS_MM:
            found = left((people - people.mean(axis=0)) @ modes, rigid, error)
            turn, shift = (np.sqrt((part**2).sum()) for part in (found[:3], found[3:]))
            print(f"{name}, {error} mm at each of {PLACES} places: {turn:.2f} degrees, {shift:.2f} mm", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
