"""Speech features to expression codes: the trained denoiser with the spaces it was trained for."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError
from facetalk.motion.calm import calmed
from facetalk.motion.listener import Listener
from facetalk.motion.networks import FIRST, NETWORKS, name_of
from facetalk.motion.normaliser import Normaliser
from facetalk.motion.retouch import Spaces, UpperFaceDrawn, as_drawn
from facetalk.motion.schedule import Schedule
from facetalk.motion.temper import Temper, mouth_projection
from facetalk.motion.upper_face import UpperFace, UpperFaceConfig
from facetalk.motion.windows import Sampling, draw_windows
from facetalk.types import ExpressionCodes, SpeechFeatures, SpeechStream

KIND = "motion"
DEFAULT_SAMPLING = Sampling()
RIG_TOLERANCE = 1e-5
"""Two rigs whose numbers differ by less make the same codes."""


@dataclass(frozen=True)
class Rig:
    """The linear part of a head's rig encoder, code = rest + matrix · weights: what motion's codes were made with."""

    rest: Float[Tensor, " code"]
    matrix: Float[Tensor, "code 52"]

    def codes(self, weights: Float[Tensor, "*batch 52"]) -> Float[Tensor, "*batch code"]:
        """ARKit weights → expression codes."""
        return self.rest + weights @ self.matrix.T

    def weights(self, codes: Float[Tensor, "*batch code"]) -> Float[Tensor, "*batch 52"]:
        """Expression codes → the ARKit weights that come closest."""
        return (codes - self.rest) @ torch.linalg.pinv(self.matrix).T

    def to(self, device: torch.device) -> "Rig":
        """The same on another device."""
        return Rig(self.rest.to(device), self.matrix.to(device))

    def matches(self, other: "Rig") -> bool:
        """Whether both make the same codes."""
        return all(
            mine.shape == theirs.shape and torch.allclose(mine, theirs, rtol=0, atol=RIG_TOLERANCE)
            for mine, theirs in ((self.rest, other.rest), (self.matrix, other.matrix))
        )


@dataclass(frozen=True)
class Motion:
    """A denoiser with its normaliser and the models it belongs to."""

    denoiser: Listener
    normaliser: Normaliser
    rig: Rig
    head_hash: str
    speech_hash: str
    schedule: Schedule = field(default_factory=Schedule)
    linger: float = 0.0
    """How slowly the noise it was trained with forgets itself, but for the mouth's (`noise.lingering`)."""
    upper_face: UpperFace | None = None
    """What draws lids, gaze and brows; without it the denoiser's own stay, as in the paper."""

    def __call__(self, speech: SpeechFeatures, sampling: Sampling = DEFAULT_SAMPLING) -> ExpressionCodes:
        """Expression codes for every frame of `speech`.

        Raises:
            CheckpointError: `speech` comes from another encoder than the one this motion was trained on.
        """
        return ExpressionCodes(torch.cat(list(self.windows(speech.stream(), sampling))), speech.rate, self.head_hash)

    @torch.inference_mode()
    def windows(self, speech: SpeechStream, sampling: Sampling) -> Iterator[Float[Tensor, "frame code"]]:
        """The same codes, window by window, in memory that does not grow with the audio."""
        if speech.encoder_hash != self.speech_hash:
            raise CheckpointError(
                f"speech features of encoder {speech.encoder_hash} given to motion trained on encoder "
                f"{self.speech_hash}; use the encoder that belongs to it, or retrain motion (recipes/motion.md)"
            )
        temper, retouch = Temper(mouth_projection(self.decode), self.linger), as_drawn
        if self.upper_face is not None:
            retouch = UpperFaceDrawn(self.upper_face, self.spaces, sampling.seed, hears=sampling.guidance != 0)
        drawn = draw_windows(self.denoiser, self.schedule, speech, sampling, temper, retouch)
        for live in calmed(drawn, temper.mouth, sampling.calm):
            yield self.normaliser.restore(live)

    @property
    def spaces(self) -> Spaces:
        """The way between live space and ARKit weights."""
        return Spaces(
            lambda live: self.rig.weights(self.normaliser.restore(live)),
            lambda weights: self.normaliser.normalise(self.rig.codes(weights)),
        )

    @property
    def decode(self) -> Float[Tensor, "52 live"]:
        """Live space → ARKit weights, the linear part."""
        return torch.linalg.pinv(self.rig.matrix) @ (self.normaliser.basis * self.normaliser.scale)

    def check_head(self, head_hash: str) -> None:
        """Refuse a head these codes were not made for.

        Raises:
            CheckpointError: the head is another one.
        """
        if head_hash != self.head_hash:
            raise CheckpointError(
                f"motion was trained for head {self.head_hash}, not {head_hash}; "
                "use the head that belongs to it, or retrain motion (recipes/motion.md)"
            )

    def to(self, device: torch.device) -> "Motion":
        """The same on another device."""
        upper_face = None if self.upper_face is None else self.upper_face.to(device)
        return replace(
            self,
            denoiser=self.denoiser.to(device),
            normaliser=self.normaliser.to(device),
            rig=self.rig.to(device),
            upper_face=upper_face,
        )

    @property
    def checkpoint(self) -> Checkpoint:
        """Weights in half precision (their rounding is far below the noise); spaces stay in single."""
        tensors = {f"denoiser.{name}": value.half() for name, value in self.denoiser.state_dict().items()}
        tensors |= {f"normaliser.{name}": value for name, value in vars(self.normaliser).items()}
        tensors |= {f"rig.{name}": value for name, value in vars(self.rig).items()}
        config = {
            "network": name_of(self.denoiser.config),
            "denoiser": asdict(self.denoiser.config),
            "schedule": asdict(self.schedule),
            "linger": self.linger,
            "head_hash": self.head_hash,
            "speech_hash": self.speech_hash,
        }
        if self.upper_face is not None:
            tensors |= {f"upper_face.{name}": value.half() for name, value in self.upper_face.state_dict().items()}
            config["upper_face"] = asdict(self.upper_face.config)
        return Checkpoint(KIND, config, tensors)

    def save(self, path: Path | str) -> None:
        """Write the checkpoint."""
        checkpoint.save(self.checkpoint, path)

    @classmethod
    def load(cls, path: Path | str) -> "Motion":
        """Read what `save` wrote.

        Raises:
            CheckpointError: not motion weights, or damaged ones.
        """
        return cls.of(checkpoint.load(path, KIND), str(path))

    @classmethod
    def of(cls, saved: Checkpoint, name: str) -> "Motion":
        """The model of a checkpoint that holds its parts, and perhaps others; `name` is for errors.

        Raises:
            CheckpointError: a part is missing or damaged.
        """
        try:
            kind = NETWORKS[saved.config.get("network", FIRST)]
            denoiser = kind.network(kind.config(**saved.config["denoiser"]))
            denoiser.load_state_dict(_part(saved, "denoiser"))
            spaces = Normaliser(**_part(saved, "normaliser")), Rig(**_part(saved, "rig"))
            hashes = saved.config["head_hash"], saved.config["speech_hash"]
            schedule, linger = Schedule(**saved.config["schedule"]), float(saved.config.get("linger", 0.0))
            upper_face = _upper_face(saved)
        except (KeyError, TypeError, RuntimeError) as error:
            raise CheckpointError(f"{name}: damaged motion weights ({str(error).splitlines()[0]})") from error
        return cls(denoiser.eval().requires_grad_(False), *spaces, *hashes, schedule, linger, upper_face)


def restamp(motion: Motion, head_hash: str, rig: Rig) -> Motion:
    """`motion` for a head that was trained on, but still makes the same codes of the same weights.

    Raises:
        CheckpointError: the head's rig differs, so its codes mean something else.
    """
    if not motion.rig.matches(rig):
        raise CheckpointError(
            f"head {head_hash} makes other codes of the same weights; retrain motion for it (recipes/motion.md)"
        )
    return replace(motion, head_hash=head_hash)


def _upper_face(saved: Checkpoint) -> UpperFace | None:
    if "upper_face" not in saved.config:
        return None
    config = saved.config["upper_face"]
    network = UpperFace(UpperFaceConfig(**{**config, "choices": tuple(config["choices"])}))
    network.load_state_dict(_part(saved, "upper_face"))
    return network.eval().requires_grad_(False)


def _part(saved: Checkpoint, name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): value.float() for key, value in saved.tensors.items() if key.startswith(prefix)}
