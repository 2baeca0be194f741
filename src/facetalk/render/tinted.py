"""A mesh painted by a number at each vertex: maps of errors, with the bar that explains their colours."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from facetalk.render.camera import Camera
from facetalk.render.raster import visible
from facetalk.render.sheet import INK, PAPER
from facetalk.types import Frame, Mesh

SAMPLES = 2
STOPS = np.array([[33, 72, 164], [108, 166, 216], [240, 240, 236], [240, 150, 96], [170, 26, 40]], float)
"""From below to above: blue, white at zero, red."""
UNKNOWN = np.array([120.0, 120.0, 124.0])
"""Grey, where there is no number."""
BAR_SHARE = 0.16
"""Height of the bar with its numbers, in heights of a picture."""


def colours(values: Float[np.ndarray, " number"], reach: float) -> Float[np.ndarray, "number 3"]:
    """Colours 0..255 of numbers from -reach to reach; NaN is grey."""
    place = np.linspace(-reach, reach, len(STOPS))
    known = np.nan_to_num(values)
    painted = np.stack([np.interp(known, place, STOPS[:, channel]) for channel in range(3)], axis=-1)
    return np.where(np.isnan(values)[:, None], UNKNOWN, painted)


def tinted(mesh: Mesh, values: Float[np.ndarray, " vertex"], reach: float, camera: Camera) -> Frame:
    """What `camera` sees of a mesh with normals, lit from the camera so that its shape shows through the colours."""
    assert mesh.normals is not None
    screen = camera.project(np.asarray(mesh.vertices, np.float32))
    seen = visible(screen, mesh.faces, camera.width, camera.height, SAMPLES).triangle
    towards = camera.position - mesh.vertices
    facing = (mesh.normals * towards).sum(axis=1) / np.linalg.norm(towards, axis=1)
    painted = colours(values, reach) * (0.45 + 0.55 * np.clip(facing, 0, 1))[:, None]
    pixels = np.where(seen[..., None] < 0, np.array(PAPER, float), painted[mesh.faces[seen]].mean(axis=2))
    shape = (camera.height, SAMPLES, camera.width, SAMPLES, 3)
    return Frame(np.rint(pixels.reshape(shape).mean(axis=(1, 3))).astype(np.uint8))


def with_bar(frame: Frame, reach: float, below: str, above: str) -> Frame:
    """The picture with a bar of colours under it, from -reach (`below`) to reach (`above`), in mm."""
    height, width = frame.pixels.shape[:2]
    room = max(int(min(height, width) * BAR_SHARE), 34)
    sheet = Image.new("RGB", (width, height + room), PAPER)
    sheet.paste(Image.fromarray(frame.pixels), (0, 0))
    left, right, top, thick = int(width * 0.3), int(width * 0.7), height + room // 8, room // 3
    bar = np.repeat(colours(np.linspace(-reach, reach, right - left), reach)[None], thick, axis=0)
    sheet.paste(Image.fromarray(np.rint(bar).astype(np.uint8)), (left, top))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=room * 0.26)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        where, label = left + share * (right - left), f"{(2 * share - 1) * reach:+.1f}" if share != 0.5 else "0 mm"
        pen.text((where, top + thick + room * 0.22), label, INK, font, anchor="mm")
    pen.text((left - room * 0.2, top + thick / 2), below, INK, font, anchor="rm")
    pen.text((right + room * 0.2, top + thick / 2), above, INK, font, anchor="lm")
    return Frame(_pixels(sheet))


def _pixels(sheet: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    return np.asarray(sheet)
