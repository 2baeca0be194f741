"""Which triangle each sample of a picture sees: a z-buffer without any graphics library."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Int32

from facetalk.compiled import kernel


@dataclass(frozen=True)
class Visibility:
    """What is seen through each sample of a picture."""

    triangle: Int32[np.ndarray, "row column"]
    """Index of the nearest face, −1 for none."""
    nearness: Float[np.ndarray, "row column"]
    """1 / distance there, 0 for none."""


def visible(
    screen: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], width: int, height: int, samples: int = 1
) -> Visibility:
    """The nearest front-facing triangle at `samples` × `samples` places in each pixel.

    Args:
        screen: column, row (in pixels) and 1 / distance of each vertex, as a camera projects them.
        faces: counter-clockwise as seen from outside.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        samples: places along each edge of a pixel.
    """
    triangle = np.full((height * samples, width * samples), -1, np.int32)
    nearness = np.zeros((height * samples, width * samples), np.float32)
    draw(
        screen * np.array([samples, samples, 1], np.float32), np.ascontiguousarray(faces, np.int32), triangle, nearness
    )
    return Visibility(triangle, nearness)


@kernel
def draw(screen, faces, triangle, nearness):
    """Write each front-facing triangle into the buffers where it is nearest; sample centres are at half integers."""
    rows, columns = triangle.shape
    half = np.float32(0.5)
    for f in range(len(faces)):
        a, b, c = faces[f]
        ax, ay, az = screen[a]
        bx, by, bz = screen[b]
        cx, cy, cz = screen[c]
        # Rows grow downwards, so a face turned to the camera has negative area here.
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= 0 or az <= 0 or bz <= 0 or cz <= 0:
            continue
        x0 = max(int(np.ceil(min(ax, bx, cx) - half)), 0)
        x1 = min(int(np.floor(max(ax, bx, cx) - half)), columns - 1)
        y0 = max(int(np.ceil(min(ay, by, cy) - half)), 0)
        y1 = min(int(np.floor(max(ay, by, cy) - half)), rows - 1)
        if x0 > x1 or y0 > y1:
            continue
        inverse = np.float32(1) / area
        # Barycentric weights of b and c and the nearness are linear on the screen.
        ux, uy = (cy - ay) * inverse, -(cx - ax) * inverse
        vx, vy = -(by - ay) * inverse, (bx - ax) * inverse
        px, py = x0 + half - ax, y0 + half - ay
        u_row, v_row = px * ux + py * uy, px * vx + py * vy
        zu, zv = bz - az, cz - az
        for y in range(y0, y1 + 1):
            u, v = u_row, v_row
            for x in range(x0, x1 + 1):
                if u >= 0 and v >= 0 and u + v <= 1:
                    z = az + u * zu + v * zv
                    if z > nearness[y, x]:
                        nearness[y, x] = z
                        triangle[y, x] = f
                u += ux
                v += vx
            u_row += uy
            v_row += vy
