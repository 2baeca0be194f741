"""The poses that make a tracked surface, and the road that shows it.

Poses are drawn over the whole rig, mouth and eyes mixed, denser where speech lives. They are solved side by side on
all cores, each start from what the ones before tell about it.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.geometry import UNIT_MM
from facetalk.head.kinds import rig_of
from facetalk.head.model import Deform, Deformation
from facetalk.mesh.carry import Carried
from facetalk.mesh.carry import Deform as Warp
from facetalk.mesh.extract import ask, extract
from facetalk.mesh.finding import look_up_all
from facetalk.mesh.grid import Grid
from facetalk.mesh.mending import COVERED_MM, draw_back, follow_neighbours, neighbour_means, turn_rigidly
from facetalk.mesh.sketch import Sketch
from facetalk.mesh.tracked import STRAY_MM, Guess, Posed, Track, TrackConfig, track
from facetalk.pipeline.actor import Actor, Points, parts
from facetalk.pipeline.side_by_side import cores, ordered
from facetalk.types import EYEBALL, Mesh, Region

POSES = 72
"""Solved for an identity, the rest pose among them."""
FIRST, STEPS = 9, (0.3, 0.6, 1.0)
"""Poses solved step by step from the canonical one; those after start from what the ones before tell."""
MOUTH, EYES = ("mouth", "jaw", "cheekPuff"), ("eye", "brow", "cheekSquint", "noseSneer")
"""What names of mouth and eye weights begin with."""
JAW_SHARE, JAW_MOST, BLINK_SHARE = 0.75, 0.7, 0.4
"""How many poses open the jaw, how far at most, and how many blink."""
CLOSED_SHARE = 0.35
"""How many poses close the lips on purpose."""
CLOSING = {
    "jawOpen": 0.4, "mouthPress": 0.4, "mouthRollLower": 0.5, "mouthRollUpper": 0.3, "mouthPucker": 0.4,
    "mouthFunnel": 0.2,
}  # fmt: skip
"""With what, and how much of it at most: lips also close over a jaw that is open for the vowel beside them."""
PLAIN = TrackConfig()
logger = logging.getLogger("facetalk.tracked")


def tracked_poses(count: int, seed: int = 0) -> Float[np.ndarray, "pose 52"]:
    """ARKit weights: mixtures of a few mouth and eye shapes, both sides mostly alike, with open jaws and blinks."""
    draw = np.random.default_rng(seed)
    weights = np.zeros((count, len(ARKIT_NAMES)), np.float32)
    groups = [sorted({_stem(name) for name in ARKIT_NAMES if name.startswith(starts)}) for starts in (MOUTH, EYES)]
    for row in weights:
        for stems, most in zip(groups, (5, 3), strict=True):
            for stem in draw.choice(stems, draw.integers(0, most), replace=False):
                _put(row, stem, float(draw.beta(1, 1.5)), float(draw.choice([1, draw.uniform(0.5, 1)])))
        if draw.random() < JAW_SHARE:
            row[ARKIT_INDEX["jawOpen"]] = JAW_MOST * draw.random() ** 1.5
        if draw.random() < CLOSED_SHARE:
            _close(row, draw)
        if draw.random() < BLINK_SHARE:
            _put(row, "eyeBlink", float(draw.choice([1, draw.random()])), 1.0)
        row[ARKIT_INDEX["mouthClose"]] = min(row[ARKIT_INDEX["mouthClose"]], row[ARKIT_INDEX["jawOpen"]])
    return weights


def _close(row: Float[np.ndarray, "52"], draw: np.random.Generator) -> None:
    """Lips pressed and rolled in on a jaw that hardly opens, as for /p b m f v/."""
    for stem, most in CLOSING.items():
        _put(row, stem, most * float(draw.random()), 1.0)
    row[ARKIT_INDEX["mouthClose"]] = row[ARKIT_INDEX["jawOpen"]]


def _stem(name: str) -> str:
    return name.removesuffix("Left").removesuffix("Right")


def _put(row: Float[np.ndarray, "52"], stem: str, left: float, right_share: float) -> None:
    """Set one shape, its right side weaker or not."""
    for name, value in ((stem, left), (f"{stem}Left", left), (f"{stem}Right", left * right_share)):
        if name in ARKIT_INDEX:
            row[ARKIT_INDEX[name]] = value


class Interpolated:
    """A deformation asked once at the nodes of a grid and interpolated between them: for one that hardly counts."""

    def __init__(self, deform: Deform, grid: Grid) -> None:
        nodes = np.concatenate([grid.nodes(part) for part in range(len(grid.patches) + 1)])
        self.grid = grid
        self.channels = np.ascontiguousarray(ask(lambda points: _together(deform(points)), nodes).T)

    def __call__(self, points: Points) -> Deformation:
        """Offsets and levels anywhere."""
        places = np.ascontiguousarray(points.cpu().numpy(), np.float32)
        found = np.stack([look_up_all(channel, *self.grid.finder, places) for channel in self.channels], 1)
        moved = torch.from_numpy(found).to(points.device)
        return Deformation(moved[:, :3], moved[:, 3])


def _together(moved: Deformation) -> Float[Tensor, "point 4"]:
    return torch.cat([moved.offsets, moved.level[:, None]], 1)


class Tracking:
    """The surface of one identity, tracked: made once, then asked for runs of frames."""

    @torch.inference_mode()
    def __init__(self, actor: Actor, resolution: int, config: TrackConfig = PLAIN) -> None:
        self.actor, self.grid = actor, actor.grid(resolution)
        actor.state  # noqa: B018 - both ask for it
        with ThreadPoolExecutor(1) as pool:
            rest = pool.submit(self._rest)
            self.canonical = self._surface()
            self.at_rest = rest.result()
        self.track = self._track(config)

    def warp(self, code: Float[Tensor, " code"]) -> Warp:
        """Offsets and levels of a pose."""
        return parts(self.actor.deformation(code, self.at_rest))

    @torch.inference_mode()
    def __call__(self, codes: Float[Tensor, "frame code"]) -> Iterator[Mesh]:
        """Meshes of consecutive frames, all with the same faces unless a frame could not be carried."""
        posed = self.poses(codes := codes.cpu())
        vertices = self.track.vertices(torch.stack([pose.coefficients for pose in posed])).numpy()
        for code, pose, places in zip(codes, posed, vertices, strict=True):
            yield self.track.mesh(places) if self.track.holds(pose) else self._solved(code, pose)

    @torch.inference_mode()
    def poses(self, codes: Float[Tensor, "frame code"]) -> list[Posed]:
        """The components of frames, and how well they fit."""
        return [self.track.pose(self.warp(code), code) for code in codes]

    @torch.inference_mode()
    def _rest(self) -> Interpolated | None:
        return None if self.actor.smoothing is None else Interpolated(self.actor.at_rest, self.grid)

    @torch.inference_mode()
    def _surface(self) -> Mesh:
        whole_edges = float("inf")  # every frame pays for every vertex, and what arcs add is too little to be seen
        return extract(
            self.actor.canonical, self.grid, cut=self.actor.cut, regions=self.actor.shares, arc_mm=whole_edges
        )

    def _solved(self, code: Float[Tensor, " code"], posed: Posed) -> Mesh:
        """A frame that the components do not hold, vertex by vertex; extracted where even that fails."""
        carried = self.track.solve(self.warp(code), code)
        residual = float(posed.residual_mm.nanmean())
        if float(carried.miss_mm.mean()) <= self.track.config.broken_mm:
            logger.info("a frame %.2f mm off its components was solved vertex by vertex", residual)
            return self.track.mesh(self.track.placed(carried.points[None])[0].numpy())
        logger.warning("a frame could not be tracked (%.2f mm off) and was extracted: its faces differ", residual)
        mesh = extract(self.actor.sdf(code), self.grid, cut=self.actor.cut)
        canonical = ask(self.actor.carried(code), mesh.vertices)
        return replace(mesh, regions=ask(self.actor.shares, canonical), canonical=canonical)

    def _track(self, config: TrackConfig) -> Track:
        rig = rig_of(self.actor.head)
        assert self.canonical.normals is not None
        points, normals = torch.from_numpy(self.canonical.vertices), torch.from_numpy(self.canonical.normals)
        weights = torch.from_numpy(tracked_poses(POSES - 1))
        codes = rig(torch.cat([torch.zeros_like(weights[:1]), weights]).to(self.actor.device)).cpu()
        still = Sketch.of(points, normals).carry(self._way(codes[0]), points).points
        moving = self._moving(still)
        sketch, mended = Sketch.of(points[moving], normals[moving]), self._mending(moving)

        def stepwise(code: Tensor) -> Carried:
            return mended(self.warp(code), sketch.carry(self._way(code), sketch.points))

        def solve(job: tuple[Tensor, Tensor]) -> Carried:
            code, start = job
            return mended(self.warp(code), sketch.carry([self.warp(code)], start))

        found = list(ordered(stepwise, codes[:FIRST], cores()))
        while len(found) < len(codes):
            known, wanted = codes[: len(found)], codes[len(found) : 2 * len(found)]
            starts = self._starts(known, torch.stack([pose.points for pose in found]), sketch.points, wanted)
            found += ordered(solve, zip(wanted, starts, strict=True), cores())
        poses = torch.stack([pose.points for pose in found])
        missed = torch.stack([pose.miss_mm for pose in found])
        return track(self.canonical, still, moving, codes, poses, missed, config)

    def _way(self, code: Float[Tensor, " code"]) -> list[Warp]:
        """From the canonical pose, which is the zero code, in steps."""
        return [self.warp(share * code) for share in STEPS]

    def _moving(self, still: Float[Tensor, "vertex 3"]) -> Int[Tensor, " moving"]:
        """Vertices, given at rest, that expressions reach."""
        if self.actor.reach is None:
            return torch.arange(len(still))
        return (self.actor.reach(still.to(self.actor.device)) > 0).nonzero()[:, 0].cpu()

    def _mending(self, moving: Int[Tensor, " moving"]) -> Callable[[Warp, Carried], Carried]:
        """Mends solved poses: spikes follow their neighbours, eyeballs turn as one, and covered teeth draw back.

        Teeth that were drawn back are no probes: they miss their place by infinity.
        """
        whole, rows = self.canonical, moving.numpy()
        canonical, shares = torch.from_numpy(whole.vertices)[moving], torch.from_numpy(whole.regions)[moving]
        teeth = (shares[:, Region.TEETH] > 0.5).nonzero()[:, 0]
        outward, balls = torch.from_numpy(whole.normals)[moving][teeth], self._balls(canonical, shares)
        numbers = np.full(len(whole.vertices), -1)
        numbers[rows] = np.arange(len(rows))
        faces = numbers[whole.faces]
        means = neighbour_means(faces[(faces >= 0).all(1)], len(rows))

        def mended(warp: Warp, carried: Carried) -> Carried:
            points = canonical + follow_neighbours(carried.points - canonical, carried.miss_mm > STRAY_MM, means)
            miss = carried.miss_mm.clone()
            for ball, centre in balls:
                free = (carried.miss_mm[ball] < STRAY_MM) & (self._covered(warp, points[ball]) == 0)
                points[ball] = turn_rigidly(points[ball], canonical[ball], free, centre)
            drawn = draw_back(points[teeth], outward, self._covered(warp, points[teeth]))
            miss[teeth[(drawn != points[teeth]).any(1)]] = torch.inf
            points[teeth] = drawn
            return Carried(points, miss)

        return mended

    def _balls(
        self, points: Points, shares: Float[Tensor, "point region"]
    ) -> list[tuple[Int[Tensor, " _"], Float[Tensor, "3"]]]:
        """Which points belong to each eyeball, and its centre."""
        if not self.actor.marked:
            return []
        centres = torch.stack([self.actor.landmark("eye_left"), self.actor.landmark("eye_right")])
        nearer, hard = torch.cdist(points, centres).argmin(1), shares[:, list(EYEBALL)].sum(1) > 0.5
        return [((hard & (nearer == side)).nonzero()[:, 0], centre) for side, centre in enumerate(centres)]

    def _covered(self, warp: Warp, points: Float[Tensor, "hard 3"]) -> Float[Tensor, " hard"]:
        """Posed distance of solved points, 0 where the level does not push flesh over them."""
        offsets, level = warp(points)
        distance = torch.zeros(len(points))
        low = (level < -COVERED_MM / UNIT_MM).nonzero()[:, 0]
        distance[low.cpu()] = (self.actor.canonical((points.to(offsets.device) + offsets)[low]) + level[low]).cpu()
        return distance

    @staticmethod
    def _starts(known: Tensor, poses: Tensor, points: Tensor, wanted: Tensor) -> Iterator[Tensor]:
        """Where vertices probably lie, one pose after another; the canonical pose (the zero code) is known as well."""
        known = torch.cat([torch.zeros_like(known[:1]), known])
        guess = Guess.of(known, torch.cat([points[None], poses]).flatten(1))
        return (guess(code[None]).view_as(points) for code in wanted)
