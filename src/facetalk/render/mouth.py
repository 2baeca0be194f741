"""Light in an open mouth: what enters between the lips, less of it the deeper a place lies.

A place behind an opening is lit by the share of its view that the opening fills. That share is read off the picture: of
a square round the place as wide as the place is deep behind the lips, the part in which the inside of the mouth is
seen. Front teeth at the opening see much of it, back teeth and the corners little. Light that came in bounces between
walls that are red.
"""

import numpy as np

from facetalk.compiled import finite_kernel
from facetalk.geometry import UNIT_MM
from facetalk.types import Region

ONE, ZERO, HALF = np.float32(1), np.float32(0), np.float32(0.5)
LIPS, TEETH, MOUTH = int(Region.LIPS), int(Region.TEETH), int(Region.MOUTH)
WIDE = np.float32(1.2)
"""Half the edge of the square, in depths: a round opening of that radius then counts as half of all light, as it is."""
LIP, LEAST = np.float32(3.5 / UNIT_MM), np.float32(1.2 / UNIT_MM)
"""The opening lies so far behind what is seen of the lips; nothing counts as less deep than the second."""
ROUND = np.float32(14.0 / UNIT_MM)
"""Lips within this distance along the picture's edges tell how far off the opening is."""
NO_LIPS = np.float32(12.0 / UNIT_MM)
"""How deep the mouth is taken to be where no lip is near."""
STEP = 4
"""Every so many places are looked at to find the mouth."""


@finite_kernel
def kind(triangle, faces, carried, y, x, first_hair):
    """1 where the inside of a mouth is seen, 2 where lips are, 0 elsewhere."""
    f = triangle[y, x]
    if f < 0 or f >= first_hair:
        return 0
    a = faces[f, 0]
    if carried[a, 6 + TEETH] + carried[a, 6 + MOUTH] > HALF:
        return 1
    return 2 if carried[a, 6 + LIPS] > HALF else 0


@finite_kernel
def opening(triangle, nearness, stride, faces, carried, first_hair, room):
    """Sums over the part of a picture with the mouth: places inside it, lips, and how far off the lips are.

    Returns the first row and column, in places of which `stride` samples lie along each edge, and [row, column, 3] sums
    of all places above and to the left; empty where no mouth is seen. `room` is added on all sides, in places.
    """
    rows, columns = triangle.shape[0] // stride, triangle.shape[1] // stride
    top, bottom, left, right = rows, -1, columns, -1
    for y in range(0, rows, STEP):
        for x in range(0, columns, STEP):
            if kind(triangle, faces, carried, y * stride + stride // 2, x * stride + stride // 2, first_hair) > 0:
                top, bottom, left, right = min(top, y), max(bottom, y), min(left, x), max(right, x)
    if bottom < 0:
        return 0, 0, np.zeros((0, 0, 3), np.float32)
    top, left = max(top - room, 0), max(left - room, 0)
    bottom, right = min(bottom + room + STEP, rows), min(right + room + STEP, columns)
    sums = np.zeros((bottom - top + 1, right - left + 1, 3), np.float32)
    for y in range(top, bottom):
        inside, lips, off = ZERO, ZERO, ZERO
        for x in range(left, right):
            i, j = y * stride + stride // 2, x * stride + stride // 2
            seen = kind(triangle, faces, carried, i, j, first_hair)
            if seen == 1:
                inside += ONE
            elif seen == 2:
                lips += ONE
                off += ONE / nearness[i, j]
            p, q = y - top, x - left + 1
            sums[p + 1, q, 0] = sums[p, q, 0] + inside
            sums[p + 1, q, 1] = sums[p, q, 1] + lips
            sums[p + 1, q, 2] = sums[p, q, 2] + off
    return top, left, sums


@finite_kernel
def between_lines(sums, y, x, channel):
    """The sum of all before a place between lines."""
    y = min(max(y, ZERO), np.float32(sums.shape[0] - 1))
    x = min(max(x, ZERO), np.float32(sums.shape[1] - 1))
    i, j = min(int(y), sums.shape[0] - 2), min(int(x), sums.shape[1] - 2)
    u, v = y - np.float32(i), x - np.float32(j)
    upper = sums[i, j, channel] + v * (sums[i, j + 1, channel] - sums[i, j, channel])
    lower = sums[i + 1, j, channel] + v * (sums[i + 1, j + 1, channel] - sums[i + 1, j, channel])
    return upper + u * (lower - upper)


@finite_kernel
def within(sums, y, x, half, channel):
    """The sum over a square of half width `half` round a place."""
    return (
        between_lines(sums, y + half, x + half, channel) - between_lines(sums, y - half, x + half, channel)
        - between_lines(sums, y + half, x - half, channel) + between_lines(sums, y - half, x - half, channel)
    )  # fmt: skip


@finite_kernel
def entering(sums, top, left, y, x, here, places):
    """Share of the light before the lips that reaches a place inside the mouth.

    Args:
        sums: of the `opening`.
        top: its first row.
        left: its first column.
        y: row of the place, in the opening's places.
        x: its column.
        here: 1 / its distance.
        places: along one unit at distance 1.
    """
    if sums.shape[0] < 2:
        return ONE
    y, x = y - np.float32(top), x - np.float32(left)
    around = ROUND * places * here
    lips = within(sums, y, x, around, 1)
    deep = NO_LIPS
    if lips >= HALF:
        deep = max(ONE / here - within(sums, y, x, around, 2) / lips - LIP, LEAST)
    half = max(WIDE * deep * places * here, ONE)
    return min(within(sums, y, x, half, 0) / (np.float32(4) * half * half), ONE)
