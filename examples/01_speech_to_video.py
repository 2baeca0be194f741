"""A recording in, a video out: python examples/01_speech_to_video.py voice.mp3 talk.mp4"""

from pathlib import Path

import tyro

import facetalk
from facetalk.pipeline.presenter import DEFAULT_PRESENTATION, Presentation


def main(
    speech: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    identity: str = "ada",
    weights: Path | None = None,
    show: Presentation = DEFAULT_PRESENTATION,
) -> None:
    talker = facetalk.load(weights)
    clip = talker.animate(speech, identity=identity)
    clip.save(out, show, overwrite=True)


if __name__ == "__main__":
    tyro.cli(main)
