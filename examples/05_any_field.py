"""Meshing and drawing take any field, not only heads: python examples/05_any_field.py ball.png"""

from pathlib import Path

import torch
import tyro

from facetalk.geometry import Box
from facetalk.mesh.extract import extract
from facetalk.mesh.grid import uniform_grid
from facetalk.render.camera import portrait
from facetalk.render.picture import Photographer
from facetalk.render.sheet import write_picture


def dented_ball(points: torch.Tensor) -> torch.Tensor:
    """Signed distance of a ball with a bite taken out of its front."""
    ball = points.norm(dim=1) - 0.4
    bite = (points - torch.tensor([0.1, 0.1, 0.45])).norm(dim=1) - 0.2
    return torch.maximum(ball, -bite)


def main(out: tyro.conf.Positional[Path], resolution: int = 96, size: int = 384) -> None:
    box = Box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))
    mesh = extract(dented_ball, uniform_grid(box, resolution))
    picture = Photographer(width=size, height=size)(mesh, portrait("three-quarter", box, size, size))
    write_picture(picture, out)


if __name__ == "__main__":
    tyro.cli(main)
