"""The aperture meter for source meshes: where lines run inside flesh, by signed crossings with triangles.

Sources are not watertight and their parts overlap: lips pass through each other, eyeballs sit in lids. A line that
starts outside everything gains one when it enters a triangle and loses one when it leaves; wherever the sum is
positive there is flesh, so overlapped lips count as sealed.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from facetalk.compiled import kernel
from facetalk.geometry import UNIT_MM
from facetalk.mesh.aperture import Lines, Probe, entered, narrowest

ASIDE = np.array([1.37e-5, 0.0, 2.11e-5])
"""Lines are moved by a few micrometres: source meshes are symmetric, and a middle line would run along edges."""


def mesh_free_length_mm(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], lines: Lines
) -> Float[np.ndarray, "*line"]:
    """Length of each line outside the mesh's flesh, as `facetalk.mesh.aperture.free_length_mm` measures it.

    The winding at the first sample of each line is found by a ray upwards.
    """
    points = lines.points.astype(np.float64) + ASIDE
    flat = points.reshape(-1, *points.shape[-2:])
    found = line_free_lengths(*_as_arrays(vertices, faces), flat, lines.opens_by, *lines.behind)
    free, begun, until = (each.reshape(points.shape[:-2]) for each in found)
    return np.where(entered(begun, until, lines), free * UNIT_MM, np.inf)


def mesh_apertures(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], probe: Probe
) -> Float[np.ndarray, " column"]:
    """Apertures of a source mesh in millimetres, column by column; NaN where no line runs from flesh to flesh."""
    return narrowest(mesh_free_length_mm(vertices, faces, probe.lines))


def mesh_inside_lines(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"],
    lines: Float[np.ndarray, "*line sample 3"],
) -> Bool[np.ndarray, "*line sample"]:  # fmt: skip
    """Whether each sample of each polyline lies in flesh."""
    flat = lines.astype(np.float64).reshape(-1, 3) + ASIDE
    return (windings(*_as_arrays(vertices, faces), flat) > 0).reshape(lines.shape[:-1])


def mesh_crossed(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"],
    starts: Float[np.ndarray, "*ray 3"], ends: Float[np.ndarray, "*ray 3"],
) -> Bool[np.ndarray, "*ray"]:  # fmt: skip
    """Whether straight ways from `starts` to `ends` meet the mesh; sure where it is not watertight, too."""
    flat = (each.astype(np.float64).reshape(-1, 3) + ASIDE for each in (starts, ends))
    return crossed(*_as_arrays(vertices, faces), *flat).reshape(starts.shape[:-1])


def _as_arrays(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.ascontiguousarray(vertices, np.float64), np.ascontiguousarray(faces, np.int64)


@kernel
def hit(vertices, face, a, b):
    """Place of segment a → b in a triangle, 0 … 1, and +1 where it leaves flesh, −1 where it enters, 0 for a miss."""
    v0, v1, v2 = vertices[face[0]], vertices[face[1]], vertices[face[2]]
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    e1x, e1y, e1z = v1[0] - v0[0], v1[1] - v0[1], v1[2] - v0[2]
    e2x, e2y, e2z = v2[0] - v0[0], v2[1] - v0[1], v2[2] - v0[2]
    nx, ny, nz = e1y * e2z - e1z * e2y, e1z * e2x - e1x * e2z, e1x * e2y - e1y * e2x
    slope = dx * nx + dy * ny + dz * nz
    if slope == 0:
        return 0.0, 0
    t = ((v0[0] - a[0]) * nx + (v0[1] - a[1]) * ny + (v0[2] - a[2]) * nz) / slope
    if t < 0 or t >= 1:
        return 0.0, 0
    px, py, pz = a[0] + t * dx - v0[0], a[1] + t * dy - v0[1], a[2] + t * dz - v0[2]
    nn = nx * nx + ny * ny + nz * nz
    u = ((py * e2z - pz * e2y) * nx + (pz * e2x - px * e2z) * ny + (px * e2y - py * e2x) * nz) / nn
    v = ((e1y * pz - e1z * py) * nx + (e1z * px - e1x * pz) * ny + (e1x * py - e1y * px) * nz) / nn
    if u < 0 or v < 0 or u + v > 1:
        return 0.0, 0
    return t, 1 if slope > 0 else -1


@kernel
def bound(vertices, face, lo, hi):
    """Write the corners of a triangle's box."""
    for a in range(3):
        lo[a] = min(vertices[face[0], a], vertices[face[1], a], vertices[face[2], a])
        hi[a] = max(vertices[face[0], a], vertices[face[1], a], vertices[face[2], a])


@kernel
def apart(lo, hi, p, q):
    """Whether a box and that of a segment, or of any two opposite corners, have nothing in common."""
    off = False
    for a in range(3):
        off = off or lo[a] > max(p[a], q[a]) or hi[a] < min(p[a], q[a])
    return off


@kernel
def crossed(vertices, faces, starts, ends):
    """Whether each segment meets a triangle."""
    found = np.zeros(len(starts), np.bool_)
    lo, hi = np.empty(3), np.empty(3)
    for f in range(len(faces)):
        face = faces[f]
        bound(vertices, face, lo, hi)
        for n in range(len(starts)):
            if not found[n] and not apart(lo, hi, starts[n], ends[n]):
                found[n] = hit(vertices, face, starts[n], ends[n])[1] != 0
    return found


@kernel
def windings(vertices, faces, points):
    """Signed number of times the mesh lies round each point, counted along a ray upwards."""
    found = np.zeros(len(points), np.int64)
    top = vertices[:, 1].max() + 1.0
    low, high = np.empty(3), np.empty(3)
    for a in range(3):
        low[a], high[a] = points[:, a].min(), points[:, a].max()
    for f in range(len(faces)):
        face = faces[f]
        x0 = min(vertices[face[0], 0], vertices[face[1], 0], vertices[face[2], 0])
        x1 = max(vertices[face[0], 0], vertices[face[1], 0], vertices[face[2], 0])
        z0 = min(vertices[face[0], 2], vertices[face[1], 2], vertices[face[2], 2])
        z1 = max(vertices[face[0], 2], vertices[face[1], 2], vertices[face[2], 2])
        y1 = max(vertices[face[0], 1], vertices[face[1], 1], vertices[face[2], 1])
        if x0 > high[0] or x1 < low[0] or z0 > high[2] or z1 < low[2] or y1 < low[1]:
            continue
        for p in range(len(points)):
            x, y, z = points[p]
            if x < x0 or x > x1 or z < z0 or z > z1 or y > y1:
                continue
            end = np.array((x + 1e-7, top, z + 1e-7))
            _, side = hit(vertices, face, points[p], end)
            found[p] += side
    return found


@kernel
def line_free_lengths(vertices, faces, lines, opens_by, behind_from, behind_to):  # noqa: C901
    """Length of the openings of each polyline, as `facetalk.mesh.aperture.free_length_mm` defines them, infinite where
    one does not end in flesh; and the samples at which the first flesh begins and ends, infinite where there is none.
    """
    count, samples = lines.shape[0], lines.shape[1]
    low, high = np.empty((count, 3)), np.empty((count, 3))
    for n in range(count):
        for a in range(3):
            low[n, a], high[n, a] = lines[n, :, a].min(), lines[n, :, a].max()
    first = windings(vertices, faces, lines[:, 0].copy())
    capacity = 256
    places, sides = np.empty((count, capacity)), np.empty((count, capacity), np.int64)
    hits = np.zeros(count, np.int64)
    along = np.zeros((count, samples))
    for n in range(count):
        for s in range(1, samples):
            d = 0.0
            for a in range(3):
                d += (lines[n, s, a] - lines[n, s - 1, a]) ** 2
            along[n, s] = along[n, s - 1] + np.sqrt(d)
    lo, hi = np.empty(3), np.empty(3)
    for f in range(len(faces)):
        face = faces[f]
        bound(vertices, face, lo, hi)
        for n in range(count):
            if apart(lo, hi, low[n], high[n]):
                continue
            for s in range(samples - 1):
                if apart(lo, hi, lines[n, s], lines[n, s + 1]):
                    continue
                t, side = hit(vertices, face, lines[n, s], lines[n, s + 1])
                if side != 0 and hits[n] < capacity:
                    places[n, hits[n]] = along[n, s] + t * (along[n, s + 1] - along[n, s])
                    sides[n, hits[n]] = side
                    hits[n] += 1
    free, begins, ends = np.full(count, np.inf), np.full(count, np.inf), np.full(count, np.inf)
    for n in range(count):
        winding, at = first[n], 0.0
        begun, until, left, total, ended = -1.0, -1.0, -1.0, 0.0, True
        outside, behind = True, False
        order = np.argsort(places[n, : hits[n]])
        for h in range(hits[n] + 1):
            here = places[n, order[h]] if h < hits[n] else along[n, samples - 1]
            if winding > 0 and outside:
                left_again = run_end(places[n], sides[n], order, h, hits[n], winding, along[n, samples - 1])
                behind = at > along[n, behind_from] and left_again < along[n, behind_to]
            outside = winding <= 0
            if winding > 0 and not behind:
                if begun < 0:
                    begun = at
                left, ended = here, True
            elif here > at:
                if begun >= 0 and until < 0:
                    until = at
                if 0 <= left <= along[n, opens_by]:
                    total += here - at
                    ended = False
            at = here
            if h < hits[n]:
                winding -= sides[n, order[h]]
        if begun >= 0:
            begins[n] = sample_at(along[n], begun)
            ends[n] = sample_at(along[n], until if until >= 0 else at)
        if ended:
            free[n] = total
    return free, begins, ends


@kernel
def run_end(places, sides, order, h, hits, winding, end):
    """Where flesh that was entered before the crossing `h` is left."""
    for k in range(h, hits):
        winding -= sides[order[k]]
        if winding <= 0:
            return places[order[k]]
    return end


@kernel
def sample_at(along, length):
    """Where on a polyline so long a way ends, in samples."""
    last = min(np.searchsorted(along, length, side="right"), len(along) - 1)
    step = along[last] - along[last - 1]
    return last - 1 + (length - along[last - 1]) / step if step > 0 else float(last)
