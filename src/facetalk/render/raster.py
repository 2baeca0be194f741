"""Which triangle each sample of a picture sees: a z-buffer without any graphics library.

Hair is thin at its rim: samples that fall between its strands there see what lies behind.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Int32

from facetalk.compiled import kernel
from facetalk.render.makeup import streak
from facetalk.types import Strands

ONE = np.float32(1)
FINE_ACROSS, FINE_ALONG, TUFT_ACROSS, TUFT_ALONG = (np.float32(share) for share in (2.3, 0.10, 0.6, 0.05))
"""Strands and tufts in a millimetre, across and along their direction."""
FINE = np.float32(0.6)
"""Share of single strands in how far hair reaches over its rim; the rest is that of tufts."""
NO_RIM = np.zeros((0, 3), np.float32)
"""`Strands.rim` where there is no hair."""


@dataclass(frozen=True)
class Visibility:
    """What is seen through each sample of a picture."""

    triangle: Int32[np.ndarray, "row column"]
    """Index of the nearest face, −1 for none."""
    nearness: Float[np.ndarray, "row column"]
    """1 / distance there, 0 for none."""


def visible(
    screen: Float[np.ndarray, "vertex 3"],
    faces: Int[np.ndarray, "face 3"],
    width: int,
    height: int,
    samples: int = 1,
    hair: Strands | None = None,
) -> Visibility:
    """The nearest front-facing triangle at `samples` × `samples` places in each pixel.

    Args:
        screen: column, row (in pixels) and 1 / distance of each vertex, as a camera projects them.
        faces: counter-clockwise as seen from outside.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        samples: places along each edge of a pixel.
        hair: which faces are hair, and where it is thin.
    """
    triangle = np.full((height * samples, width * samples), -1, np.int32)
    nearness = np.zeros((height * samples, width * samples), np.float32)
    larger, faces = screen * np.array([samples, samples, 1], np.float32), np.ascontiguousarray(faces, np.int32)
    first_hair, rim = (len(faces), NO_RIM) if hair is None else (len(faces) - hair.faces, hair.rim)
    draw(larger, faces, first_hair, rim, triangle, nearness)
    return Visibility(triangle, nearness)


@kernel
def strand(across, along, density):
    """Whether there is a strand at a place of hair that is so dense."""
    fine = streak(across * FINE_ACROSS, along * FINE_ALONG, 5)
    tuft = streak(across * TUFT_ACROSS, along * TUFT_ALONG, 6)
    return density > FINE * fine + (ONE - FINE) * tuft


@kernel
def seen(strands, a, b, c, u, v):
    """Whether there is a strand at a place of a triangle of hair, by the weights of its second and third corner."""
    w = ONE - u - v
    across = w * strands[a, 0] + u * strands[b, 0] + v * strands[c, 0]
    along = w * strands[a, 1] + u * strands[b, 1] + v * strands[c, 1]
    return strand(across, along, w * strands[a, 2] + u * strands[b, 2] + v * strands[c, 2])


@kernel
def draw(screen, faces, first_hair, strands, triangle, nearness):
    """Write each front-facing triangle into the buffers where it is nearest; sample centres are at half integers.

    Faces from `first_hair` on are hair, `strands` holds what the last vertices say of it (`Strands.rim`).
    """
    rows, columns = triangle.shape
    zero, half, one, never = np.float32(0), np.float32(0.5), np.float32(1), np.float32(1e9)
    start = len(screen) - len(strands)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = screen[a, 0], screen[a, 1], screen[a, 2]
        bx, by, bz = screen[b, 0], screen[b, 1], screen[b, 2]
        cx, cy, cz = screen[c, 0], screen[c, 1], screen[c, 2]
        # Rows grow downwards, so a face turned to the camera has negative area here.
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= zero or az <= zero or bz <= zero or cz <= zero:
            continue
        x0 = max(int(np.ceil(min(ax, bx, cx) - half)), 0)
        x1 = min(int(np.floor(max(ax, bx, cx) - half)), columns - 1)
        y0 = max(int(np.ceil(min(ay, by, cy) - half)), 0)
        y1 = min(int(np.floor(max(ay, by, cy) - half)), rows - 1)
        if x0 > x1 or y0 > y1:
            continue
        inverse = one / area
        # Barycentric weights of a, b and c and the nearness are linear on the screen.
        ux, uy = (cy - ay) * inverse, -(cx - ax) * inverse
        vx, vy = -(by - ay) * inverse, (bx - ax) * inverse
        wx = -(ux + vx)
        px, py = np.float32(x0) + half - ax, np.float32(y0) + half - ay
        u, v = px * ux + py * uy, px * vx + py * vy
        zu, zv = bz - az, cz - az
        zx = ux * zu + vx * zv
        # Columns on which a weight of one loses sign: where a row enters the triangle, and where it leaves.
        to_u = -one / ux if ux != zero else never
        to_v = -one / vx if vx != zero else never
        to_w = -one / wx if wx != zero else never
        wide = np.float32(x1 - x0)
        thin = f >= first_hair and (
            strands[a - start, 2] < one or strands[b - start, 2] < one or strands[c - start, 2] < one
        )
        for y in range(y0, y1 + 1):
            at_u, at_v, at_w = u * to_u, v * to_v, (one - u - v) * to_w
            enters = max(max(at_u if ux > zero else zero, at_v if vx > zero else zero), at_w if wx > zero else zero)
            leaves = min(min(at_u if ux < zero else wide, at_v if vx < zero else wide), at_w if wx < zero else wide)
            enters, leaves = max(enters, zero), min(leaves, wide)
            if enters <= leaves:  # false for NaN, as of slivers without area
                first, last = int(np.ceil(enters)), int(np.floor(leaves))
                here = az + u * zu + v * zv + np.float32(first) * zx
                for x in range(x0 + first, x0 + last + 1):
                    if here > nearness[y, x] and (not thin or seen(strands, a - start, b - start, c - start,
                                                                   u + (x - x0) * ux, v + (x - x0) * vx)):  # fmt: skip
                        nearness[y, x] = here
                        triangle[y, x] = f
                    here += zx
            u += uy
            v += vy
