"""Other people's layouts become recordings: frame by frame, lost frames named, times exact.

An importer finds sequences: a description, the sound, and for each frame what to call to get its points. Adding a
layout is adding one function to `LAYOUTS`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from facetalk.errors import InputError
from facetalk.fitting import scan
from facetalk.fitting.pose import UNITS_MM
from facetalk.recording import store
from facetalk.recording.layout import Description, Points, Recording
from facetalk.recording.nersemble import every_nth, serials
from facetalk.speech import waveform

SCANS = (".ply", ".obj", ".npz")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".mp4", ".mov")
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Wanted:
    """What the user says of a source, where the layout does not."""

    rate: Fraction | None = None
    unit: str | None = None
    sound: Path | None = None
    subject: str | None = None
    sequence: str | None = None
    every: int = 3
    """NeRSemble: every how manieth of its 73 frames a second is taken."""


@dataclass(frozen=True)
class Found:
    """One sequence in somebody's layout."""

    about: Description
    """Its unit is what the points come out in: millimetres."""
    sound: Path
    frames: Mapping[int, Callable[[], Points]]


@dataclass(frozen=True)
class Imported:
    """A recording that was written."""

    recording: Recording
    lost: Mapping[int, str]
    """Frames that could not be read, and why; missing ones are not in it."""


def take_in(found: Found, folder: Path, watch: Watch = lambda done, of: None) -> Imported:
    """Write a recording of what was found.

    Raises:
        InputError: the sound cannot be read, the place cannot be written, or no frame can be used.
    """
    sound = waveform.read(found.sound)
    recording = store.start(folder / found.about.name, found.about)
    store.write_audio(recording, sound)
    lost: dict[int, str] = {}
    for done, (frame, points) in enumerate(sorted(found.frames.items()), 1):
        try:
            store.write_points(recording, frame, points())
        except InputError as error:
            lost[frame] = str(error)
        watch(done, len(found.frames))
    if len(lost) == len(found.frames):
        raise InputError(f"{found.sound.parent}: none of {len(lost)} frames can be used; the first: {lost[min(lost)]}")
    return Imported(recording, lost)


def scans(folder: Path, wanted: Wanted) -> Iterator[Found]:
    """A folder of meshes or clouds, numbered at the end of their names; gaps are lost frames."""
    sound = wanted.sound or _only_sound(folder)
    rate = _said(wanted.rate, "--rate", f"{folder}: how many scans a second are there")
    about = Description(wanted.subject or "unknown", wanted.sequence or _clean(folder.name), rate, 1)
    yield _meshes(about, sorted(folder.iterdir()), sound, wanted.unit or "mm", folder)


def vocaset(folder: Path, wanted: Wanted) -> Iterator[Found]:
    """VOCASET: `<meshes>/<subject>/<sentence>/<sentence>.000001.ply`, metres, 60 a second, `audio/<subject>/*.wav`."""
    audio = folder / "audio"
    _there(audio, "VOCASET's sound, audio/<subject>/<sentence>.wav")
    for sound in sorted(audio.glob("*/*.wav")):
        subject, sentence = sound.parent.name, sound.stem
        for meshes in sorted(folder.glob(f"*/{subject}/{sentence}")):
            about = Description(_clean(subject), _clean(sentence), wanted.rate or Fraction(60), 1)
            yield _meshes(about, sorted(meshes.glob("*.ply")), sound, wanted.unit or "m", meshes)


def multiface(folder: Path, wanted: Wanted) -> Iterator[Found]:
    """Multiface: `tracked_mesh/<SEGMENT>/000001.obj` in millimetres, 30 a second, `audio/<SEGMENT>.wav`."""
    meshes = folder / "tracked_mesh"
    _there(meshes, "Multiface's tracked_mesh/<SEGMENT>/*.obj")
    subject = wanted.subject or _clean(folder.name)
    for sound in sorted((folder / "audio").glob("*.wav")):
        if (meshes / sound.stem).is_dir():
            about = Description(subject, _clean(sound.stem), wanted.rate or Fraction(30), 1)
            paths = sorted((meshes / sound.stem).glob("*.obj"))
            yield _meshes(about, paths, sound, wanted.unit or "mm", meshes / sound.stem)


def nersemble(folder: Path, wanted: Wanted) -> Iterator[Found]:
    """NeRSemble: a participant's folder with calibration, sequences and depth maps (`facetalk.recording.nersemble`)."""
    sequences = [folder / "sequences" / wanted.sequence] if wanted.sequence else sorted(folder.glob("sequences/*"))
    _there(folder / "sequences", "NeRSemble's sequences/<SEQUENCE> of a participant")
    for sequence in sequences:
        _there(sequence, "a sequence of this participant")
        taken = every_nth(folder, sequence, wanted.every)
        sound = wanted.sound or _only_sound(sequence, sequence / "audio")
        about = Description(
            wanted.subject or _clean(folder.name),
            _clean(sequence.name),
            taken.rate,
            max(taken.frames) + 1,
            first=taken.first,
            cameras=serials(folder),
        )
        yield Found(about, sound, taken.frames)


LAYOUTS: dict[str, Callable[[Path, Wanted], Iterator[Found]]] = {
    "scans": scans,
    "vocaset": vocaset,
    "multiface": multiface,
    "nersemble": nersemble,
}
"""Name → what finds sequences in a folder."""


def find(folder: Path, layout: str, wanted: Wanted) -> list[Found]:
    """Every sequence of a folder.

    Raises:
        InputError: there are none, or something of the layout is missing.
    """
    _there(folder, "a folder to import")
    found = list(LAYOUTS[layout](folder, wanted))
    if not found:
        raise InputError(
            f"{folder}: holds no sequence in the layout of {layout}; see docs/recordings.md for what it is"
        )
    return found


def _meshes(about: Description, paths: list[Path], sound: Path, unit: str, folder: Path) -> Found:
    """Numbered files as frames, the lowest number the first."""
    numbered = {
        int(numbers[-1]): path
        for path in paths
        if path.suffix.lower() in SCANS and (numbers := re.findall(r"\d+", path.stem))
    }
    if not numbered:
        raise InputError(f"{folder}: holds no numbered scans ({', '.join(SCANS)}); name them frame_000001.ply …")
    first = min(numbered)
    frames = {number - first: _reader(path, UNITS_MM[unit]) for number, path in numbered.items()}
    return Found(replace(about, frames=max(frames) + 1), sound, frames)


def _reader(path: Path, unit_mm: float) -> Callable[[], Points]:
    def read() -> Points:
        found = scan.read(path)
        return Points(found.points * unit_mm, found.normals if found.oriented else None)

    return read


def _only_sound(*folders: Path) -> Path:
    there = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    sounds = [path for path in there if path.suffix.lower() in SOUNDS]
    if len(sounds) != 1:
        raise InputError(f"{folders[0]}: holds {len(sounds)} sounds; say with --sound which one belongs to it")
    return sounds[0]


def _said(value: Fraction | None, option: str, question: str) -> Fraction:
    if value is None:
        raise InputError(f"{question}? give {option}, exact, for example {option} 30000/1001")
    return value


def _there(folder: Path, what: str) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give {what}")


def _clean(name: str) -> str:
    """A name without what folders and commands stumble over."""
    return re.sub(r"[^\w.-]", "-", name)
