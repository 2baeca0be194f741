"""The teacher of the speech encoder: the Moonshine base encoder (MIT), or the tiny one, run by onnxruntime.

Its three convolutions turn 16 kHz sound into one vector every 384 samples; each looks at 895 samples.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.types import SAMPLE_RATE, Waveform

HOP_SAMPLES = 384
FIRST_CENTRE_SAMPLES = 447.0
"""Middle of the first 895 samples (kernels 127, 7, 3; strides 64, 3, 2)."""
MASK = "attention_mask"
"""Some of these models are also told which samples there are: all of them."""
LONGEST_SECONDS = 30
"""It attends to everything at once; longer sound is cut at this length."""


class Teacher:
    """Waveform → teacher features, one row a frame, interpolated by time.

    Raises:
        InputError: the model is missing or takes other inputs than a waveform.
    """

    def __init__(self, path: Path | str) -> None:
        if not Path(path).is_file():
            raise InputError(f"{path}: no such model; unpack encoder_model.ort from the moonshine-cpp wheel")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options)
        self.inputs = [entry.name for entry in self.session.get_inputs()]
        if self.inputs[1:] not in ([], [MASK]):
            raise InputError(f"{path}: takes {self.inputs}, a model of one waveform input is needed")

    def __call__(self, speech: Waveform, times: Float[np.ndarray, " frame"]) -> Float[np.ndarray, "frame feature"]:
        """Features at `times` (seconds)."""
        pieces = [self._piece(speech.samples, times, second) for second in self._starts(speech)]
        return np.concatenate(pieces)

    @staticmethod
    def _starts(speech: Waveform) -> range:
        return range(0, max(int(np.ceil(speech.duration)), 1), LONGEST_SECONDS)

    def _piece(
        self, samples: Float[np.ndarray, " sample"], times: Float[np.ndarray, " frame"], second: int
    ) -> Float[np.ndarray, "frame feature"]:
        """Features at the times inside one stretch of at most `LONGEST_SECONDS`, heard with a second on either side."""
        last = np.inf if (second + LONGEST_SECONDS) * SAMPLE_RATE >= len(samples) else second + LONGEST_SECONDS
        inside = times[(times >= second) & (times < last)] if second else times[times < last]
        first = max(second - 1, 0) * SAMPLE_RATE
        heard = samples[first : (second + LONGEST_SECONDS + 1) * SAMPLE_RATE]
        sound = np.pad(heard, (0, HOP_SAMPLES * 3))[None]
        given = (sound, np.ones(sound.shape, np.int64))
        features = self.session.run(None, dict(zip(self.inputs, given, strict=False)))[0][0]
        places = (inside * SAMPLE_RATE - first - FIRST_CENTRE_SAMPLES) / HOP_SAMPLES
        return interpolated(features, places)


def interpolated(
    rows: Float[np.ndarray, "row feature"], places: Float[np.ndarray, " frame"]
) -> Float[np.ndarray, "frame feature"]:
    """Rows read at fractional places, linearly; the ends are held."""
    places = np.clip(places, 0, len(rows) - 1)
    before = np.minimum(places.astype(int), max(len(rows) - 2, 0))
    share = (places - before).astype(np.float32)[:, None]
    return rows[before] * (1 - share) + rows[np.minimum(before + 1, len(rows) - 1)] * share
