"""Training of the speech encoder: distil a teacher, name phones, hear the clean spectrum through the noise.

python -m facetalk.training.speech --data DIR --out DIR --steps 2500
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facetalk import checkpoint
from facetalk.errors import InputError
from facetalk.speech.composition import attention_bias, chunked, sliding, stretch
from facetalk.speech.configuration import EncoderConfig, Receptive
from facetalk.speech.own import Config
from facetalk.training import loop, speech_set
from facetalk.training.augmentation import Augmentation
from facetalk.training.precision import has_bfloat16
from facetalk.training.speech_crops import MEL_BANDS, Batch, crop
from facetalk.training.speech_set import IGNORED, Example, Readout, SpeechSet
from facetalk.training.student import Student
from facetalk.training.team import descend
from facetalk.types import FRAME_RATE

TRAINING_GROUPS = ("timed-train", "librispeech-train", "facegood-train")


@dataclass(frozen=True)
class SpeechTraining:
    """How the encoder is trained."""

    encoder: Config = field(default_factory=EncoderConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    steps: int = 2500
    batch: int = 8
    crop_frames: int = 120
    rate: float = 1.2e-3
    """Highest learning rate; it rises over `warm_steps` and falls to nothing as a cosine."""
    warm_steps: int = 100
    decay: float = 0.02
    phone_weight: float = 0.5
    """Weight of phone classification beside distillation."""
    spectrum_weight: float = 0.5
    """Weight of the spectrum of the undisturbed sound; it teaches the front end early, and keeps loudness."""
    mouth_weight: float = 0.0
    """Weight of the mouth curves that the readout of the packed set says; 0 needs no readout."""
    teacher_weight: float = 1.0
    """Weight of the teacher's components."""
    origin_weight: float = 0.0
    """Weight of what the published network that training begins with says of whole clips; 0 needs none."""
    heads_rate: float = 1.0
    """Learning rate of what reads the features, in that of the encoder: they are new where it is not."""
    stream_share: float = 0.4
    """Share of steps whose attention is chunked, as in streaming; the rest slide."""
    chunks: tuple[int, ...] = (4, 8, 12, 24, 48)
    whitening: float = 0.0
    """Teacher components weigh their variance to the power 1 − 2 × this (0 plain, .5 white)."""
    repeats: tuple[tuple[str, int], ...] = (("facegood-train", 2),)
    """Groups that are drawn more often than their length."""


class SpeechTask:
    """What a step is; see `facetalk.training.loop.Task`.

    Raises:
        InputError: an origin is asked for that the set knows nothing of.
    """

    def __init__(
        self, training: SpeechTraining, data: SpeechSet, device: torch.device, readout: Readout | None = None
    ) -> None:
        self.training, self.device = training, device
        self.examples = data.group(*TRAINING_GROUPS)
        repeats = dict(training.repeats)
        lengths = np.array([example.frames * repeats.get(example.group, 1) for example in self.examples], float)
        self.chances = lengths / lengths.sum()
        self.weights = component_weights(data.about["shares"], training.whitening).to(device)
        self.span = stretch(range(training.crop_frames), FRAME_RATE, receptive(training.encoder))
        self.mouths = [mouth_curves(example, readout) for example in self.examples]
        size, classes = training.encoder.size, len(data.symbols)
        self.student = Student(training.encoder).to(device)
        outputs = {"teacher": len(self.weights), "phone": classes, "spectrum": MEL_BANDS}
        if readout is not None:
            outputs["mouth"] = len(readout.offset)
        self.heads = nn.ModuleDict({name: nn.Linear(size, width) for name, width in outputs.items()}).to(device)
        groups = [
            {**group, "share": share}
            for part, share in ((self.student, 1.0), (self.heads, training.heads_rate))
            for group in _decayed(list(part.parameters()), training.decay)
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=training.rate, betas=(0.9, 0.98))
        if training.origin_weight > 0 and "origin" not in data.about:
            raise InputError("the packed set knows no origin; pack it with --origin, or leave its weight at 0")
        moments = data.about.get("origin", {"mean": [0.0] * size, "spread": [1.0] * size})
        self.origin_mean, self.origin_spread = (torch.tensor(moments[name]).to(device) for name in ("mean", "spread"))

    def step(self, index: int, generator: torch.Generator) -> Mapping[str, Tensor | float]:
        """One step of AdamW."""
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        batch = self.draw(random)
        bias = self._bias(random).to(self.device)
        for group in self.optimiser.param_groups:
            paced = self.training.rate * pace(index, self.training.warm_steps, self.training.steps)
            group["lr"] = group["share"] * paced
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_bfloat16(self.device)):
            features = self.student(batch.sound, self.span, bias)
            said = {name: head(features).float() for name, head in self.heads.items()}
        teacher, phones, spectrum = said["teacher"], said["phone"], said["spectrum"]
        distance = distillation(teacher, batch, self.weights)
        known = (batch.phones != IGNORED).float()
        naming = functional.cross_entropy(phones.mT, batch.phones, ignore_index=IGNORED, reduction="none")
        naming = naming.sum() / known.sum().clamp(min=1)  # of some batches no phone is known
        hearing = over_heard((spectrum - batch.spectrum).square().mean(-1), batch)
        reading = over_heard((said["mouth"] - batch.mouth).square().mean(-1), batch) if "mouth" in said else 0.0
        keeping = self._kept(features.float(), batch)
        loss = self.training.teacher_weight * distance + self.training.phone_weight * naming
        loss = loss + self.training.spectrum_weight * hearing + self.training.mouth_weight * reading
        loss = loss + self.training.origin_weight * keeping
        norm = descend(loss, self.optimiser, clip=1.0)
        accuracy = ((phones.argmax(-1) == batch.phones) * known).sum() / known.sum().clamp(min=1)
        figures = {"distance": distance, "naming": naming, "hearing": hearing, "accuracy": accuracy, "norm": norm}
        figures |= {"reading": reading} if "mouth" in said else {}
        figures |= {"keeping": keeping} if self.training.origin_weight > 0 else {}
        return {name: figure.detach() for name, figure in figures.items()}

    def state(self) -> dict[str, Tensor]:
        """Everything that steps change."""
        return {
            **loop.prefixed("student", self.student.state_dict()),
            **loop.prefixed("heads", self.heads.state_dict()),
            **loop.prefixed("optimiser", loop.optimiser_state(self.optimiser)),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.student.load_state_dict(loop.part(state, "student"))
        self.heads.load_state_dict(loop.part(state, "heads"))
        loop.restore_optimiser(self.optimiser, loop.part(state, "optimiser"))

    def begin_with(self, state: Mapping[str, Tensor]) -> None:
        """Take over the encoder of another run, and those of its heads that are the same."""
        self.student.load_state_dict(loop.part(state, "student"))
        for name, head in self.heads.items():
            weights = loop.part(state, f"heads.{name}")
            if weights:
                head.load_state_dict(weights)

    def draw(self, random: np.random.Generator) -> Batch:
        """A batch of random crops, disturbed."""
        chosen = random.choice(len(self.examples), self.training.batch, p=self.chances)
        crops = [
            crop(self.examples[index], self.mouths[index], self.span, self.training.augmentation, random, self.examples)
            for index in chosen
        ]
        parts = (torch.from_numpy(np.stack(part)).to(self.device) for part in zip(*crops, strict=True))
        return Batch(*parts)

    def _kept(self, features: Float[Tensor, "crop frame feature"], batch: Batch) -> Float[Tensor, ""] | float:
        """Squared distance of the features from the origin's, 1 for a guess of the mean."""
        if self.training.origin_weight == 0:
            return 0.0
        standard = (features - self.origin_mean) / self.origin_spread
        return over_heard((standard - batch.origin).square().mean(-1), batch)

    def _bias(self, random: np.random.Generator) -> Float[Tensor, "1 head frame frame"]:
        config, frames = self.training.encoder, self.training.crop_frames
        if random.random() < self.training.stream_share:
            allowed = chunked(frames, config.left, int(random.choice(self.training.chunks)))
        else:
            allowed = sliding(frames, config.left, config.right)
        return attention_bias(allowed, config.slopes)


def receptive(config: Config) -> Receptive:
    """What one output of the front end sees."""
    return Receptive.of(config.conv_kernels, config.conv_strides)


def distillation(
    guess: Float[Tensor, "crop frame component"], batch: Batch, weights: Float[Tensor, " component"]
) -> Float[Tensor, ""]:
    """Weighted squared distance to the teacher; 1 is the distance of a guess of the mean."""
    each = ((guess - batch.teacher).square() * weights).sum(-1)
    return over_heard(each, batch)


def over_heard(each: Float[Tensor, "crop frame"], batch: Batch) -> Float[Tensor, ""]:
    """Mean over the frames that a clip has."""
    return (each * batch.heard).sum() / batch.heard.sum()


def mouth_curves(example: Example, readout: Readout | None) -> Float[np.ndarray, "frame curve"]:
    """What the readout says of the teacher on one clip (half precision); without a readout, no curve."""
    if readout is None:
        return np.zeros((example.frames, 0), np.float16)
    return readout(example.components).astype(np.float16)


def component_weights(shares: list[float], whitening: float) -> Float[Tensor, " component"]:
    """Weight of each teacher component of unit variance; they sum to one."""
    weights = torch.tensor(shares) ** (1 - 2 * whitening)
    return weights / weights.sum()


def pace(step: int, warm: int, steps: int) -> float:
    """Share of the highest learning rate at a step: a rise, then half a cosine."""
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + float(np.cos(np.pi * (step - warm) / max(steps - warm, 1))))


def _decayed(parameters: list[nn.Parameter], decay: float) -> list[dict]:
    """Matrices decay; gains and biases do not."""
    return [
        {"params": [each for each in parameters if each.ndim > 1], "weight_decay": decay},
        {"params": [each for each in parameters if each.ndim <= 1], "weight_decay": 0.0},
    ]


@dataclass(frozen=True)
class Run:
    """Where a run reads and writes."""

    data: Path
    """Packed set."""
    out: Path
    """Receives state, log and, at the end, speech.safetensors."""
    training: SpeechTraining = field(default_factory=SpeechTraining)
    start: Path | None = None
    """state.safetensors of an earlier run whose encoder and heads this one begins with."""
    stop: int | None = None
    """Stop after this step, though the schedule goes on."""
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    log_every: int = 50
    save_every: int = 250


def main(run: Run) -> None:
    """Train, going on where an earlier call stopped, and write the encoder."""
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    readout = speech_set.read_readout(run.data) if run.training.mouth_weight > 0 else None
    task = SpeechTask(run.training, speech_set.read(run.data), torch.device(run.device), readout)
    if run.start is not None:
        task.begin_with(checkpoint.load(run.start, loop.KIND).tensors)
    plan = loop.Plan(run.stop or run.training.steps, run.seed, run.log_every, run.save_every)
    loop.run(task, plan, run.out, asdict(run.training))
    write(task, run.out)


def write(task: SpeechTask, folder: Path) -> None:
    """Write the encoder (half precision) and its heads, which only the evaluation needs."""
    checkpoint.save(task.student.checkpoint(), folder / "speech.safetensors")
    heads = {name: tensor.detach().cpu() for name, tensor in task.heads.state_dict().items()}
    checkpoint.save(checkpoint.Checkpoint("speech-heads", {}, heads), folder / "heads.safetensors")


if __name__ == "__main__":
    import tyro

    main(tyro.cli(Run))
