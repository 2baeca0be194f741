"""`--mesh tracked` on the command line: a folder of meshes that share their faces."""

import numpy as np

import made_sound
from facetalk.cli.main import main
from facetalk.mesh import files
from facetalk.pipeline import tracking


def test_every_mesh_of_a_folder_has_the_same_faces(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "POSES", 10)
    voice = made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.1))
    words = "--mesh", "tracked", "--resolution", "16", "--steps", "1", "--weights", str(weights)
    assert main(["animate", str(voice), "-o", f"{tmp_path}/meshes/", *words]) == 0
    first, *others = [files.read(path) for path in sorted((tmp_path / "meshes").glob("*.ply"))]
    assert len(others) == 2
    assert all(np.array_equal(mesh.faces, first.faces) for mesh in others)
    assert not all(np.array_equal(mesh.vertices, first.vertices) for mesh in others)
