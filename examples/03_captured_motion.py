"""Curves captured on a phone drive a head, and another head: python examples/03_captured_motion.py take.csv out.npz"""

from pathlib import Path

import tyro

import facetalk
from facetalk.rig import livelink


def main(
    take: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    weights: Path | None = None,
) -> None:
    talker = facetalk.load(weights)
    clip = talker.perform(livelink.read(take).curves, identity="ben", expressiveness=1.2)
    clip.save(out, overwrite=True)
    other = clip.as_identity(talker.identity("seed:12"))
    other.save(out.with_stem(f"{out.stem}-other"), overwrite=True)


if __name__ == "__main__":
    tyro.cli(main)
