"""How sure a fit is of a surface, scanned or not: what the scan and the prior together leave open.

Laplace's approximation (MacKay 1992): about the fitted codes, distances are linear in the weights of identity and
expression, which are normally distributed over people; the scan's points are as many measurements of them.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.arkit import ARKIT_NAMES
from facetalk.fitting.fit import ScanFit
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import posed_distances
from facetalk.head.model import SOURCE_SIZE, Head

INDEPENDENT = 500
"""Neighbours are missed alike: a scan says no more than so many points would."""
MISFITS, LEAST_MISFIT_MM, MOST_MISFIT_MM = 5.0, 1.0, 2.5
"""By how much each of those misses: so many spreads, but no less than the first and, where the spread is noise, no more
than the second."""
RIG_SPREAD = 0.2
"""Spread of expression weights."""
LOOKED_AT = 500
"""Points of a scan that are asked."""
IDENTITY_STEP, RIG_STEP = 0.5, 0.1
"""Differences that slopes are taken over, in weights."""
MEAN_OF_SPREAD = (2 / np.pi) ** 0.5
"""Mean size of normally distributed numbers of spread 1."""


def unsure_mm(head: Head, fit: ScanFit, places: Float[np.ndarray, "place 3"], *, seed: int = 0) -> float:
    """Mean distance by which the true surface is expected to miss the fitted one at some places.

    Args:
        head: that was fitted.
        fit: to what.
        places: on the fitted surface, in head space.
        seed: draws the points that are asked.
    """
    points = fit.points[fit.inliers]
    random = np.random.default_rng(seed)
    asked = points[random.choice(len(points), min(len(points), LOOKED_AT), replace=False)]
    slopes = _slopes(head, fit, torch.from_numpy(np.concatenate([asked, places])).float()).double().numpy()
    seen, sought = slopes[: len(asked)], slopes[len(asked) :]
    misfit = np.clip(MISFITS * fit.spread_mm, LEAST_MISFIT_MM, MOST_MISFIT_MM)
    error = misfit**2 / INDEPENDENT + fit.spread_mm**2 / max(len(points), 1)
    prior = np.concatenate([np.ones(SOURCE_SIZE), np.full(len(ARKIT_NAMES), RIG_SPREAD**-2)])
    left = np.linalg.inv(seen.T @ seen / (max(len(asked), 1) * error) + np.diag(prior))
    return float(MEAN_OF_SPREAD * np.sqrt(np.einsum("pa,ab,pb->p", sought, left, sought).clip(0)).mean())


@torch.no_grad()
def _slopes(head: Head, fit: ScanFit, points: Float[Tensor, "point 3"]) -> Float[Tensor, "point weight"]:
    """How distances of points change with each weight of identity, then of expression; in millimetres."""
    z_id, code = fit.z_id[None], fit.code[None]
    ways = head.identity(torch.cat([torch.zeros(1, SOURCE_SIZE), IDENTITY_STEP * torch.eye(SOURCE_SIZE)]))
    people = torch.cat([posed_distances(head, z_id + way - ways[:1], code, points[None]) for way in ways[1:, None]])
    codes = code + head.rig(RIG_STEP * torch.eye(len(ARKIT_NAMES))) - head.rest
    faces = posed_distances(head, z_id, codes, points.expand(len(codes), -1, -1))
    base = posed_distances(head, z_id, code, points[None])
    return UNIT_MM * torch.cat([(people - base) / IDENTITY_STEP, (faces - base) / RIG_STEP]).T
