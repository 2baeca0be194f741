"""Everything that can be wrong with a recording, by name, before hours are spent on it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import groupby

import numpy as np

from facetalk.errors import InputError
from facetalk.fitting.pose import UNITS_MM, extent, plausible_units
from facetalk.recording.layout import DEPTH, IMAGES, Points, Recording, stem
from facetalk.speech import waveform
from facetalk.types import Waveform

RATES = ("24", "73/3", "25", "30000/1001", "30", "73/2", "48", "50", "60", "73")
"""Rates that recordings have."""
FEWEST_POINTS = 200
LEAST_USABLE = 0.5
"""A recording with fewer frames that can be fitted is of no use."""
BLANK = 1e-3
"""Sound whose loudest part is below this, of full scale, is none."""
CLIPPED, CLIPPED_SHARE = 0.999, 0.01
LATE_FRAMES = 1.5
"""Sound and frames may differ by so many frames."""
APART = 0.2
"""Frames that last longer than the sound by this share of it do not belong to it."""
ODD_SIZE = 3.0
"""A frame so many times larger or smaller than the median frame is in other units, or of something else."""
JUMP_MM = 150.0
"""A cloud whose middle is so far from the median frame's shows something else."""
LOOKED_AT = 400
"""Points of a frame that are kept to compare it with others."""
IN_VIEW = 0.2
"""A camera that has fewer of the points before it is calibrated for another world."""
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    kind: str
    says: str
    frames: tuple[int, ...] = ()
    """Frames that cannot be used because of it."""
    fatal: bool = False
    """Whether nothing can be used."""

    @property
    def line(self) -> str:
        """For people."""
        return f"{'UNUSABLE' if self.fatal else 'fault':<10}{self.kind}: {self.says}"


@dataclass(frozen=True)
class Report:
    """What was found."""

    recording: Recording
    faults: tuple[Fault, ...]
    seconds: float
    """Length of the sound."""
    points: int
    """Of the median frame."""

    @property
    def bad_frames(self) -> tuple[int, ...]:
        """Frames that cannot be fitted."""
        return tuple(sorted({frame for fault in self.faults for frame in fault.frames}))

    @property
    def usable(self) -> bool:
        """Whether the recording can be fitted at all."""
        return not any(fault.fatal for fault in self.faults)

    def json(self) -> dict:
        """Everything, for machines."""
        about = self.recording.about
        return {
            "recording": str(self.recording.folder),
            "usable": self.usable,
            "frames": about.frames,
            "bad_frames": list(self.bad_frames),
            "rate": str(about.rate),
            "sound_s": self.seconds,
            "points": self.points,
            "cameras": len(about.cameras),
            "faults": [asdict(fault) for fault in self.faults],
        }


def check(recording: Recording, watch: Watch = lambda done, of: None) -> Report:
    """Look at the sound, the cameras and every frame."""
    sound, faults = _listen(recording)
    faults += [] if sound is None else list(_lengths(recording, sound))
    faults += list(_cameras(recording))
    frames, broken = _frames(recording, watch)
    faults += broken
    whole = {frame: points for frame, points in frames.items() if points is not None}
    faults += list(_sizes(recording, whole))
    faults += list(_views(recording, whole))
    faults += list(_landmarks(recording))
    bad = {frame for fault in faults for frame in fault.frames}
    count = recording.about.frames
    if count - len(bad) < LEAST_USABLE * count:
        faults.append(Fault("too few frames", f"only {count - len(bad)} of {count} can be fitted", fatal=True))
    seconds = 0.0 if sound is None else float(sound.duration)
    points = int(np.median([size for size, _, _ in whole.values()])) if whole else 0
    return Report(recording, tuple(faults), seconds, points)


def spans(frames: Sequence[int]) -> str:
    """Frame numbers in words: 3, 7–12."""
    runs = [
        [frame for _, frame in run] for _, run in groupby(enumerate(sorted(frames)), lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _listen(recording: Recording) -> tuple[Waveform | None, list[Fault]]:
    try:
        sound = waveform.read(recording.audio)
    except InputError as error:
        return None, [Fault("no sound", str(error), fatal=True)]
    loudest = float(np.abs(sound.samples).max())
    if loudest < BLANK:
        return sound, [Fault("blank sound", f"{recording.audio} is silent throughout (peak {loudest:.1g})", fatal=True)]
    clipped = float((np.abs(sound.samples) >= CLIPPED).mean())
    if clipped > CLIPPED_SHARE:
        return sound, [Fault("clipped sound", f"{clipped:.0%} of {recording.audio} is at full scale; record it softer")]
    return sound, []


def _lengths(recording: Recording, sound: Waveform) -> Iterator[Fault]:
    """Whether frames and sound last equally long; if not, the rate that would make them."""
    about = recording.about
    missing = sound.duration * about.rate - about.frames
    if abs(missing) <= LATE_FRAMES:
        return
    says = (
        f"{about.frames} frames at {about.rate} a second last {float(about.frames / about.rate):.3f} s, "
        f"the sound {float(sound.duration):.3f} s"
    )
    likelier = [rate for rate in RATES if abs(sound.duration * Fraction(rate) - about.frames) <= 0.5]
    if likelier:
        yield Fault("wrong rate", f"{says}; at {' or '.join(likelier)} they would agree", fatal=True)
    else:
        beyond = abs(float(missing / (sound.duration * about.rate))) > APART
        yield Fault("other length", f"{says}; cut what is too long", fatal=beyond and missing < 0)


def _cameras(recording: Recording) -> Iterator[Fault]:
    """Cameras without pictures, and pictures without camera."""
    names = [camera.name for camera in recording.about.cameras]
    for kind in (DEPTH, IMAGES):
        folder = recording.folder / kind
        if not folder.is_dir():
            continue
        there = sorted(path.name for path in folder.iterdir() if path.is_dir())
        for name in names:
            if name not in there:
                yield Fault("camera gone", f"{kind}/{name} is missing, of {len(names)} calibrated cameras")
                continue
            stems = {path.stem for path in (folder / name).iterdir()}
            lost = [frame for frame in range(recording.about.frames) if stem(frame) not in stems]
            if lost:
                yield Fault("camera gone", f"{kind}/{name} has no frames {spans(lost)}")
        for name in there:
            if name not in names:
                yield Fault("unknown camera", f"{kind}/{name} is not calibrated; it is left out")


Looked = tuple[int, float, np.ndarray]
"""Number, size and some of a frame's points."""


def _frames(recording: Recording, watch: Watch) -> tuple[dict[int, Looked | None], list[Fault]]:
    """A look at every frame, None where it cannot be used, and why."""
    found: dict[int, Looked | None] = {}
    reasons: dict[str, dict[int, str]] = {}
    for frame in range(recording.about.frames):
        try:
            points = recording.points(frame)
        except InputError as error:
            found[frame] = None
            kind = "missing frames" if "is missing" in str(error) else "unreadable frames"
            reasons.setdefault(kind, {})[frame] = str(error)
        else:
            kind, why = _broken(points)
            if kind:
                reasons.setdefault(kind, {})[frame] = why
            bad = kind in ("NaN points", "too few points")
            found[frame] = (
                None
                if bad
                else (len(points), extent(points.places), points.places[:: max(1, len(points) // LOOKED_AT)])
            )
        watch(frame + 1, recording.about.frames)
    faults = []
    for kind, frames in reasons.items():
        example = next(iter(frames.values()))
        faults.append(Fault(kind, f"{spans(list(frames))} of {recording.about.frames} ({example})", tuple(frames)))
    return found, faults


def _broken(points: Points) -> tuple[str, str]:
    """What is wrong with the numbers of one frame."""
    unknown = int((~np.isfinite(points.places).all(axis=1)).sum())
    if unknown:
        return "NaN points", f"{unknown} of {len(points)} points are not finite"
    if len(points) < FEWEST_POINTS:
        return "too few points", f"{len(points)}, and {FEWEST_POINTS} are needed"
    return "", ""


def _sizes(recording: Recording, frames: dict[int, Looked]) -> Iterator[Fault]:
    """Units that make no head, and frames unlike the others."""
    if not frames:
        return
    sizes = {frame: size for frame, (_, size, _) in frames.items()}
    middle = float(np.median(list(sizes.values())))
    unit = recording.about.unit
    numbers = frames[next(iter(frames))][2] / recording.about.unit_mm * (middle / sizes[next(iter(frames))])
    if unit not in plausible_units(numbers):
        others = [other for other in plausible_units(numbers) if other != unit]
        advice = f"in {' or '.join(others)} it would be" if others else "scale it"
        yield Fault(
            "wrong unit", f"in {unit} the scene is {middle:.4g} mm across, which is no head; {advice}", fatal=True
        )
        return
    odd = [frame for frame, size in sizes.items() if not 1 / ODD_SIZE < size / middle < ODD_SIZE]
    if odd:
        worst = sizes[odd[0]] / middle
        names = [name for name, mm in UNITS_MM.items() if abs(np.log10(worst * recording.about.unit_mm / mm)) < 0.2]
        guess = f"as if its numbers were in another unit than {unit}" if names else "which is another scene"
        yield Fault(
            "swapped units", f"frame {spans(odd)}: {worst:.3g} times as large as the others, {guess}", tuple(odd)
        )
    centres = {frame: np.median(look[2], axis=0) for frame, look in frames.items() if frame not in odd}
    usual = np.median(list(centres.values()), axis=0) if centres else np.zeros(3)
    strayed = [frame for frame, centre in centres.items() if np.linalg.norm(centre - usual) > JUMP_MM]
    if strayed:
        yield Fault("other scene", f"frame {spans(strayed)}: its points are elsewhere", tuple(strayed))


def _views(recording: Recording, frames: dict[int, Looked]) -> Iterator[Fault]:
    """Cameras that do not see what was measured."""
    if not frames:
        return
    points = next(iter(frames.values()))[2] / recording.about.unit_mm
    for camera in recording.about.cameras:
        column, row, depth = camera.project(points).T
        seen = (depth > 0) & (column > 0) & (column < camera.width) & (row > 0) & (row < camera.height)
        if seen.mean() < IN_VIEW:
            says = f"{camera.name} has {seen.mean():.0%} of the points before it; its pose or unit is another world's"
            yield Fault("camera astray", says)


def _landmarks(recording: Recording) -> Iterator[Fault]:
    try:
        landmarks = recording.landmarks()
    except InputError as error:
        yield Fault("no landmarks", f"{error}; they are left out")
        return
    for name, places in landmarks.items():
        if not np.isfinite(places).all(axis=1).any():
            yield Fault("no landmarks", f"{name} is known in no frame")
