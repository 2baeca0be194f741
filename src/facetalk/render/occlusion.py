"""Where light does not reach: ambient occlusion from the depths of a picture, and shadows of the key light.

Both change slowly over a surface, so they are known at places two pixels apart and blended between.
"""

import numpy as np
from jaxtyping import Float, Int

from facetalk.compiled import finite_kernel
from facetalk.geometry import UNIT_MM
from facetalk.render.camera import Camera
from facetalk.render.raster import NO_RIM, draw

RADII_MM = (5.0, 22.0)
"""Creases round lids and lips; hollows such as eye sockets and the mouth."""
SHADE_NONE, SHADE_FULL = np.float32(2 / UNIT_MM), np.float32(5 / UNIT_MM)
"""Up to 2 mm above a surface is its own slope; from 5 mm on it is something else that throws a shadow."""
SHADOW_SIZE = 320
"""Texels along the edge of a shadow map."""


def ambient(nearness: Float[np.ndarray, "row column"], camera: Camera, scale: float) -> np.ndarray:
    """Share of ambient light that reaches each place of a depth picture, 0 … 1, slightly blurred.

    Args:
        nearness: 1 / distance at every place, 0 where nothing is.
        camera: that took it.
        scale: places along one pixel of the camera.
    """
    radii = np.array(RADII_MM, np.float32) / np.float32(UNIT_MM)
    return smooth(occlusion(nearness, radii * np.float32(camera.focal * scale), radii, _ring()), nearness)


def _ring() -> np.ndarray:
    """Eight places on a half disc, turned in sixteen ways: [turn, place, column or row]."""
    turn, place = np.meshgrid(np.arange(16), np.arange(8), indexing="ij")
    angle = (turn / 16 + place) * np.pi / 8
    # Neighbouring angles get distances far apart.
    distance = np.sqrt((place * 5 % 8 + 0.5) / 8)
    return (distance[..., None] * np.stack([np.cos(angle), np.sin(angle)], -1)).astype(np.float32)


def shadow_map(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], towards: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, "row column"], Float[np.ndarray, "3 4"]]:
    """Heights of the mesh as seen from a distant light, and the map from world points to (column, row, height)."""
    up = np.array([0.0, 1.0, 0.0]) if abs(towards[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(up, towards)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
    seen = axes @ vertices.T
    low, high = seen.min(1), seen.max(1)
    size = (SHADOW_SIZE - 4) / max(float((high - low)[:2].max()), 1e-6)
    matrix = np.concatenate([axes, np.zeros((3, 1), np.float32)], 1)
    matrix[0] *= size
    matrix[1] *= -size  # rows grow downwards
    matrix[:, 3] = [2 - low[0] * size, 2 + high[1] * size, 1 - low[2]]
    screen = np.ascontiguousarray((matrix[:, :3] @ vertices.T + matrix[:, 3:]).T, np.float32)
    heights = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.float32)
    draw(screen, faces, len(faces), NO_RIM, np.full(heights.shape, -1, np.int32), heights)
    return heights, matrix.astype(np.float32)


def shadows(
    nearness: Float[np.ndarray, "row column"], camera: Camera, step: float, first: float,
    heights: Float[np.ndarray, "texel texel"], matrix: Float[np.ndarray, "3 4"],
) -> Float[np.ndarray, "row column"]:  # fmt: skip
    """Share of the key light that reaches each place of a depth picture, 0 … 1.

    Args:
        nearness: 1 / distance at every place, 0 where nothing is.
        camera: that took it.
        step: pixels of the camera between places.
        first: pixels from the edges of the picture to the first row and column of places.
        heights: of the mesh, as its light sees it.
        matrix: from world points to places and heights there; see `shadow_map`.
    """
    back = np.linalg.inv(camera.T_camera_world)
    seen = np.concatenate([matrix[:, :3] @ back[:3, :3], matrix[:, :3] @ back[:3, 3:] + matrix[:, 3:]], 1)
    rows, columns = (first + step * np.arange(count) for count in nearness.shape)
    right, up = (columns - camera.width / 2) / camera.focal, (camera.height / 2 - rows) / camera.focal
    return lit_places(nearness, right.astype(np.float32), up.astype(np.float32), heights, seen.astype(np.float32))


@finite_kernel
def lit_places(nearness, right, up, heights, matrix):
    """`lit` of the places of a depth picture; `right`, `up` are theirs at distance 1, `matrix` is from the camera."""
    found = np.ones(nearness.shape, np.float32)
    for y in range(nearness.shape[0]):
        for x in range(nearness.shape[1]):
            if nearness[y, x] > 0:
                away = np.float32(1) / nearness[y, x]
                found[y, x] = lit(heights, matrix, right[x] * away, up[y] * away, -away)
    return found


@finite_kernel
def occlusion(nearness, radii, reach, ring):  # noqa: C901
    """Unblurred ambient light: for each radius, how many of the places round a place stand in front of it."""
    rows, columns = nearness.shape
    light = np.ones((rows, columns), np.float32)
    distance = np.empty((rows, columns), np.float32)
    for y in range(rows):
        for x in range(columns):
            distance[y, x] = np.float32(1) / nearness[y, x] if nearness[y, x] > 0 else np.float32(1e6)
    turns = ring.shape[1]
    for y in range(rows):
        for x in range(columns):
            here = nearness[y, x]
            if here == 0:
                continue
            depth = distance[y, x]
            # A different turn for each place trades bands for noise, which the blur removes.
            twist = ((x & 3) * 4 + (y & 3)) & 15
            for r in range(len(radii)):
                pixels = max(radii[r] * here, np.float32(1.5))
                hidden, limit = np.float32(0), reach[r]
                for t in range(turns):
                    dx, dy = int(ring[twist, t, 0] * pixels), int(ring[twist, t, 1] * pixels)
                    if x < abs(dx) or y < abs(dy) or x + abs(dx) >= columns or y + abs(dy) >= rows:
                        continue
                    # A slope rises on one side as it falls on the other: pairs of opposite places cancel it.
                    first, second = depth - distance[y + dy, x + dx], depth - distance[y - dy, x - dx]
                    if max(first, second) < 2 * limit:
                        rise = min(max(first, -limit), limit) + min(max(second, -limit), limit)
                        if rise > 0:
                            hidden += min(np.float32(2) * rise / limit, np.float32(1))
                light[y, x] *= 1 - np.float32(0.62) * hidden / turns
    return light


@finite_kernel
def smooth(light, nearness):
    """Mean over a 4 × 4 neighbourhood on the same surface."""
    rows, columns = light.shape
    found = light.copy()
    for y in range(2, rows - 2):
        for x in range(2, columns - 2):
            here = nearness[y, x]
            if here == 0:
                continue
            total, count = np.float32(0), np.float32(0)
            for dy in range(-2, 2):
                for dx in range(-2, 2):
                    other = nearness[y + dy, x + dx]
                    if abs(other - here) < np.float32(0.02) * here:
                        total += light[y + dy, x + dx]
                        count += 1
            found[y, x] = total / count
    return found


@finite_kernel
def lit(heights, matrix, x, y, z):
    """Share of the key light that reaches a world point: a soft comparison with the shadow map."""
    column = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
    row = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
    height = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
    i, j = int(np.floor(row)), int(np.floor(column))
    if i < 3 or j < 3 or i >= heights.shape[0] - 3 or j >= heights.shape[1] - 3:
        return np.float32(1)
    # Where the corners of the filter agree the inside does too, but for specks.
    same = 0
    for c in range(4):
        over = heights[i - 2 + 5 * (c & 1), j - 2 + 5 * (c >> 1)] - height
        same += 1 if over > SHADE_FULL else -1 if over < SHADE_NONE else 0
    over = heights[i, j] - height
    if same == 4 and over > SHADE_FULL:
        return np.float32(0)
    if same == -4 and over < SHADE_NONE:
        return np.float32(1)
    fx, fy = column - j, row - i
    total = np.float32(0)
    for dy in range(-2, 4):
        wy = 1 - fy if dy == -2 else fy if dy == 3 else np.float32(1)
        for dx in range(-2, 4):
            wx = 1 - fx if dx == -2 else fx if dx == 3 else np.float32(1)
            over = heights[i + dy, j + dx] - height
            shade = min(max((over - SHADE_NONE) / (SHADE_FULL - SHADE_NONE), np.float32(0)), np.float32(1))
            total += wx * wy * (1 - shade)
    return total / np.float32(25)
