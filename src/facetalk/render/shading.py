"""Light on surfaces: from what is seen to a picture.

Diffuse light wraps round skin, farther in red than in blue, which is the cheapest look of light scattered under the
surface; the key light throws soft shadows; creases darken by ambient occlusion in screen space. A pixel that sees one
smooth surface is shaded once, one on an outline or on the edge of an iris at every sample.
"""

import numpy as np

from facetalk.compiled import finite_kernel
from facetalk.render.makeup import paint
from facetalk.render.mouth import entering
from facetalk.render.strands import AMBIENT, REACHED, SCRATCH, light_strands
from facetalk.render.strands import ROWS as STRAND_ROWS
from facetalk.render.surfaces import IRIS, LIPS, MOUTH, PUPIL, REGIONS, SCLERA, SKIN, TEETH, attributes, mixed

ONE, ZERO, HALF = np.float32(1), np.float32(0), np.float32(0.5)
SHADED = np.float32(0.45)
"""Share of the key light that still enters a mouth where the lips throw their shadow: the lamp is large."""
SIDEWAYS = np.float32(0.25)
"""Share of the light in a mouth that reaches what is turned away from the opening, as side teeth are."""
WALLS = (np.float32(0.48), np.float32(0.28), np.float32(0.26))
"""How much of the light that does not leave a mouth its walls give back, in red, green and blue."""

_levels = np.linspace(0, 1, 4096)
ENCODED = np.rint(
    255 * np.where(_levels <= 0.0031308, 12.92 * _levels, 1.055 * _levels ** (1 / 2.4) - 0.055)
).astype(np.uint8)  # fmt: skip
"""Linear light in 4096 steps to sRGB bytes."""


@finite_kernel
def tone(x):
    """Filmic response (Narkowicz 2015, fit to the ACES reference): bright light rolls off and does not clip."""
    rise = x * (np.float32(2.51) * x + np.float32(0.03))
    return min(rise / (x * (np.float32(2.43) * x + np.float32(0.59)) + np.float32(0.14)), ONE)


@finite_kernel
def light_point(  # noqa: C901
    out, surface, view, lights, sky, floor, ambient, reached, entered, rgb
):  # fmt: skip
    """Linear light sent towards the viewer by the point in `out`, on which `reached` of the key light falls.

    Inside a mouth `entered` of the light before the lips arrives.
    """
    nx, ny, nz = out[3], out[4], out[5]
    vx, vy, vz = view[0] - out[0], view[1] - out[1], view[2] - out[2]
    scale = ONE / np.sqrt(vx * vx + vy * vy + vz * vz)
    vx, vy, vz = vx * scale, vy * scale, vz * scale
    facing = max(nx * vx + ny * vy + nz * vz, ZERO)
    softness = surface[5]
    inner = out[6 + MOUTH] + out[6 + TEETH]
    ambient += inner * (ONE - ambient)  # in a mouth depth counts, not creases
    up = HALF + HALF * ny
    # Light that leaves a crease has bounced off skin: what is lost there is lost last in red.
    bounced = softness * (np.sqrt(ambient) - ambient)
    for i in range(3):
        kept = ambient + bounced * (np.float32(0.56) - np.float32(0.28) * np.float32(i))
        rgb[i] = surface[i] * kept * (floor[i] + up * (sky[i] - floor[i]))
    eye = out[6 + SCLERA] + out[6 + IRIS] + out[6 + PUPIL]
    reached += inner * SHADED * (ONE - reached)
    hollow = ambient * (ONE - inner * (ONE - entered))
    leaked = softness * (np.sqrt(reached) - reached)
    grazing = (ONE - facing) * (ONE - facing)
    grazing *= grazing
    # Below this cosine a reflection is too weak to see.
    least = ONE - np.float32(4.5) / surface[4]
    for n in range(len(lights)):
        lx, ly, lz = lights[n, 0], lights[n, 1], lights[n, 2]
        cosine = nx * lx + ny * ly + nz * lz
        share = reached if n == 0 else np.float32(0.35) + np.float32(0.65) * hollow
        if n >= 2:
            share *= ambient * (ONE - inner)  # from behind nothing gets in
        for i in range(3):
            wrap = softness * (np.float32(0.34) - np.float32(0.11) * np.float32(i))
            diffuse = max(cosine + wrap, ZERO) / (ONE + wrap)
            passed = share if n > 0 else share + leaked * (np.float32(0.7) - np.float32(0.35) * np.float32(i))
            rgb[i] += surface[i] * lights[n, 3 + i] * diffuse * passed
        if cosine > 0:
            hx, hy, hz = lx + vx, ly + vy, lz + vz
            half = ONE / np.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-9))
            turned = (nx * hx + ny * hy + nz * hz) * half
            if turned > least:
                strength = (
                    surface[3] * (ONE + np.float32(4) * grazing) * share * min(cosine * np.float32(4), ONE) * hollow
                )
                gloss = strength * turned ** surface[4] * (surface[4] + np.float32(8)) * np.float32(0.055)
                for i in range(3):
                    rgb[i] += gloss * lights[n, 3 + i]
        if n < 2 and eye > np.float32(0.3):
            # The lamp mirrored in the cornea: a small bright window.
            mirrored = np.float32(2) * facing * cosine - (vx * lx + vy * ly + vz * lz)
            edge = np.float32(0.972) if n == 0 else np.float32(0.988)
            window = min(max((mirrored - edge) * np.float32(90), ZERO), ONE)
            for i in range(3):
                rgb[i] += window * eye * lights[n, 3 + i] * (np.float32(0.75) if n == 0 else np.float32(0.45)) * hollow
    if inner > np.float32(0.01):
        turned = SIDEWAYS + (ONE - SIDEWAYS) * facing
        for i in range(3):
            bounced = turned * entered / (ONE - WALLS[i] * (ONE - entered))
            rgb[i] *= ONE + inner * (bounced - ONE)


@finite_kernel
def light_at(reach, coarse, x, y, here):
    """Ambient and key light at a pixel, blended from the nearest places of half the size on the same surface."""
    rows, columns = coarse.shape
    top, left = max((y - 1) // 2, 0), max((x - 1) // 2, 0)
    ambient, key, weights = ZERO, ZERO, np.float32(1e-9)
    for dy in range(2):
        for dx in range(2):
            i, j = min(top + dy, rows - 1), min(left + dx, columns - 1)
            weight = np.float32(0.75 if (y & 1) != dy else 0.25) * np.float32(0.75 if (x & 1) != dx else 0.25)
            apart = abs(coarse[i, j] - here) / here
            if apart > np.float32(0.01):
                weight *= np.float32(1e-3)
            ambient += weight * reach[i, j, 0]
            key += weight * reach[i, j, 1]
            weights += weight
    return ambient / weights, key / weights


@finite_kernel
def plain_skin(
    triangle, nearness, samples, faces, screen, carried, albedo, shine, lights, sky, floor, exposure, view, reach,
    table, line, amounts, hair, first_hair,
):  # fmt: skip
    """Light of blocks of 2 × 2 pixels that see nothing but smooth, unpainted skin; −1 where they see more.

    Skin changes little from pixel to pixel: most of a face is lit at half the size and interpolated.
    """
    painted = carried.shape[1] > 6 + REGIONS
    rows, columns = reach.shape[0], reach.shape[1]
    light = np.full((rows, columns, 3), -ONE, np.float32)
    out, surface, rgb = np.empty(9 + REGIONS, np.float32), np.empty(6, np.float32), np.empty(3, np.float32)
    span = 2 * samples
    for y in range(rows):
        for x in range(columns):
            near, far = np.float32(1e9), ZERO
            for row in range(y * span, y * span + span):
                for column in range(x * span, x * span + span):
                    here = nearness[row, column]
                    near, far = min(near, here), max(far, here)
            if near == 0 or far - near > np.float32(0.006) * far:
                continue
            f = triangle[y * span + samples, x * span + samples]
            if f >= first_hair:
                continue
            attributes(f, 2 * x + ONE, 2 * y + ONE, faces, screen, carried, out)
            if out[6 + SKIN] < np.float32(0.98):
                continue
            mixed(out, albedo, shine, surface)
            if painted and paint(
                out[6 + REGIONS], out[7 + REGIONS], out[8 + REGIONS], table, line, amounts, hair, surface
            ):
                continue
            light_point(out, surface, view, lights, sky, floor, reach[y, x, 0], reach[y, x, 1], ONE, rgb)
            for i in range(3):
                light[y, x, i] = tone(rgb[i] * exposure)
    return light


@finite_kernel
def between(light, coarse, x, y, total):
    """Blend the light of the four blocks nearest to a pixel into `total`; whether all of them had any."""
    rows, columns = coarse.shape
    top, left = (y - 1) // 2, (x - 1) // 2
    if top < 0 or left < 0 or top + 1 >= rows or left + 1 >= columns:
        return False
    near, far, dark, bright = np.float32(1e9), ZERO, np.float32(1e9), ZERO
    for c in range(4):
        i, j = top + (c >> 1), left + (c & 1)
        if light[i, j, 1] < 0:
            return False
        near, far = min(near, coarse[i, j]), max(far, coarse[i, j])
        dark, bright = min(dark, light[i, j, 1]), max(bright, light[i, j, 1])
    if far - near > np.float32(0.012) * far or bright - dark > np.float32(0.05):
        return False
    wy, wx = np.float32(0.25 if y & 1 else 0.75), np.float32(0.25 if x & 1 else 0.75)
    for i in range(3):
        upper = light[top, left, i] + wx * (light[top, left + 1, i] - light[top, left, i])
        lower = light[top + 1, left, i] + wx * (light[top + 1, left + 1, i] - light[top + 1, left, i])
        total[i] = upper + wy * (lower - upper)
    return True


@finite_kernel
def matters(faces, carried, first_hair):
    """What each face is of, by its first corner: 0 skin and lips, 1 eye, 2 tooth, 3 mouth, 4 hair."""
    found = np.full(len(faces), 4, np.uint8)
    for f in range(first_hair):
        a = faces[f, 0]
        if carried[a, 6 + SKIN] + carried[a, 6 + LIPS] > HALF:
            found[f] = 0
        elif carried[a, 6 + TEETH] > HALF:
            found[f] = 2
        else:
            found[f] = 3 if carried[a, 6 + MOUTH] > HALF else 1
    return found


@finite_kernel
def smooth_at(triangle, samples, x, y, kinds, last):
    """Whether all samples of a pixel see one kind of surface: lids lie on eyes and lips on teeth."""
    kind = kinds[last]
    for row in range(y * samples, y * samples + samples):
        for column in range(x * samples, x * samples + samples):
            if kinds[triangle[row, column]] != kind:
                return False
    return True


@finite_kernel
def crisp(out):
    """Whether a border between regions runs close by; lips fade into skin, every other border is crisp."""
    found = False
    for r in range(1, REGIONS):
        found = found or (r != LIPS and np.float32(0.08) < out[6 + r] < np.float32(0.92))
    return found


@finite_kernel
def shade(  # noqa: C901
    triangle, nearness, samples, faces, screen, carried, albedo, shine, lights, sky, floor, exposure, view, reach,
    coarse, wall, encoded, table, line, amounts, hair, first_hair, top, left, inside, places,
):  # fmt: skip
    """The finished picture, sRGB bytes.

    `carried` holds for each vertex its position [0:3], normal [3:6], shares [6:14] and canonical place [14:17]; without
    the last nothing is painted on skin. Faces from `first_hair` on are hair, whose vertices carry strands for shares.
    `reach` holds the shares of ambient and key light that reach places two pixels apart; `top`, `left`, `inside` and
    `places` tell of the mouth (`facetalk.render.mouth`).
    """
    painted = carried.shape[1] > 6 + REGIONS
    rows, columns = wall.shape[0], wall.shape[1]
    picture = np.empty((rows, columns, 3), np.uint8)
    out, surface, rgb = np.empty(9 + REGIONS, np.float32), np.empty(6, np.float32), np.empty(3, np.float32)
    count, part = samples * samples, ONE / samples
    # Samples of hair in a row of the picture wait here, and are lit together.
    strands = np.empty((STRAND_ROWS, count * columns), np.float32)
    scratch, glow = np.empty((SCRATCH, count * columns), np.float32), np.empty((3, count * columns), np.float32)
    column_of, share_of = np.empty(count * columns, np.int64), np.empty(count * columns, np.float32)
    totals = np.empty((columns, 3), np.float32)
    kinds = matters(faces, carried, first_hair)
    plain = plain_skin(
        triangle, nearness, samples, faces, screen, carried, albedo, shine, lights, sky, floor, exposure, view, reach,
        table, line, amounts, hair, first_hair,
    )  # fmt: skip
    for y in range(rows):
        waiting = 0
        for x in range(columns):
            total = totals[x]
            if between(plain, coarse, x, y, total):
                continue
            covered, last = 0, np.int64(-1)
            near, far = np.float32(1e9), ZERO
            for row in range(y * samples, y * samples + samples):
                for column in range(x * samples, x * samples + samples):
                    f = triangle[row, column]
                    if f >= 0:
                        covered += 1
                        last = f
                        near, far = min(near, nearness[row, column]), max(far, nearness[row, column])
            for i in range(3):
                total[i] = wall[y, x, i] * (ONE - np.float32(covered) / np.float32(count))
            if covered == 0:
                continue
            dim, key = light_at(reach, coarse, x, y, far)
            deep = far - near >= np.float32(0.006) * far
            single = covered == count and not deep and smooth_at(triangle, samples, x, y, kinds, last)
            if single:
                attributes(last, x + HALF, y + HALF, faces, screen, carried, out)
                single = last >= first_hair or not crisp(out)
            f, here, px, py, share = last, far, x + HALF, y + HALF, ONE if single else part * part
            for s in range(1 if single else count):
                if not single:
                    dx, dy = s % samples, s // samples
                    f = triangle[y * samples + dy, x * samples + dx]
                    if f < 0:
                        continue
                    px, py = x + (dx + HALF) * part, y + (dy + HALF) * part
                    attributes(f, px, py, faces, screen, carried, out)
                    here = nearness[y * samples + dy, x * samples + dx]
                    if deep:  # what lies behind an outline has a shadow of its own
                        dim, key = light_at(reach, coarse, x, y, here)
                if f >= first_hair:
                    for i in range(AMBIENT):
                        strands[i, waiting] = out[i]
                    strands[AMBIENT, waiting], strands[REACHED, waiting] = dim, key
                    column_of[waiting], share_of[waiting] = x, share
                    waiting += 1
                    continue
                mixed(out, albedo, shine, surface)
                if painted and out[6 + SKIN] > HALF:
                    x0, y0, z0 = out[6 + REGIONS], out[7 + REGIONS], out[8 + REGIONS]
                    paint(x0, y0, z0, table, line, amounts, hair, surface)
                entered = ONE
                if out[6 + MOUTH] + out[6 + TEETH] > np.float32(0.01):
                    entered = entering(inside, top, left, py * HALF, px * HALF, here, places)
                light_point(out, surface, view, lights, sky, floor, dim, key, entered, rgb)
                for i in range(3):
                    total[i] += share * tone(rgb[i] * exposure)
        light_strands(strands, waiting, scratch, hair, view, lights, sky, floor, glow)
        for n in range(waiting):
            for i in range(3):
                totals[column_of[n], i] += share_of[n] * tone(glow[i, n] * exposure)
        for x in range(columns):
            for i in range(3):
                picture[y, x, i] = encoded[np.int64(min(max(totals[x, i], ZERO), ONE) * 4095)]
    return picture
