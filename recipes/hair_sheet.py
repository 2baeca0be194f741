"""Twelve people with hair from three sides: docs/hair.jpg.

python recipes/hair_sheet.py OUT.jpg [WEIGHTS]
"""

import sys
from dataclasses import replace
from pathlib import Path

from facetalk.pipeline.gallery import angles
from facetalk.pipeline.identity import find, wearing
from facetalk.pipeline.presenter import View
from facetalk.pipeline.weights import BUNDLED, Weights
from facetalk.render.sheet import write_picture

WORN = {
    **{"ada": "long", "ben": "short+short-beard", "cleo": "curls", "dev": "short-beard", "emil": "swept", "fay": "bun"},
    **{"seed:1": "bob", "seed:5": "fringe", "seed:8": "wavy", "seed:9": "ponytail", "seed:12": "afro"},
    "seed:20": "crop+goatee",
}
"""People by name, and what they wear."""


def main(out: Path, weights: Path) -> None:
    """Draw everybody."""
    head = Weights(weights).head
    people = [replace(wearing(head, find(head, name), style), name=f"{name}, {style}") for name, style in WORN.items()]
    write_picture(angles(head, people, ("front", "three-quarter", "side"), View(size=224)), out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path((sys.argv[2:3] or [BUNDLED])[0]))
