"""Shapes and types in signatures are checked while tests run, and only then."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # many small products: threads only wait for each other

import pytest
from jaxtyping import install_import_hook

hook = install_import_hook("facetalk", "beartype.beartype")


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """A folder with a tiny head, speech encoder and motion model that belong together."""
    from made_models import write_models  # after the hook, so that its imports are checked too

    return write_models(tmp_path_factory.mktemp("weights"))
