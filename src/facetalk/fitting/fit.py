"""A scan and a head model in, the person out: aligned, cut at the throat, fitted; or one line that says why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.fitting.alignment import NECK, align, improved
from facetalk.fitting.guide import Guide, facing
from facetalk.fitting.pose import UNITS_MM, Pose, extent, placed_by_landmarks, plausible_units
from facetalk.fitting.scan import FEWEST, Scan, roughness
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import Cloud, FitConfig, Fitted, Watch, fit
from facetalk.head.model import Head, IdentityState

NEAR_MM = 35.0
"""Points farther from the mean head are hair, clothes or furniture."""
LEAST_SCORE = 0.15
"""Below this share of explained points there is no head in the scan."""
RIVAL = 0.8
"""A second pose with this share of the first one's score is tried as well."""
INLIER_MM, INLIER_SPREADS = 2.0, 3.0
"""An inlier lies this near to the fitted surface, or within so many spreads."""
SPREAD_MM, SPREAD_NOISES = 2.0, 1.7
"""A fit whose spread exceeds this much and so many times the scan's own noise explains nothing."""


MISMARKED = 1.5
"""Landmarks that make a head this many times larger or smaller than the mean are wrong."""
WANTED_LANDMARKS = "three or more of nose_tip, chin, mouth_corner_left, mouth_corner_right, ear_left and ear_right"
Landmarks = Mapping[str, Float[np.ndarray, "3"]]


def unwatched(done: int, of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class ScanFitConfig:
    """How a scan is fitted."""

    codes: FitConfig = field(default_factory=lambda: FitConfig(steps=200, points=300, pose=0.1))
    rehearsal: int = 50
    """Steps spent on each of two poses that look alike, before one is chosen."""


@dataclass(frozen=True)
class ScanFit:
    """A person found in a scan."""

    z_id: Float[Tensor, " identity"]
    code: Float[Tensor, " code"]
    T_head_scan: Float[np.ndarray, "4 4"]
    """From the file's numbers to head space."""
    unit: str
    points: Float[np.ndarray, "point 3"]
    """The scan in head space, lone points left out, everything below the throat too."""
    distance: Float[np.ndarray, " point"]
    """Signed distance of each point from the fitted head, in units."""
    spread_mm: float
    """Spread of the inliers about the surface: noise and misfit."""
    normals: bool
    """Whether the scan's normals were good enough to use."""

    @property
    def inliers(self) -> Bool[np.ndarray, " point"]:
        """Points that lie on the fitted head."""
        return np.abs(self.distance) * UNIT_MM < max(INLIER_MM, INLIER_SPREADS * self.spread_mm)


@dataclass(frozen=True)
class Fitter:
    """Finds people in scans."""

    head: Head
    config: ScanFitConfig = field(default_factory=ScanFitConfig)

    @cached_property
    def guide(self) -> Guide:
        """What scans are aligned to."""
        return Guide(self.head.posed(self._mean, self.head.rest))

    @cached_property
    def _mean(self) -> IdentityState:
        with torch.no_grad():
            return self.head.identify(torch.zeros(self.head.config.layout.size))

    def __call__(
        self, scan: Scan, *, unit: str = "auto", landmarks: Landmarks | None = None, watch: Watch = unwatched
    ) -> ScanFit:
        """The person in a scan.

        Args:
            scan: as `facetalk.fitting.scan.read` gives it.
            unit: of the file's numbers: m, cm or mm; auto finds it from the size and from the fit.
            landmarks: places of named points, in the file's numbers; not needed unless alignment fails.
            watch: told how many steps of how many are done.

        Raises:
            InputError: the size fits no head, none is found, or the fit explains too little.
        """
        poses = [_sized(self.guide, scan, pose) for pose in self._poses(scan, units_of(scan, unit), landmarks)]
        clouds = [_cloud(self.guide, scan, pose) for pose in poses]
        chosen = 0
        if len(poses) > 1:
            rehearsed = replace(self.config.codes, steps=self.config.rehearsal)
            chosen = int(np.argmin([fit(self.head, [cloud], rehearsed).spread_mm for cloud in clouds]))
        fitted = fit(self.head, [clouds[chosen]], self.config.codes, watch=watch)
        found = _placed(self.head, scan, poses[chosen], clouds[chosen], fitted)
        _check(scan, found)
        return found

    def _poses(self, scan: Scan, units: list[str], landmarks: Landmarks | None) -> list[Pose]:
        """The likeliest pose, and a second one where that is nearly as likely."""
        if landmarks is not None:
            wanted = np.stack([self._mean.landmarks[name].double().numpy() for name in landmarks])
            start = placed_by_landmarks(np.stack(list(landmarks.values())), wanted, units)
            if abs(np.log(start.size * UNIT_MM / UNITS_MM[start.unit])) > np.log(MISMARKED):
                size = UNITS_MM[start.unit] / UNIT_MM / start.size
                raise InputError(
                    f"{scan.name}: by its landmarks the head is {size:.2g} times as large as others in {start.unit}; "
                    "check their places, their order of axes and --unit"
                )
            return [improved(self.guide, scan, start)]
        poses = align(self.guide, scan, units, seed=self.config.codes.seed)
        score = poses[0].score if poses else 0.0
        if score < LEAST_SCORE:
            raise InputError(
                f"{scan.name}: no head is found in it (the best pose explains {score:.0%} of the points); "
                f"give --landmarks with {WANTED_LANDMARKS}, or cut away what is no head"
            )
        return [pose for pose in poses[:2] if pose.score >= RIVAL * poses[0].score]


def units_of(scan: Scan, unit: str) -> list[str]:
    """Units that a scan may be in.

    Raises:
        InputError: with none of them, or not with the one that is asked for, a head has room in it.
    """
    across, units = extent(scan.points), plausible_units(scan.points)
    if unit == "auto" and not units:
        raise InputError(
            f"{scan.name}: it is {across:.4g} across, which is no head in m, cm or mm; scale it to one of these"
        )
    if unit != "auto" and unit not in units:
        size = across * UNITS_MM[unit]
        other = f"try --unit {units[0]}" if units else "scale it to m, cm or mm"
        raise InputError(f"{scan.name}: in {unit} it is {size:.4g} mm across, which is no head; {other}")
    return units if unit == "auto" else [unit]


def _sized(guide: Guide, scan: Scan, pose: Pose) -> Pose:
    """The pose at the person's own size, about the middle of what of the scan is head."""
    kept = is_head(guide, pose(scan.points))
    if kept.sum() < FEWEST:
        raise InputError(
            f"{scan.name}: only {kept.sum()} points lie near a head and {FEWEST} are needed; "
            "scan more of the face, or check the places and order of axes of the landmarks"
        )
    return pose.true_to_size(scan.points[kept])


def _cloud(guide: Guide, scan: Scan, pose: Pose) -> Cloud:
    """What of a scan is head, in head space."""
    points = pose(scan.points)
    kept = is_head(guide, points)
    # The whole scan may be inside out, but where its normals are its own they agree with each other.
    return facing(guide, points[kept], scan.normals[kept] @ pose.rotation.T, alike=scan.oriented)


def is_head(guide: Guide, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
    """Points in head space that are near the head and above its throat."""
    distance = guide(torch.tensor(points[None]).float())[0][0].numpy()
    return (np.abs(distance) * UNIT_MM < NEAR_MM) & (points[:, 1] > NECK)


def _placed(head: Head, scan: Scan, pose: Pose, cloud: Cloud, fitted: Fitted) -> ScanFit:
    """The whole scan where the fit has put it."""
    middle = cloud.points.mean(0).double().numpy()
    turn = np.eye(4)
    turn[:3, :3] = fitted.turns[0].double().numpy()
    turn[:3, 3] = middle + fitted.shifts[0].double().numpy() - turn[:3, :3] @ middle
    T_head_scan = turn @ pose.T_head_scan
    points = scan.points @ T_head_scan[:3, :3].T + T_head_scan[:3, 3]
    points = points[points[:, 1] > NECK]
    with torch.no_grad():
        posed = head.posed(head.identify(fitted.z_id), fitted.codes[0])
        distance = posed(torch.tensor(points).float()).double().numpy()
    return ScanFit(
        fitted.z_id, fitted.codes[0], T_head_scan, pose.unit, points, distance, fitted.spread_mm,
        cloud.normals is not None,
    )  # fmt: skip


def _check(scan: Scan, found: ScanFit) -> None:
    noise = roughness(scan.points) * UNITS_MM[found.unit]
    if found.spread_mm > SPREAD_MM + SPREAD_NOISES * noise:
        raise InputError(
            f"{scan.name}: the best head is {found.spread_mm:.1f} mm off; give --landmarks with {WANTED_LANDMARKS}, "
            f"or the right --unit if it is not {found.unit}"
        )
