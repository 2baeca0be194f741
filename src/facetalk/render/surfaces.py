"""What surfaces are at a place of a picture: what vertices carry, interpolated, and the colours of regions, mixed."""

import numpy as np

from facetalk.compiled import finite_kernel
from facetalk.types import Region

ONE, ZERO, HALF = np.float32(1), np.float32(0), np.float32(0.5)
SKIN, LIPS, SCLERA, IRIS, PUPIL, TEETH, MOUTH, HAIR = (int(region) for region in Region)
REGIONS = len(Region)


@finite_kernel
def attributes(f, x, y, faces, screen, carried, out):
    """Interpolate what vertices carry at picture place (x, y) of face `f`; the normal gets unit length."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    ax, ay, az = screen[a, 0], screen[a, 1], screen[a, 2]
    bx, by, bz = screen[b, 0], screen[b, 1], screen[b, 2]
    cx, cy, cz = screen[c, 0], screen[c, 1], screen[c, 2]
    inverse = ONE / ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
    u = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse
    v = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inverse
    # Perspective: attributes over distance are linear on the screen.
    wa, wb, wc = max(ONE - u - v, ZERO) * az, max(u, ZERO) * bz, max(v, ZERO) * cz
    total = ONE / (wa + wb + wc)
    wa, wb, wc = wa * total, wb * total, wc * total
    for i in range(carried.shape[1]):
        out[i] = wa * carried[a, i] + wb * carried[b, i] + wc * carried[c, i]
    length = ONE / np.sqrt(out[3] * out[3] + out[4] * out[4] + out[5] * out[5] + np.float32(1e-12))
    for i in range(3, 6):
        out[i] *= length


@finite_kernel
def mixed(out, albedo, shine, surface):
    """Colour to surface[0:3], strength, sharpness and softness to [3:6].

    Regions have crisp edges, but lips fade into skin.
    """
    total = np.float32(1e-12)
    for i in range(6):
        surface[i] = ZERO
    covered = out[6 + SKIN] + out[6 + LIPS]
    red = out[6 + LIPS] / max(covered, np.float32(1e-6))
    red *= red * (np.float32(3) - np.float32(2) * red)
    covered *= covered
    covered *= covered
    for r in range(REGIONS):
        w = out[6 + r] * out[6 + r]
        w *= w
        if r == LIPS:
            w = covered * red
        elif r == SKIN:
            w = covered * (ONE - red)
        if w > np.float32(1e-6):
            total += w
            for i in range(3):
                surface[i] += w * albedo[r, i]
                surface[3 + i] += w * shine[r, i]
    for i in range(6):
        surface[i] /= total
    # The limbus: a dark ring where iris meets sclera, and light gathered in the iris away from it.
    ring = min(np.float32(4) * out[6 + IRIS] * out[6 + SCLERA], ONE)
    gather = ONE + HALF * out[6 + IRIS] * out[6 + IRIS]
    for i in range(3):
        surface[i] *= (ONE - np.float32(0.72) * ring * ring) * gather
