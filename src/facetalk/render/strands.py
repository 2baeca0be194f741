"""Light on hair: fine streaks along its strands, and highlights that lie across them.

A strand is a thin cylinder: what it reflects depends on the angle to its direction and not on a normal (Kajiya and Kay
1989), twice, a pale highlight towards the root and one in the colour of the hair towards the tip (Marschner et al.
2003, with the two shifts of Scheuermann 2004). Strands are drawn by noise over the coordinates along and across them.
"""

import numpy as np

from facetalk.compiled import finite_kernel
from facetalk.render.makeup import streak

ONE, ZERO, HALF = np.float32(1), np.float32(0), np.float32(0.5)
SHEEN = np.float32(0.006)
"""Light that even the blackest hair gives back."""
WAY, ACROSS, LOCK = 6, 9, 11
"""What vertices of hair carry in place of region shares: direction, coordinates (mm), how far their lock stands out."""
AMBIENT, REACHED, ROWS, SCRATCH = 12, 13, 14, 12
"""Rows after those of a point of hair: shares of light; rows there are, and rows for what all lights have in common."""


@finite_kernel
def light_strands(points, count, scratch, hair, view, lights, sky, floor, rgb):
    """Linear light sent towards the viewer by points of hair, written to the columns of `rgb`.

    Points lie side by side and loops have no branches, so that several are lit at a time.

    Args:
        points: a column for each: position, normal, what hair carries (`WAY` to `LOCK`), then the shares of ambient and
            of key light that fall on it.
        count: columns in use.
        scratch: `SCRATCH` rows of as many columns.
        hair: colour.
        view: where the viewer is.
        lights: directions and colours.
        sky: ambient light from above.
        floor: ambient light from below.
        rgb: three rows of as many columns.
    """
    red, green, blue = hair[0] + SHEEN, hair[1] + SHEEN, hair[2] + SHEEN
    eye_x, eye_y, eye_z = view[0], view[1], view[2]
    low_r, low_g, low_b = floor[0], floor[1], floor[2]
    rise_r, rise_g, rise_b = sky[0] - floor[0], sky[1] - floor[1], sky[2] - floor[2]
    for n in range(count):
        tx, ty, tz = points[WAY, n], points[WAY + 1, n], points[WAY + 2, n]
        scale = ONE / np.sqrt(tx * tx + ty * ty + tz * tz + np.float32(1e-9))
        tx, ty, tz = tx * scale, ty * scale, tz * scale
        across, along = points[ACROSS, n], points[ACROSS + 1, n]
        fine = streak(across * np.float32(0.95), along * np.float32(0.03), 1)
        wide = streak(across * np.float32(0.31), along * np.float32(0.014), 2)
        # Across the strand, in the surface: streaks tilt the normal that way.
        nx, ny, nz = points[3, n], points[4, n], points[5, n]
        bx, by, bz = ny * tz - nz * ty, nz * tx - nx * tz, nx * ty - ny * tx
        tilt = np.float32(1.3) * (fine - HALF) + np.float32(0.9) * (wide - HALF)
        nx, ny, nz = nx + tilt * bx, ny + tilt * by, nz + tilt * bz
        scale = ONE / np.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        vx, vy, vz = eye_x - points[0, n], eye_y - points[1, n], eye_z - points[2, n]
        scale = ONE / np.sqrt(vx * vx + vy * vy + vz * vz)
        # Between locks less light arrives.
        deep = min(max(np.float32(0.75) + np.float32(0.16) * points[LOCK, n], np.float32(0.35)), ONE)
        shade = (np.float32(0.15) + np.float32(1.15) * fine + np.float32(1.35) * wide) * deep
        up, lit = HALF + HALF * ny, np.float32(1.1) * shade * points[AMBIENT, n]
        rgb[0, n] = lit * red * (low_r + up * rise_r)
        rgb[1, n] = lit * green * (low_g + up * rise_g)
        rgb[2, n] = lit * blue * (low_b + up * rise_b)
        scratch[0, n], scratch[1, n], scratch[2, n] = tx, ty, tz
        scratch[3, n], scratch[4, n], scratch[5, n] = nx, ny, nz
        scratch[6, n], scratch[7, n], scratch[8, n] = vx * scale, vy * scale, vz * scale
        scratch[9, n] = shade
        scratch[10, n] = np.float32(0.3) * (fine - HALF) + np.float32(0.26) * (wide - HALF)
        scratch[11, n] = deep * (np.float32(0.25) + fine * fine + wide * wide)
    for m in range(len(lights)):
        lx, ly, lz = lights[m, 0], lights[m, 1], lights[m, 2]
        light_r, light_g, light_b = lights[m, 3], lights[m, 4], lights[m, 5]
        key = ONE if m == 0 else ZERO
        behind = ONE if m >= 2 else ZERO
        for n in range(count):
            tx, ty, tz = scratch[0, n], scratch[1, n], scratch[2, n]
            nx, ny, nz = scratch[3, n], scratch[4, n], scratch[5, n]
            ambient = points[AMBIENT, n]
            share = np.float32(0.3) + np.float32(0.7) * ambient
            share *= ONE + behind * (ambient - ONE)
            share += key * (points[REACHED, n] - share)
            cosine = nx * lx + ny * ly + nz * lz
            facing = min(max((cosine + np.float32(0.25)) * np.float32(0.8), ZERO), ONE)
            along_light = tx * lx + ty * ly + tz * lz
            diffuse = facing * (HALF + HALF * np.sqrt(max(ONE - along_light * along_light, ZERO)))
            hx, hy, hz = lx + scratch[6, n], ly + scratch[7, n], lz + scratch[8, n]
            scale = ONE / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-9))
            turned = (tx * hx + ty * hy + tz * hz) * scale
            rise = (nx * hx + ny * hy + nz * hz) * scale
            first = turned + (np.float32(0.10) + scratch[10, n]) * rise
            second = turned - (np.float32(0.16) - scratch[10, n]) * rise
            pale, warm = max(ONE - first * first, ZERO), max(ONE - second * second, ZERO)
            pale, warm = pale * pale, warm * warm
            pale, warm = pale * pale, warm * warm
            pale, warm = pale * pale, warm * warm  # the warm highlight is an eighth power, the pale one the 32nd
            pale *= pale
            pale *= pale
            gloss = share * facing * scratch[11, n]
            plain, shine = share * diffuse * scratch[9, n], np.float32(0.055) * gloss * pale
            coloured = plain + np.float32(1.1) * gloss * warm
            rgb[0, n] += light_r * (coloured * red + shine)
            rgb[1, n] += light_g * (coloured * green + shine)
            rgb[2, n] += light_b * (coloured * blue + shine)
