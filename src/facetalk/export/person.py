"""People as .npz files: an identity code, what they wear, and the hash of the head they belong to."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from facetalk.export.place import beside
from facetalk.head.model import Head
from facetalk.pipeline.hairdressing import packed
from facetalk.pipeline.identity import Identity

VERSION = 1


def write(person: Identity, head: Head, path: Path) -> None:
    """Write what `facetalk.pipeline.identity.find` reads back."""
    arrays = {
        "version": np.array(VERSION),
        "z_id": person.z_id.cpu().numpy(),
        "identity": np.array(person.name),
        "look": np.array(json.dumps(asdict(person.look))),
        "head_hash": np.array(head.hash),
        **packed(head, person.hair),
    }
    with beside(path) as partial:
        np.savez_compressed(partial, **arrays)
