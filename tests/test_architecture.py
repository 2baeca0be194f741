"""The house: floors, free import, small files."""

import subprocess
import sys
from pathlib import Path

import pytest

import facetalk

SOURCE = Path(facetalk.__file__).parent
LONGEST_FILE = 340
"""Lines: files are about 250 lines or less; only the tables of the isosurface need more."""


def test_packages_import_lower_floors_only():
    pytest.importorskip("importlinter.cli")
    rules = str(SOURCE.parents[1] / "pyproject.toml")
    # In a process of its own: it switches off all loggers that there are.
    script = f"from importlinter.cli import *; exit(lint_imports(config_filename={rules!r}, cache_dir=None))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_import_is_free():
    """`import facetalk` and the command's overview load no heavy module, read no weights and print nothing."""
    heavy = ("torch", "transformers", "numba", "av", "soundfile", "scipy")
    script = f"import sys, facetalk, facetalk.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("transformers", {"speech/published.py"}),
        ("soundfile", {"speech/waveform.py"}),
        ("numba", {"compiled.py"}),
        ("safetensors", {"checkpoint.py"}),
    ],
)
def test_heavy_dependencies_have_one_door(module, allowed):
    """At run time, that is: training and data sets have files of their own."""
    doors = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(
            line.lstrip().startswith((f"import {module}", f"from {module}")) for line in path.read_text().splitlines()
        )
    }
    offline = {door for door in doors if door.startswith(("training/", "data/", "evaluation/"))}
    assert doors - offline <= allowed | {"speech/published.py"}


def test_training_extras_stay_out_of_run_time():
    for path in SOURCE.rglob("*.py"):
        floor = path.relative_to(SOURCE).parts[0]
        if floor not in ("training", "data", "evaluation"):
            text = path.read_text()
            assert not any(f"import {extra}" in text for extra in ("igl", "onnxruntime", "matplotlib")), path


def test_files_are_short():
    long = {
        path.name: count
        for path in SOURCE.rglob("*.py")
        if (count := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert not long


def test_no_head_mesh_is_in_the_package():
    assert not [path for path in SOURCE.rglob("*") if path.suffix in (".obj", ".ply", ".fbx", ".glb")]
