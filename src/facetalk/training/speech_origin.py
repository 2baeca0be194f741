"""Makes what training the bundled encoder begins with: a published Moonshine encoder, its normalisation made constant.

python -m facetalk.training.speech_origin --model encoder_model.ort --data PACK --out origin.safetensors
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.data import moonshine
from facetalk.training import loop, speech_set
from facetalk.training.speech import TRAINING_GROUPS
from facetalk.training.student import Student

LISTENED = 40
"""Every so-manyth training clip is listened to."""


@dataclass(frozen=True)
class Origin:
    """From what, to where."""

    model: Path
    """encoder_model.ort of tiny-en in the moonshine-voice wheel, or published safetensors."""
    data: Path
    """Packed set; the moments are those of its training clips."""
    out: Path
    """Receives a state that `facetalk.training.speech --start` takes."""


def main(origin: Origin) -> None:
    """Write it."""
    tensors = moonshine.read(origin.model)
    moments = moonshine.first_moments(tensors, _sounds(origin.data))
    student = Student(moonshine.config_of(tensors))
    student.network.load_state_dict(moonshine.renamed(tensors, *moments))
    checkpoint.save(Checkpoint(loop.KIND, {}, loop.prefixed("student", student.state_dict())), origin.out)


def _sounds(data: Path) -> Iterator[Float[np.ndarray, " sample"]]:
    for example in speech_set.read(data).group(*TRAINING_GROUPS)[::LISTENED]:
        yield speech_set.expand(example.sound)


if __name__ == "__main__":
    main(tyro.cli(Origin))
