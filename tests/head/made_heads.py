"""A made head set: spheres that grow with one identity weight and sink with jawOpen. Everything is known exactly."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from facetalk.arkit import ARKIT_INDEX
from facetalk.geometry import PAPER_BOX
from facetalk.head.anatomy import ANCHORS, LANDMARK_NAMES
from facetalk.head.rig import CANONICAL_JAW_OPEN

RADIUS = 0.3
SINK = 0.1
"""Units the sphere moves down at jawOpen 1."""


def radius(weights: np.ndarray) -> float:
    return RADIUS * (1 + 0.1 * weights[0])


def shift(weights: np.ndarray) -> np.ndarray:
    return np.array([0.0, -SINK * (weights[ARKIT_INDEX["jawOpen"]] - CANONICAL_JAW_OPEN), 0.0])


def directions(count: int, random: np.random.Generator) -> np.ndarray:
    raw = random.normal(size=(count, 3))
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def anchor_directions() -> np.ndarray:
    """Mirrored pairs, then the midline, spread evenly."""
    random = np.random.default_rng(7)
    left = directions(16, random) * [1, 1, 1]
    left[:, 0] = np.abs(left[:, 0])
    pairs = np.stack([left, left * [-1, 1, 1]], 1).reshape(-1, 3)
    middle = directions(7, random) * [0, 1, 1]
    return np.concatenate([pairs, middle / np.linalg.norm(middle, axis=1, keepdims=True)])


def landmark_directions() -> np.ndarray:
    places = {"mouth_centre": (0, -0.5, 0.9), "eye_left": (0.4, 0.3, 0.9), "eye_right": (-0.4, 0.3, 0.9)}
    raw = np.array([places.get(name, (0, 0.1 * k - 0.8, 1.0)) for k, name in enumerate(LANDMARK_NAMES)], float)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def quantise(points: np.ndarray) -> np.ndarray:
    share = (points - np.array(PAPER_BOX.lower)) / PAPER_BOX.size
    return np.clip(np.rint(share * 65535 - 32768), -32768, 32767).astype(np.int16)


def field(size: float, centre: np.ndarray, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    near = centre + directions(count, random) * (
        size + random.choice([0.004, 0.03, 0.1], (count, 1)) * random.normal(size=(count, 1))
    )
    points = np.clip(near, PAPER_BOX.lower, PAPER_BOX.upper)
    return quantise(points), (np.linalg.norm(points - centre, axis=1) - size).astype(np.float16)


def write_spheres(folder: Path, identities: int = 6, poses: int = 4, points: int = 2000) -> Path:
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    people, heads, scans = [], [], []
    for number in range(identities):
        source = random.normal(size=100)
        size = radius(source)
        people.append(
            {
                "weights": source.astype(np.float32),
                "anchors": (size * anchor_directions()).astype(np.float32),
                "landmarks": (size * landmark_directions()).astype(np.float32),
                "eye_radius": np.full(2, 0.05, np.float32),
            }
        )
        normal = directions(points, random)
        where, distance = field(size, np.zeros(3), points, random)
        region = (normal[:, 1] < -0.5).astype(np.uint8)
        heads.append(
            {
                "identity": np.array(number),
                "surface": quantise(size * normal),
                "normal": np.rint(127 * normal).astype(np.int8),
                "region": region,
                "points": where,
                "sdf": distance,
            }
        )
        for _ in range(poses):
            weights = random.uniform(0, 1, 52) * (random.uniform(size=52) < 0.2)
            normal, moved = directions(points, random), shift(weights)
            where, distance = field(size, moved, points, random)
            scans.append(
                {
                    "identity": np.array(number),
                    "weights": weights.astype(np.float16),
                    "surface": quantise(size * normal + moved),
                    "target": quantise(size * normal),
                    "normal": np.rint(127 * normal).astype(np.int8),
                    "target_normal": np.rint(127 * normal).astype(np.int8),
                    "region": (normal[:, 1] < -0.5).astype(np.uint8),
                    "valid_out": np.full(points, 0.008, np.float16),
                    "points": where,
                    "sdf": distance,
                }
            )
    for name, rows in {"identities": people, "canonical_000": heads, "posed_000": scans}.items():
        save_file({key: np.stack([row[key] for row in rows]) for key in rows[0]}, folder / f"{name}.safetensors")
    meta = {
        "box": {"lower": PAPER_BOX.lower, "upper": PAPER_BOX.upper},
        "landmarks": LANDMARK_NAMES,
        "split": ["train"] * (identities - 2) + ["test"] * 2,
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    assert len(anchor_directions()) == ANCHORS
    return folder
