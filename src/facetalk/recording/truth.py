"""A fit beside the truth of a virtual recording: how far the true surface is from the fitted one, frame by frame.

Material points of the true surface need no partner on the fitted one: the signed distance of the same point in
successive frames says how far off the fit is, and its differences how far off its velocity is, and how it flickers.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.recording.areas import FACE_MM, counted
from facetalk.recording.poses import Placement, of_matrix
from facetalk.recording.problem import Person
from facetalk.recording.states import State, matrices
from facetalk.rig.lips import LIP_SHAPES, lip_shapes

EVERY = 5
"""Every how manieth material point is measured."""
STILL_MM = 0.1
"""A point that moves less over four frames is still."""
NOSE = np.array([0.0, 0.0, 0.3])
"""A place of head space where shifts of the pose are measured, in units."""
ALIGNED_FRAMES, ALIGNED_STEPS, ALIGNED_SOFT_MM = 5, 8, 1.5
"""How many frames, steps and what softness of weights lay one head's own axes on the other's."""


@dataclass(frozen=True)
class Truth:
    """What was performed before the virtual rig."""

    weights: Float[np.ndarray, "frame 52"]
    T_world_head: Float[np.ndarray, "frame 4 4"]
    points: Float[np.ndarray, "frame point 3"]
    """Material points of the face in head space, the ones that cameras see."""

    @property
    def world(self) -> Float[np.ndarray, "frame point 3"]:
        """The points in millimetres of the recording."""
        turned = np.einsum("fij,fpj->fpi", self.T_world_head[:, :3, :3], self.points)
        return turned + self.T_world_head[:, None, :3, 3]

    def still(self) -> Bool[np.ndarray, "three point"]:
        """Points that rest over four successive frames, in the world."""
        world = self.world
        spans = np.stack([world[k : len(world) - 3 + k] for k in range(4)])
        return np.linalg.norm(spans - spans[:1], axis=-1).max(axis=0) < STILL_MM


def read(folder: Path | str) -> Truth:
    """The truth that `facetalk record` wrote.

    Raises:
        InputError: there is none, or its performer's mesh changed from frame to frame.
    """
    path = Path(folder) / "truth.npz"
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            seen = file["vertices"][:, file["material"][::EVERY]].astype(np.float64)
            return Truth(file["weights"], file["T_world_head"], seen)
    except KeyError as error:
        raise InputError(f"{path}: has no {error.args[0]}; record a person of a head source (--ict)") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: no readable truth ({error}); give the folder of facetalk record --truth") from error


def measured(person: Person, state: State, truth: Truth, first: int = 0) -> dict[str, float]:
    """Figures of successive frames from number `first` on; distances in millimetres, angles in degrees."""
    frames = slice(first, first + len(state))
    true = Truth(truth.weights[frames], truth.T_world_head[frames], truth.points[frames])
    off = _distances(person, state, true)
    face = _face(person, true)
    third, still = np.abs(np.diff(off, 3, axis=0)), true.still() & face
    turned, shifted = _poses(state.placements, true)
    turned_alike, shifted_alike = _poses(_in_true_axes(person, state, true), true)
    return {
        "face_mm": float(np.abs(off[:, face]).mean()),
        "velocity_mm": float(np.abs(np.diff(off[:, face], axis=0)).mean()),
        "flicker_mm": float(third[still].mean()) if still.any() else float("nan"),
        "still_share": float(still[:, face].mean()) if still.any() else 0.0,
        "turned_degrees": float(turned.mean()),
        "shifted_mm": float(shifted.mean()),
        "turned_alike_degrees": float(turned_alike.mean()),
        "shifted_alike_mm": float(shifted_alike.mean()),
        "weights": float(np.abs(state.weights - true.weights).mean()),
        "gap_mm": float(np.abs(_gap(state.weights) - _gap(true.weights)).mean()),
    }


def _gap(weights: Float[np.ndarray, "frame 52"]) -> Float[np.ndarray, " frame"]:
    """Between the lips, in millimetres, as weights have it: a surface may be right that is moved by the wrong ones."""
    return lip_shapes(weights)[:, LIP_SHAPES.index("gap")]


def _face(person: Person, true: Truth) -> Bool[np.ndarray, " point"]:
    """Points of the face."""
    near = np.linalg.norm(true.points[0] - person.face, axis=1) * UNIT_MM < FACE_MM
    return near & (counted(true.points[0]) == 1)


def _distances(person: Person, state: State, true: Truth) -> Float[np.ndarray, "frame point"]:
    """Signed distance of the true points from the fitted surface, in millimetres."""
    state_of, found = person.head.identify(person.z_id), []
    for code, place, world in zip(state.codes, state.placements, true.world, strict=True):
        with torch.no_grad():
            posed = person.head.posed(state_of, torch.from_numpy(code).float())
            found.append(posed(torch.from_numpy(place(world)).float()).double().numpy())
    return np.stack(found) * UNIT_MM


def _poses(
    placements: Sequence[Placement], true: Truth
) -> tuple[Float[np.ndarray, " frame"], Float[np.ndarray, " frame"]]:
    """How far the head is turned, and shifted at the nose, from where it was."""
    apart = matrices(placements) @ true.T_world_head
    size = np.cbrt(np.linalg.det(apart[:, :3, :3]))[:, None, None]
    turned = np.degrees(Rotation.from_matrix(apart[:, :3, :3] / size).magnitude())
    nose = apart[:, :3, :3] @ NOSE + apart[:, :3, 3]
    return turned, np.linalg.norm(nose - NOSE, axis=1) * UNIT_MM


def _in_true_axes(person: Person, state: State, true: Truth) -> list[Placement]:
    """The fitted placements with the fitted head's own axes laid on the true one's.

    Which way a head looks that was fitted along is a convention: one rigid motion between the two heads' axes, the same
    in all frames. It is found from shapes alone, in no fitted pose: the points of the true face, in the true axes, are
    laid on the fitted head's surface of the same frames.
    """
    frames = np.unique(np.linspace(0, len(state) - 1, ALIGNED_FRAMES).round().astype(int))
    points = true.points[frames][:, _face(person, true)]
    weights = torch.from_numpy(state.weights[frames]).float()
    between = Placement(np.eye(3), np.zeros(3), 1.0)
    for _ in range(ALIGNED_STEPS):
        placed = between(points)
        found = person.responder(weights, torch.from_numpy(placed).float())
        distance, slope = found.distance.double().numpy().ravel(), found.by_place.double().numpy().reshape(-1, 3)
        arm = placed.reshape(-1, 3) - person.face
        jacobian = np.concatenate([np.cross(arm, slope), slope], axis=1)
        soft = ALIGNED_SOFT_MM / UNIT_MM
        weighted = jacobian * (soft**2 / (soft**2 + distance**2))[:, None] ** 2
        normal = weighted.T @ jacobian
        normal[np.diag_indices(6)] += 1e-6 * np.trace(normal)  # a turn that shapes do not tell stays
        step = -np.linalg.solve(normal, weighted.T @ distance)
        between = between.moved(step[:3], step[3:], person.face)
    back = np.linalg.inv(between.matrix)
    return [of_matrix(back @ placement.matrix) for placement in state.placements]
