"""What is painted on skin: brows, cropped hair, stubble, lashes, a blush and patches, so that no face is a plain shell.

Everything is a function of where a point lies in the canonical pose, measured from a few places of the face; it stays
on the skin however the face moves, and is as crisp as the picture, however coarse the mesh. Lengths are millimetres.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.compiled import finite_kernel
from facetalk.geometry import UNIT_MM

ONE, ZERO, HALF = np.float32(1), np.float32(0), np.float32(0.5)
MM = np.float32(UNIT_MM)
EYE_DISTANCE_MM = 62.0
"""Between the eyeballs of the face that the painted shapes are drawn for; others are scaled."""
HAIRLINE = np.array(
    [(0, 50), (28, 54), (42, 42), (56, 26), (66, 4), (75, -16), (82, -22), (95, -22), (116, -26), (130, -34),
     (150, -44), (180, -46)],
    np.float32,
)  # fmt: skip
"""Degrees round the head from the front, and height of the hairline above the brows there (above the ears' middle
from 68 degrees on)."""
LOWEST = HAIRLINE[:, 1].min()
EAR_UP, EAR_FORWARD, EAR_HIGH, EAR_WIDE, EAR_DEEP = (np.float32(mm) for mm in (-9, 4, 24, 15, 28))
"""Middle of an ear seen from the side, above and before its landmark, its half height and half width, and its depth."""
LIPS_WIDE, LIPS_ABOVE, LIPS_BELOW = (np.float32(mm) for mm in (27, 14, 31))
"""Reach of what lies round the lips, from their middle."""
BLEND_FROM, BLEND_TO = np.float32(52), np.float32(72)
"""Degrees over which heights change from counting above the brows to counting above the ears."""


@dataclass(frozen=True)
class Places:
    """Where things are on one face, canonical pose, units."""

    eyes: Float[np.ndarray, "2 3"]
    """Centres of the left and right eyeball."""
    eye_radius: Float[np.ndarray, "2"]
    brows: Float[np.ndarray, "2 3"]
    """Middle of the left and right brow."""
    ears: Float[np.ndarray, "2 3"]
    nose: Float[np.ndarray, "3"]
    """Its tip."""
    mouth: Float[np.ndarray, "3"]
    beard: tuple[float, float] = (0.0, 0.0)
    """How densely a beard that is worn grows above and below the lips, which it ends before; above 1 no skin shows."""

    def table(self) -> Float[np.ndarray, "row 4"]:
        """Rows for `paint`: eyes with radii, brows, ears, nose, mouth, the last two with the beard; millimetres."""
        places = np.concatenate([self.eyes, self.brows, self.ears, self.nose[None], self.mouth[None]])
        table = np.zeros((len(places), 4), np.float32)
        table[:, :3], table[:2, 3] = places * UNIT_MM, np.asarray(self.eye_radius) * UNIT_MM
        table[6:, 3] = self.beard
        return table


@dataclass(frozen=True)
class Makeup:
    """How much of what is painted; 0 is none, 1 is plenty."""

    brows: float = 1.0
    crop: float = 0.0
    """Hair cut short on the scalp; 0 is bald."""
    stubble: float = 0.0
    lashes: float = 1.0
    blush: float = 1.0

    def row(self) -> Float[np.ndarray, "5"]:
        """For `paint`."""
        return np.array([self.brows, self.crop, self.stubble, self.lashes, self.blush], np.float32)


def places(
    landmarks: Mapping[str, Float[np.ndarray, "3"]], brows: Float[np.ndarray, "2 3"],
    eye_radius: Float[np.ndarray, "2"], beard: tuple[float, float] = (0.0, 0.0),
) -> Places:  # fmt: skip
    """Places from named landmarks and the anchors of the brows."""

    def pair(name: str) -> np.ndarray:
        return np.stack([landmarks[f"{name}_left"], landmarks[f"{name}_right"]])

    nose, mouth = landmarks["nose_tip"], landmarks["mouth_centre"]
    return Places(pair("eye"), eye_radius, brows, pair("ear"), nose, mouth, beard)


@finite_kernel
def fade(low, high, x):
    """0 below `low`, 1 above `high`, smooth between."""
    t = min(max((x - low) / (high - low), ZERO), ONE)
    return t * t * (np.float32(3) - np.float32(2) * t)


@finite_kernel
def bump(x, width):
    """A bell of height 1 that ends at twice its width."""
    t = max(ONE - x * x / (np.float32(4) * width * width), ZERO)
    return t * t * t


@finite_kernel
def scatter(i, j, k):
    """A number between 0 and 1 for every whole place, without order."""
    h = np.uint32(i * 73856093) ^ np.uint32(j * 19349663) ^ np.uint32(k * 83492791)
    h = np.uint32(h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    return np.float32(np.int32((h ^ (h >> np.uint32(16))) & np.uint32(0xFFFF))) * np.float32(1 / 65535)


@finite_kernel
def streak(x, y, seed):
    """Smooth noise between 0 and 1 over two coordinates, with features of size one."""
    fx, fy = np.floor(x), np.floor(y)
    i, j = np.int32(fx), np.int32(fy)
    u, v = np.float32(x - fx), np.float32(y - fy)
    u, v = u * u * (np.float32(3) - np.float32(2) * u), v * v * (np.float32(3) - np.float32(2) * v)
    near = scatter(i, j, seed) + u * (scatter(i + 1, j, seed) - scatter(i, j, seed))
    far = scatter(i, j + 1, seed) + u * (scatter(i + 1, j + 1, seed) - scatter(i, j + 1, seed))
    return near + v * (far - near)


@finite_kernel
def noise(x, y, z):
    """Smooth noise between 0 and 1, with features of size one."""
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = np.int64(fx), np.int64(fy), np.int64(fz)
    u, v, w = np.float32(x - fx), np.float32(y - fy), np.float32(z - fz)
    two, three = np.float32(2), np.float32(3)
    u, v, w = u * u * (three - two * u), v * v * (three - two * v), w * w * (three - two * w)
    total = ZERO
    for c in range(8):
        a, b, d = c & 1, c >> 1 & 1, c >> 2
        share = (u if a else ONE - u) * (v if b else ONE - v) * (w if d else ONE - w)
        total += share * scatter(i + a, j + b, k + d)
    return total


@finite_kernel
def brow(x, y, z, side, table, scale):
    """How densely a brow covers a point: an arch that tapers outwards, drawn in strokes."""
    sign = ONE if side == 0 else -ONE
    dx, dy = sign * (x - table[2 + side, 0]) / scale, (y - table[2 + side, 1]) / scale
    if abs(dx) > np.float32(32) or abs(dy) > np.float32(16) or z < table[side, 2] - 14:
        return ZERO
    t = (dx + np.float32(22)) / np.float32(51)
    bend = (ONE - t / np.float32(0.62)) if t < np.float32(0.62) else (t - np.float32(0.62)) / np.float32(0.38)
    middle = -bend * bend * (np.float32(2.4) if t < np.float32(0.62) else np.float32(7.5)) - np.float32(1.0)
    half = np.float32(1.0) + np.float32(3.2) * np.sqrt(max(ONE - t, ZERO))
    lean = np.float32(1.25) - np.float32(1.05) * fade(ZERO, np.float32(0.45), t)
    along = dx * np.cos(lean) + dy * np.sin(lean)
    across = dy * np.cos(lean) - dx * np.sin(lean)
    strokes = noise(across * np.float32(1.9), along * np.float32(0.3), np.float32(7 * side))
    off = abs(dy - middle) / half + np.float32(0.5) * (strokes - np.float32(0.5))
    ends = fade(np.float32(-0.03), np.float32(0.16), t) * fade(np.float32(1.05), np.float32(0.8), t)
    return ends * fade(np.float32(1.15), np.float32(0.35), off) * (np.float32(0.62) + np.float32(0.38) * strokes)


@finite_kernel
def scalp(x, y, z, table, line, scale):
    """How surely a point lies on hairy scalp."""
    ear_y = (table[4, 1] + table[5, 1]) / 2
    ear_z = (table[4, 2] + table[5, 2]) / 2
    brow_y = (table[2, 1] + table[3, 1]) / 2
    if (y - min(brow_y, ear_y)) / scale < LOWEST - np.float32(10):  # below the hairline all round
        return ZERO
    round_head = np.degrees(np.arctan2(abs(x), z - ear_z + np.float32(4)))
    at = 0
    while at < len(line) - 2 and line[at + 1, 0] < round_head:
        at += 1
    share = (round_head - line[at, 0]) / (line[at + 1, 0] - line[at, 0])
    height = line[at, 1] + share * (line[at + 1, 1] - line[at, 1])
    base = brow_y + fade(BLEND_FROM, BLEND_TO, np.float32(round_head)) * (ear_y - brow_y)
    over = (y - base) / scale - height
    if over < np.float32(-14):
        return ZERO
    if over < np.float32(10):
        # Single hairs run ahead of the others, more or less upwards.
        over += np.float32(5) * noise(x / 5, y / 5, z / 5) + np.float32(7) * noise(x * np.float32(1.1), y / 6, z / 6)
        over -= np.float32(5)
    ear = 4 if x > 0 else 5
    # Seen from the side an ear fills an ellipse; neither its hollow nor the skin behind it grows hair.
    up = (y - table[ear, 1] - EAR_UP * scale) / (EAR_HIGH * scale)
    along = (z - table[ear, 2] - EAR_FORWARD * scale) / (EAR_WIDE * scale)
    bare = fade(np.float32(1.5), ONE, up * up + along * along) if abs(x) > abs(table[ear, 0]) - EAR_DEEP else ZERO
    return fade(np.float32(-5), np.float32(5), over) * (ONE - bare)


@finite_kernel
def flush(x, y, z, side, table):
    """How red and how dark skin is at a point: cheeks, tip of the nose, ears and lids; lashes at the eyeballs."""
    red, dark = ZERO, ZERO
    if z <= 0:
        ear = abs(table[4 + side, 0])
        return np.float32(0.6) * fade(ear, ear + 8, abs(x)), dark
    if table[6, 2] - z < 30:
        red = np.float32(0.75) * bump(x - table[6, 0], np.float32(12)) * bump(y - table[6, 1], np.float32(11))
        red *= fade(table[6, 2] - 30, table[6, 2] - 8, z)
    low = table[7, 1] + np.float32(0.42) * (table[0, 1] - table[7, 1])
    across = bump(x - table[side, 0] * np.float32(1.2), np.float32(19))
    if across > 0:
        red += np.float32(0.8) * across * bump(y - low, np.float32(15)) * fade(ZERO, np.float32(40), z)
    ex, ey, ez = x - table[side, 0], y - table[side, 1], z - table[side, 2]
    out = ex * ex + ey * ey + ez * ez
    if out < np.float32(2.6) * table[side, 3] * table[side, 3]:
        out = np.sqrt(out) / table[side, 3]
        dark = fade(np.float32(1.13), np.float32(1.05), out) * np.float32(0.78)
        red += np.float32(0.5) * fade(np.float32(1.6), np.float32(1.15), out)
    return red, dark


@finite_kernel
def uneven(x, y, z, side, table):
    """How much redder and how much darker skin is than its tone, about 0: patches, and the hollows under the eyes."""
    patches = noise(x / 9, y / 9, z / 9) - HALF
    grain = noise(x / np.float32(2.6), y / np.float32(2.6), z / np.float32(2.6)) - HALF
    dark = patches * np.float32(0.05) + grain * np.float32(0.05)
    red = patches * np.float32(0.5) + grain * np.float32(0.6)
    if z > 0:
        under = bump(x - table[side, 0], np.float32(9)) * bump(y - table[side, 1] + np.float32(14), np.float32(5))
        dark += np.float32(0.10) * under
    return red, dark


@finite_kernel
def round_lips(x, y, z, table, scale):
    """How near a point lies to the lips, which a beard comes up to: 1 beside them, 0 from two centimetres on."""
    across = (x - table[7, 0]) / (LIPS_WIDE * scale)
    over = (y - table[7, 1]) / scale
    up = over / (LIPS_ABOVE if over > 0 else LIPS_BELOW)
    ragged = np.float32(0.3) * (noise(x / 2, y / 2, z / 2) - HALF)
    return fade(np.float32(1.2), np.float32(1.0), np.sqrt(across * across + up * up) + ragged)


@finite_kernel
def hairy(x, y, z, side, table, line, amounts):
    """How densely hair covers a point, brows, scalp and stubble together."""
    scale = abs(table[0, 0] - table[1, 0]) / np.float32(EYE_DISTANCE_MM)
    brows = brow(x, y, z, side, table, scale) * amounts[0] if z > 0 else ZERO
    grown, rough = ZERO, ZERO
    face = z > table[4, 2] + 60 and y < table[2, 1] + 20  # no hair grows there
    if amounts[1] > 0 and not face and y > table[4, 1] - 60:
        grown = scalp(x, y, z, table, line, scale) * amounts[1]
    if amounts[2] > 0 and z > -12 and y < table[6, 1] + 2:
        rough = fade(table[6, 1] + 2, table[6, 1] - 14, y + np.float32(0.35) * max(table[6, 2] - z - 25, ZERO))
        rough *= fade(table[7, 1] - 75, table[7, 1] - 55, y) * fade(np.float32(-12), np.float32(12), z) * amounts[2]
    rough *= np.float32(0.4)
    beard = table[6, 3] if y > table[7, 1] else table[7, 3]
    if beard > 0 and z > table[7, 2] - 30:
        rough = max(rough, round_lips(x, y, z, table, scale) * beard)
    return max(brows, max(grown, rough))


@finite_kernel
def paint(x, y, z, table, line, amounts, hair, surface):
    """Change the colour in surface[0:3] and the shine in [3:6] of skin at a canonical point (units).

    Returns whether what was painted has fine detail, as hair and lashes have and a blush has not.
    """
    x, y, z = x * MM, y * MM, z * MM
    side = 0 if x > 0 else 1
    red, dark = flush(x, y, z, side, table)
    lashes = dark > 0
    redder, darker = uneven(x, y, z, side, table)
    red, dark = red * amounts[4] + redder, (ONE - dark * amounts[3]) * (ONE - darker)
    surface[0] *= dark * (ONE + np.float32(0.03) * red)
    surface[1] *= dark * (ONE - np.float32(0.13) * red)
    surface[2] *= dark * (ONE - np.float32(0.10) * red)
    cover = hairy(x, y, z, side, table, line, amounts)
    if cover > 0:
        fine = noise(x * np.float32(1.3), y * np.float32(1.3), z * np.float32(1.3))
        cover = min(cover * (np.float32(0.86) + np.float32(0.14) * fine), ONE)
        for i in range(3):
            surface[i] += cover * (hair[i] * (np.float32(0.7) + np.float32(0.6) * fine) - surface[i])
        surface[3] *= ONE - np.float32(0.6) * cover
        surface[5] *= ONE - np.float32(0.7) * cover
    return lashes or cover > 0
