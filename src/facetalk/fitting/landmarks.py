"""Landmarks that somebody marked on a scan: a JSON file of names and places, in the scan's own numbers."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.head.anatomy import LANDMARK_NAMES

FEWEST = 3
FLAT = 0.05
"""Landmarks whose second extent is below this share of the first lie on a line, about which the head could turn."""


def read(path: Path | str) -> dict[str, Float[np.ndarray, "3"]]:
    """Places by name.

    Raises:
        InputError: no such file, not {"name": [x, y, z], …}, an unknown name, or too few to fix a pose.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file of landmarks; check the path")
    try:
        marked = {str(name): np.array(place, np.float64) for name, place in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f'{path}: not landmarks ({error}); write {{"nose_tip": [x, y, z], …}}') from error
    for name, place in marked.items():
        if name not in LANDMARK_NAMES:
            raise InputError(f"{path}: landmark {name!r} is unknown; use {', '.join(LANDMARK_NAMES)}")
        if place.shape != (3,) or not np.isfinite(place).all():
            raise InputError(f"{path}: landmark {name!r} is at {place.tolist()}; give three finite numbers x, y, z")
    _check_spread(path, marked)
    return marked


def _check_spread(path: Path, marked: Mapping[str, np.ndarray]) -> None:
    places = np.array(list(marked.values())).reshape(-1, 3)
    extents = np.linalg.svd(places - places.mean(axis=0), compute_uv=False) if len(places) >= FEWEST else np.zeros(3)
    if not extents[1] > FLAT * extents[0]:
        raise InputError(
            f"{path}: {len(places)} landmarks leave the pose open; give {FEWEST} or more that are not on one line, "
            "for example nose_tip, chin and ear_left"
        )
