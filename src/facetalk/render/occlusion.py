"""Where light does not reach: ambient occlusion from the depths of a picture, and shadows of the key light."""

import numpy as np
from jaxtyping import Float, Int

from facetalk.compiled import kernel
from facetalk.geometry import UNIT_MM
from facetalk.render.camera import Camera
from facetalk.render.raster import draw

RADII_MM = (5.0, 22.0)
"""Creases round lids and lips; hollows such as eye sockets and the mouth."""
SHADOW_SIZE = 320
"""Texels along the edge of a shadow map."""


def ambient(nearness: Float[np.ndarray, "row column"], camera: Camera, scale: float) -> np.ndarray:
    """Share of ambient light that reaches each place of a depth picture, 0 … 1, slightly blurred.

    Args:
        nearness: 1 / distance at every place, 0 where nothing is.
        camera: that took it.
        scale: places along one pixel of the camera.
    """
    radii = np.array(RADII_MM, np.float32) / UNIT_MM * np.float32(camera.focal * scale)
    return smooth(occlusion(nearness, radii, np.array(RADII_MM, np.float32) / UNIT_MM), nearness)


def shadow_map(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], towards: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, "row column"], Float[np.ndarray, "3 4"]]:
    """Heights of the mesh as seen from a distant light, and the map from world points to (column, row, height)."""
    up = np.array([0.0, 1.0, 0.0]) if abs(towards[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(up, towards)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
    seen = vertices @ axes.T
    low, high = seen.min(0), seen.max(0)
    size = (SHADOW_SIZE - 4) / max(float((high - low)[:2].max()), 1e-6)
    matrix = np.concatenate([axes, np.zeros((3, 1), np.float32)], 1)
    matrix[0] *= size
    matrix[1] *= -size  # rows grow downwards
    matrix[:, 3] = [2 - low[0] * size, 2 + high[1] * size, 1 - low[2]]
    screen = (vertices @ matrix[:, :3].T + matrix[:, 3]).astype(np.float32)
    heights = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.float32)
    draw(screen, faces, np.full(heights.shape, -1, np.int32), heights)
    return heights, matrix.astype(np.float32)


@kernel
def occlusion(nearness, radii, reach):  # noqa: C901
    """Unblurred ambient light: for each radius, how many of the places round a place stand in front of it."""
    rows, columns = nearness.shape
    light = np.ones((rows, columns), np.float32)
    turns = 8
    for y in range(rows):
        for x in range(columns):
            here = nearness[y, x]
            if here == 0:
                continue
            depth = 1 / here
            # A different turn for each place trades bands for noise, which the blur removes.
            twist = ((x & 3) * 4 + (y & 3)) * np.float32(0.3926991)
            for r in range(len(radii)):
                pixels = max(radii[r] * here, np.float32(1.5))
                hidden = np.float32(0)
                for t in range(turns):
                    angle = twist + t * np.float32(6.2831853 / 8)
                    far = pixels * np.sqrt((t + np.float32(0.5)) / turns)
                    dx, dy = np.int64(np.cos(angle) * far), np.int64(np.sin(angle) * far)
                    # A slope rises on one side as it falls on the other: pairs of opposite places cancel it.
                    rise = np.float32(0)
                    near_enough = True
                    for side in (-1, 1):
                        qx, qy = x + side * dx, y + side * dy
                        if 0 <= qx < columns and 0 <= qy < rows and nearness[qy, qx] > 0:
                            height = depth - 1 / nearness[qy, qx]
                            if height > 2 * reach[r]:
                                near_enough = False
                            rise += min(max(height, -reach[r]), reach[r])
                        else:
                            rise -= reach[r]
                    if near_enough and rise > 0:
                        hidden += min(rise / reach[r] * np.float32(2.0), np.float32(1))
                light[y, x] *= 1 - np.float32(0.62) * hidden / turns
    return light


@kernel
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


@kernel
def lit(heights, matrix, x, y, z):
    """Share of the key light that reaches a world point: a soft comparison with the shadow map."""
    column = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
    row = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
    height = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
    i, j = int(np.floor(row)), int(np.floor(column))
    if i < 3 or j < 3 or i >= heights.shape[0] - 3 or j >= heights.shape[1] - 3:
        return np.float32(1)
    fx, fy = column - j, row - i
    total = np.float32(0)
    for dy in range(-2, 4):
        wy = 1 - fy if dy == -2 else fy if dy == 3 else np.float32(1)
        for dx in range(-2, 4):
            wx = 1 - fx if dx == -2 else fx if dx == 3 else np.float32(1)
            over = heights[i + dy - 0, j + dx - 0] - height
            # From 2 mm above, where a surface shades itself, to 5 mm, where something else does.
            shade = min(max((over - np.float32(0.008)) * np.float32(80), np.float32(0)), np.float32(1))
            total += wx * wy * (1 - shade)
    return total / 25
