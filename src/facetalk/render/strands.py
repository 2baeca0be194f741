"""Light on hair: fine streaks along its strands, and highlights that lie across them.

A strand is a thin cylinder: what it reflects depends on the angle to its direction and not on a normal (Kajiya and Kay
1989), twice, a pale highlight towards the root and one in the colour of the hair towards the tip (Marschner et al.
2003, with the two shifts of Scheuermann 2004). Strands are drawn by noise over the coordinates along and across them.
"""

import numpy as np

from facetalk.compiled import finite_kernel
from facetalk.render.makeup import scatter

ONE, ZERO, HALF = np.float32(1), np.float32(0), np.float32(0.5)
SHEEN = np.float32(0.006)
"""Light that even the blackest hair gives back."""
WAY, ACROSS, LOCK = 6, 9, 11
"""What vertices of hair carry in place of region shares: direction, coordinates (mm), how far their lock stands out."""


@finite_kernel
def streak(x, y, seed):
    """Smooth noise between 0 and 1 over two coordinates, with features of size one."""
    fx, fy = np.floor(x), np.floor(y)
    i, j = np.int64(fx), np.int64(fy)
    u, v = np.float32(x - fx), np.float32(y - fy)
    u, v = u * u * (np.float32(3) - np.float32(2) * u), v * v * (np.float32(3) - np.float32(2) * v)
    near = scatter(i, j, seed) + u * (scatter(i + 1, j, seed) - scatter(i, j, seed))
    far = scatter(i, j + 1, seed) + u * (scatter(i + 1, j + 1, seed) - scatter(i, j + 1, seed))
    return near + v * (far - near)


@finite_kernel
def light_strands(out, hair, view, lights, sky, floor, ambient, reached, rgb):
    """Linear light sent towards the viewer by the point of hair in `out`, on which `reached` of the key light falls."""
    tx, ty, tz = out[WAY], out[WAY + 1], out[WAY + 2]
    scale = ONE / np.sqrt(tx * tx + ty * ty + tz * tz + np.float32(1e-9))
    tx, ty, tz = tx * scale, ty * scale, tz * scale
    across, along = out[ACROSS], out[ACROSS + 1]
    fine = streak(across * np.float32(0.95), along * np.float32(0.03), 1)
    wide = streak(across * np.float32(0.31), along * np.float32(0.014), 2)
    # Across the strand, in the surface: streaks tilt the normal that way.
    bx, by, bz = out[4] * tz - out[5] * ty, out[5] * tx - out[3] * tz, out[3] * ty - out[4] * tx
    tilt = np.float32(1.3) * (fine - HALF) + np.float32(0.9) * (wide - HALF)
    nx, ny, nz = out[3] + tilt * bx, out[4] + tilt * by, out[5] + tilt * bz
    scale = ONE / np.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    vx, vy, vz = view[0] - out[0], view[1] - out[1], view[2] - out[2]
    scale = ONE / np.sqrt(vx * vx + vy * vy + vz * vz)
    vx, vy, vz = vx * scale, vy * scale, vz * scale
    # Between locks less light arrives.
    deep = min(max(np.float32(0.75) + np.float32(0.16) * out[LOCK], np.float32(0.35)), ONE)
    shade = (np.float32(0.15) + np.float32(1.15) * fine + np.float32(1.35) * wide) * deep
    up = HALF + HALF * ny
    for i in range(3):
        rgb[i] = np.float32(1.1) * shade * (hair[i] + SHEEN) * ambient * (floor[i] + up * (sky[i] - floor[i]))
    shift = np.float32(0.3) * (fine - HALF) + np.float32(0.26) * (wide - HALF)
    for n in range(len(lights)):
        lx, ly, lz = lights[n, 0], lights[n, 1], lights[n, 2]
        cosine = nx * lx + ny * ly + nz * lz
        share = reached if n == 0 else np.float32(0.3) + np.float32(0.7) * ambient
        if n >= 2:
            share *= ambient
        facing = min(max((cosine + np.float32(0.25)) * np.float32(0.8), ZERO), ONE)
        if facing <= 0:
            continue
        along_light = tx * lx + ty * ly + tz * lz
        diffuse = facing * (HALF + HALF * np.sqrt(max(ONE - along_light * along_light, ZERO)))
        hx, hy, hz = lx + vx, ly + vy, lz + vz
        scale = ONE / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-9))
        turned = (tx * hx + ty * hy + tz * hz) * scale
        rise = (nx * hx + ny * hy + nz * hz) * scale
        first = turned + (np.float32(0.10) + shift) * rise
        second = turned - (np.float32(0.16) - shift) * rise
        pale, warm = max(ONE - first * first, ZERO), max(ONE - second * second, ZERO)
        pale, warm = pale * pale, warm * warm
        pale, warm = pale * pale, warm * warm
        pale, warm = pale * pale, warm * warm  # the warm highlight is an eighth power, the pale one the 32nd
        pale *= pale
        pale *= pale
        gloss = share * facing * deep * (np.float32(0.25) + fine * fine + wide * wide)
        for i in range(3):
            light = lights[n, 3 + i]
            rgb[i] += light * share * diffuse * shade * (hair[i] + SHEEN)
            rgb[i] += light * gloss * (np.float32(0.055) * pale + np.float32(1.1) * warm * (hair[i] + SHEEN))
