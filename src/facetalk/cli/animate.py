"""`facetalk animate`: recordings or captured takes to videos, codes, curves or meshes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import isfinite
from pathlib import Path

import numpy as np
from tyro.conf import Positional

import facetalk
from facetalk import export
from facetalk.cli.command import Out, ReportingJob, Stages, progress
from facetalk.cli.following import Following
from facetalk.cli.following import cut as cut_landmarks
from facetalk.errors import InputError
from facetalk.landmarks import files
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.identity import DEFAULT, Identity
from facetalk.pipeline.presenter import Presentation
from facetalk.pipeline.talker import Performing, Talker
from facetalk.rig import livelink
from facetalk.speech import waveform
from facetalk.types import SAMPLE_RATE, RigCurves, Waveform

PREVIEW_SIZE, PREVIEW_RESOLUTION, PREVIEW_FPS = 256, 48, "15"
TAKE_SUFFIX = ".csv"


@dataclass(frozen=True)
class Output:
    """One file to be made."""

    source: Path
    path: Path
    seed: int


@dataclass(frozen=True, kw_only=True)
class Showing(ReportingJob):
    """Options of every command that shows a clip."""

    out: Out
    """What to write, by suffix: .mp4; .npz to show again; .csv of ARKit curves; a folder/ of meshes."""
    overwrite: bool = False
    """Replace what is there already."""
    hairstyle: str | None = None
    """Another hairstyle: a style such as long, a beard such as goatee, both as in crop+beard, or none."""
    presentation: Presentation = field(default_factory=Presentation)
    weights: Path | None = None
    """A folder with head, speech and motion .safetensors instead of the bundled ones."""
    head: Path | None = None
    """Another head than the weights': its file or folder, for example an imported one."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def write(self, clip: Clip, path: Path, presentation: Presentation, stages: Stages) -> dict:
        """Write one output and say what it is."""
        with stages.timed("show"), progress(path.name) as watch:
            clip.save(path, presentation, overwrite=self.overwrite, watch=watch)
        return {
            "path": str(path),
            "seconds": round(float(clip.duration), 3),
            "frames": clip.frames_at(presentation.view.rate if path.suffix in (".mp4", ".csv") else clip.codes.rate),
            "identity": clip.identity.name,
            "seed": clip.origin.seed,
        }

    def tell(self, outputs: list[dict], stages: Stages) -> None:
        """Report what was written, and how long each stage took."""
        lines = [f"{row['path']}  {row['seconds']:.1f} s, {row['frames']} frames" for row in outputs]
        self.report({"outputs": outputs, "stages_s": stages.rounded()}, lines)


@dataclass(frozen=True, kw_only=True)
class Animate(Showing):
    """Let a head speak your recording.

    Examples:
      facetalk animate voice.mp3 -o talk.mp4
      facetalk animate interview.mp4 -o talk.mp4 --start 12 --duration 8 --identity seed:7 --camera three-quarter
      facetalk animate voice.wav -o take.mp4 --takes 3        (take-1.mp4, take-2.mp4, take-3.mp4)
      facetalk animate a.wav b.wav -o talk.mp4                (talk-a.mp4, talk-b.mp4)
      facetalk animate voice.wav -o curves.csv                (ARKit curves in Live Link Face layout)
      facetalk animate take.csv --sound take.wav -o talk.mp4  (captured motion)
      facetalk animate --landmarks face.npy --sound voice.wav -o talk.mp4  (tracked landmarks in place of speech)
    """

    speech: Positional[tuple[Path, ...]]
    """Sound files, the sound of videos, or Live Link Face takes (.csv); none is needed with --landmarks."""
    sound: Path | None = None
    """The sound of a captured take, or of landmarks."""
    following: Following = field(default_factory=Following)
    start: float = 0.0
    """Seconds to leave out at the front."""
    duration: float | None = None
    """Seconds to take; all by default."""
    identity: str = DEFAULT
    """A name (see facetalk identities), seed:N, or an .npz file with an identity code."""
    seed: int = 0
    """Same seed, same motion."""
    takes: int = 1
    """How many different performances to make, seeds counting up."""
    encoder: str | None = None
    """Another speech encoder than the weights', for motion trained on it: a file, a folder or a name on the hub."""
    performing: Performing = field(default_factory=Performing)
    preview: bool = False
    """Smaller, coarser and at half the frame rate: about four times as fast."""

    def run_job(self) -> None:
        """Animate every recording in every take."""
        outputs = list(self.outputs())
        self.check(outputs)
        stages, made = Stages(), []
        talker = facetalk.load(self.weights, device=self.device, head=self.head, encoder=self.encoder)
        with stages.timed("load"):
            identity = talker.identity(self.identity, self.hairstyle)
        if self.out.suffix not in (".npz", TAKE_SUFFIX):
            talker.expect(identity, self.shown.surface)
        for output in outputs:
            clip = self.clip(talker, output, identity, stages)
            made.append(self.write(clip, output.path, self.shown, stages))
        self.tell(made, stages)

    @property
    def shown(self) -> Presentation:
        """The presentation, reduced for a preview."""
        return previewed(self.presentation) if self.preview else self.presentation

    def outputs(self) -> Iterator[Output]:
        """What is to be made: names get the recording's name and the take's number where there are several.

        Raises:
            InputError: two recordings would be written to one file, or there is nothing to do.
        """
        sources = self.speech or ((self.following.landmarks,) if self.following.landmarks else ())
        if not sources or self.takes < 1:
            raise InputError("nothing to animate; give at least one recording (or --landmarks) and one take")
        if self.following.landmarks and len(sources) > 1:
            raise InputError(f"landmarks of one face and {len(sources)} recordings; give the recording they belong to")
        shared = [name for name, count in Counter(path.stem for path in sources).items() if count > 1]
        if shared:
            raise InputError(f"several recordings are called {shared[0]!r}; animate them one by one or rename them")
        for source in sources:
            for take in range(self.takes):
                parts = [source.stem] * (len(sources) > 1) + [str(take + 1)] * (self.takes > 1)
                name = "-".join([self.out.stem, *parts]) + self.out.suffix
                yield Output(source, self.out.with_name(name), self.seed + take)

    def check(self, outputs: list[Output]) -> None:
        """Refuse early what would fail late.

        Raises:
            InputError: an option is wrong, a recording is missing, or an output cannot be written.
        """
        self.performing.check()
        self.presentation.check()
        self.following.check()
        for output in outputs:
            export.check(output.path, overwrite=self.overwrite)
        for path in (*self.speech, *([self.sound] if self.sound else [])):
            if not path.is_file():
                raise InputError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; give a recording")

    def clip(self, talker: Talker, output: Output, identity: Identity, stages: Stages) -> Clip:
        """The motion of one output."""
        if self.following.landmarks:
            return self.followed(talker, output, identity, stages)
        if output.source.suffix.lower() == TAKE_SUFFIX:
            return self.captured(talker, output, identity)
        with stages.timed("read"):
            speech = waveform.read(output.source, start=self.start, duration=self.duration)
        with stages.timed("load"):
            talker.weights.motion  # noqa: B018 (loaded here so that the stage is timed)
        with stages.timed("move"), progress("motion") as watch:
            return talker.animate(speech, identity=identity, seed=output.seed, performing=self.performing, watch=watch)

    def followed(self, talker: Talker, output: Output, identity: Identity, stages: Stages) -> Clip:
        """The motion of landmarks; with a recording, speech moves what they do not show."""
        name = str(self.following.landmarks)
        with stages.timed("read"):
            landmarks = self.following.read()
            landmarks = cut_landmarks(landmarks, span(len(landmarks), landmarks.rate, self.start, self.duration, name))
            recording = self.speech[0] if self.speech else self.sound
            sound = recording and waveform.read(recording, start=self.start, duration=self.duration)
            if sound:
                files.check_duration(landmarks, sound.duration, name)
        with stages.timed("move"), progress("motion") as watch:
            if self.speech and sound:
                return talker.animate(
                    sound, identity=identity, seed=output.seed, performing=self.performing, landmarks=landmarks,
                    watch=watch,
                )  # fmt: skip
            files.check_gaps(landmarks, name)
            return talker.follow(
                landmarks, identity=identity, seed=output.seed, performing=self.performing,
                speech=sound and fitted(sound, Fraction(len(landmarks)) / landmarks.rate), watch=watch,
            )  # fmt: skip

    def captured(self, talker: Talker, output: Output, identity: Identity) -> Clip:
        """The motion of a captured take."""
        curves = cut(livelink.read(output.source).curves, self.start, self.duration, output.source)
        speech = self.sound and waveform.read(self.sound, start=self.start, duration=self.duration)
        return talker.perform(
            curves, identity=identity, seed=output.seed, expressiveness=self.performing.expressiveness,
            speech=speech and fitted(speech, Fraction(len(curves)) / curves.rate),
        )  # fmt: skip


def previewed(presentation: Presentation) -> Presentation:
    """The same, small and quick."""
    view = replace(presentation.view, size=min(presentation.view.size, PREVIEW_SIZE), fps=PREVIEW_FPS)
    surface = replace(presentation.surface, resolution=min(presentation.surface.resolution, PREVIEW_RESOLUTION))
    return replace(presentation, view=view, surface=surface)


def cut(curves: RigCurves, start: float, duration: float | None, path: Path) -> RigCurves:
    """The part of a take between `start` and `start + duration` seconds.

    Raises:
        InputError: nothing is left.
    """
    return RigCurves(curves.weights[span(len(curves), curves.rate, start, duration, str(path))], curves.rate)


def span(frames: int, rate: Fraction, start: float, duration: float | None, name: str) -> slice:
    """Which frames lie between `start` and `start + duration` seconds.

    Raises:
        InputError: none.
    """
    if not (isfinite(start) and start >= 0) or (duration is not None and not duration > 0):
        raise InputError(f"{name}: no frames from {start} s for {duration} s; use a start of 0 or more")
    first = round(start * rate)
    last = frames if duration is None else first + max(1, round(duration * rate))
    if first >= frames:
        raise InputError(f"{name}: nothing is left after {start} s of {float(frames / rate):.2f} s; start earlier")
    return slice(first, last)


def fitted(speech: Waveform, duration: Fraction) -> Waveform:
    """Sound cut or filled with silence to the length of its picture."""
    samples = round(duration * SAMPLE_RATE)
    return Waveform(np.pad(speech.samples[:samples], (0, max(0, samples - len(speech.samples)))))
