"""Motion trained on codes fitted from virtual recordings beside motion trained on rig-encoder codes of the same clips.

python recipes/recorded_proof.py --performances DIR --features DIR --ict DIR --out OUT

Each person is first recorded at rest for a second, as rigs do it, and who they are is fitted to that (`--no-neutral`:
to their first clip). Clips of the training split are recorded with noise, fitted without any truth, and turned into a
performance set; the other arm has the same clips as they were performed. Both arms train alike and are measured on
clips of held-out voices. Everything goes on where it stopped, also with more clips than before; with no seeds
(`--seeds`) nothing is trained, which adds recordings alone.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
import torch

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.data import fitted, ict, performance_files
from facetalk.data.performance_files import Entry, Performance
from facetalk.evaluation.interval import ratio
from facetalk.motion import Motion, Sampling
from facetalk.pipeline.weights import BUNDLED
from facetalk.recording import batch, performer, virtual
from facetalk.recording.batch import Task
from facetalk.recording.performer import Act
from facetalk.recording.sequence import Job, SequenceConfig
from facetalk.recording.setup import SetupConfig
from facetalk.recording.virtual import VirtualConfig
from facetalk.rig.curves import RigCurves
from facetalk.rig.lips import GAP_MM, LIP_SHAPES, lip_shapes
from facetalk.training.motion import MotionTraining
from facetalk.training.motion_clips import MotionClips, read_performances
from facetalk.training.motion_figures import (
    Take,
    closures,
    columns,
    correlation,
    figures,
    perform,
    read_phones,
    thinned,
)
from facetalk.training.motion_job import Make, make
from facetalk.training.motion_losses import Emphasis
from facetalk.types import SAMPLE_RATE, Waveform

ARMS = ("encoded", "recorded")
LEAST, MOST = 75, 180
"""Frames at 30 a second: short clips give many sequences."""
RESTING, ASKED = 24, tuple(range(0, 24, 3))
"""Frames of a neutral take, and those that a person is fitted to."""
TOLD = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthClose", "mouthRollLower", "eyeBlinkLeft", "mouthPressLeft")
"""Weights whose sizes are told, as shares of the true ones."""
ROOM_TONE = 1e-3
"""Its loudness: a recording without any sound is refused."""


@dataclass(frozen=True)
class Proof:
    """What is compared."""

    performances: Path
    features: Path
    ict: Path
    out: Path
    people: tuple[int, ...] = (225, 232)
    """Held-out people of the head source …"""
    voices: tuple[str, ...] = ("am_fenrir", "bf_emma")
    """… and whose clips they perform."""
    clips: int = 19
    """Of each of them."""
    neutral: bool = True
    """Whether everybody is first recorded at rest; otherwise who they are is fitted to their first clip."""
    minutes: float = float("inf")
    """No recording is begun or fitted after so long; what there is by then is trained on, and more may follow later."""
    held_out: int = 60
    """Clips of English voices of the test split, evenly spaced."""
    seeds: tuple[int, ...] = (0,)
    """Of trainings, alike in both arms; none only records and fits."""
    training: MotionTraining = field(
        default_factory=lambda: MotionTraining(900, 8, average=0.99, emphasis=Emphasis(mouth=1.0, velocity=1.0))
    )


def chosen(proof: Proof, entries: Sequence[Entry]) -> Iterator[tuple[int, int, Entry]]:
    """Person, number and clip, the people by turns."""
    of = [
        [e for e in entries if e.voice == v and e.split == "train" and LEAST <= e.frames <= MOST] for v in proof.voices
    ]
    for number, clips in enumerate(zip_longest(*(found[: proof.clips] for found in of))):
        yield from ((p, number, entry) for p, entry in zip(proof.people, clips, strict=True) if entry is not None)


def neutral_act() -> Act:
    """A second of rest, with a little noise for its sound."""
    samples = round(RESTING / virtual.RATE * SAMPLE_RATE)
    tone = ROOM_TONE * np.random.default_rng(0).standard_normal(samples, dtype=np.float32)
    return Act("neutral", RigCurves(np.zeros((RESTING, len(ARKIT_NAMES)), np.float32), virtual.RATE), Waveform(tone))


def introduced(proof: Proof, person: int, performs: performer.Performer) -> str:
    """The file of codes of somebody's neutral take, which say who they are."""
    take, folder = neutral_act(), proof.out / "neutral" / f"{person}_neutral"
    virtual.record(performs, take, VirtualConfig(seed=1000 * person + 999), folder, proof.out / "truth" / folder.name)
    job = Job(folder, proof.out / "people", SequenceConfig(setup=SetupConfig(neutral=ASKED)))
    return str(made(Task(job, BUNDLED / "head.safetensors", None, preview=False)) / "codes.npz")


def made(task: Task) -> Path:
    """The folder of a fitted recording; ends the program where it cannot be fitted."""
    done = batch.work(task)
    if done.made is None:
        raise SystemExit(done.refusal)
    return done.made


def fit_all(proof: Proof) -> None:
    """Record and fit clip by clip until time is over."""
    begun, source = time.monotonic(), ict.read(proof.ict)
    people = {person: performer.of_source(source, person) for person in proof.people}
    known: dict[int, str] = {}
    spent = dict.fromkeys(("record", "fit"), 0.0)
    frames = 0
    for person, number, entry in chosen(proof, performance_files.read_index(proof.performances)):
        if time.monotonic() - begun > 60 * proof.minutes:
            return
        act, name = performer.of_set(proof.performances, entry.id, virtual.RATE), f"{person}_{entry.id}"
        folder, started = proof.out / "recordings" / name, time.process_time()
        config = VirtualConfig(seed=1000 * person + number)
        virtual.record(people[person], act, config, folder, proof.out / "truth" / name)
        spent["record"] += time.process_time() - started
        started = time.process_time()
        if proof.neutral and person not in known:
            known[person] = introduced(proof, person, people[person])
        job = Job(folder, proof.out / "dataset")
        done = made(Task(job, BUNDLED / "head.safetensors", known.get(person), preview=False))
        known.setdefault(person, str(done / "codes.npz"))
        spent["fit"] += time.process_time() - started
        frames += len(act.curves)
        each = "".join(f", {seconds / frames:.3f} core-s to {what}" for what, seconds in spent.items())
        print(f"{name}: {frames} frames so far{each} a frame", flush=True)


def write_arms(proof: Proof) -> None:
    """Both performance sets, with the same clips of the same lengths and one folder of features."""
    recorded = fitted.performances(proof.out / "dataset", proof.out / "recorded")
    for name in ("encoded", "features"):
        (proof.out / name).mkdir(exist_ok=True)
    entries = []
    for entry in recorded:
        clip = entry.id.partition("_")[2]
        true = performance_files.read(proof.performances, clip)
        cut = Performance(true.weights[: entry.frames], true.envelope[: entry.frames], true.phones)
        performance_files.write(cut, proof.out / "encoded", entry.id)
        entries.append(replace(entry, kind="generated", sha256=cut.sha256))
        np.save(proof.out / "features" / f"{entry.id}.npy", np.load(proof.features / f"{clip}.npy")[: entry.frames])
    performance_files.write_index(entries, proof.out / "encoded")


def set_told(proof: Proof) -> None:
    """How far the codes that motion learns from are from what was performed."""
    entries = performance_files.read_index(proof.out / "recorded")
    fit, true = (
        [performance_files.read(proof.out / arm, e.id).weights for e in entries] for arm in ("recorded", "encoded")
    )
    phones = read_phones(proof.performances, [e.id.partition("_")[2] for e in entries])
    gaps = [[lip_shapes(weights)[:, LIP_SHAPES.index("gap")] for weights in each] for each in (fit, true)]
    closed = [torch.cat(list(map(closures, map(torch.from_numpy, each), phones))) for each in gaps]
    seen, performed = map(np.concatenate, gaps)
    found = {
        "correlation": np.corrcoef(seen, performed)[0, 1],
        "spread": seen.std() / performed.std(),
        "bias_mm": (seen - performed).mean(),
        **{f"closed_{name}": float(met.float().mean()) for name, met in zip(("fit", "truth"), closed, strict=True)},
    }
    print("the set's gap", json.dumps({name: round(float(value), 3) for name, value in found.items()}), flush=True)
    sizes = [np.concatenate(each) - np.concatenate(each).mean(axis=0) for each in (fit, true)]
    slopes = (sizes[0] * sizes[1]).sum(axis=0) / np.square(sizes[1]).sum(axis=0).clip(1e-9)
    print("sizes", json.dumps({name: round(float(slopes[ARKIT_INDEX[name]]), 2) for name in TOLD}), flush=True)


def trained(proof: Proof, arm: str, seed: int) -> Motion:
    """One arm's model, of the clips that there are by now."""
    clips = len(performance_files.read_index(proof.out / arm))
    path = proof.out / f"{arm}-{seed}-{clips}-clips.safetensors"
    if not path.is_file():
        job = Make((proof.out / arm,), (proof.out / "features",), path, proof.out / f"run-{path.stem}",
                   BUNDLED / "speech.safetensors", BUNDLED / "head.safetensors", "small",
                   training=replace(proof.training, seed=seed))  # fmt: skip
        print(json.dumps(make(job)), flush=True)
    return Motion.load(path)


def asked(proof: Proof) -> MotionClips:
    """Held-out clips."""
    english = {e.id for e in performance_files.read_index(proof.performances) if e.language.startswith("en")}
    clips = read_performances(proof.performances, proof.features, ["test"])
    keep = [index for index, name in enumerate(clips.names) if name in english]
    pairs = [clips.clip(index) for index in keep]
    weights, heard = (torch.cat(column).half() for column in zip(*pairs, strict=True))
    return thinned(
        MotionClips(tuple(clips.names[i] for i in keep), clips.lengths[keep], weights, heard), proof.held_out
    )


def told(arms: Sequence[list[Take]], clips: int) -> None:
    """Figures of both arms, and what share of the first one's the second one reaches; takes of a clip count as one."""
    gap = columns(GAP_MM)
    agree = [[correlation(*take.curves(gap)) for take in takes] for takes in arms]
    met = [[float(closures(take.curves(gap)[1], take.phones).sum()) for take in takes] for takes in arms]
    for arm, takes in zip(ARMS, arms, strict=True):
        print(arm, json.dumps({name: round(value, 3) for name, value in figures(takes).items()}), flush=True)
    for name, each in (("gap correlation", agree), ("closures", met)):
        encoded, recorded = (np.reshape(values, (-1, clips)).mean(axis=0).tolist() for values in each)
        print(f"{name}, recorded / encoded: {ratio(list(zip(recorded, encoded, strict=True)))}", flush=True)


def main(proof: Proof) -> None:
    """Record, fit, train, measure."""
    torch.set_num_threads(1)
    fit_all(proof)
    if not proof.seeds:
        return
    write_arms(proof)
    set_told(proof)
    clips = asked(proof)
    phones = read_phones(proof.performances, clips.names)
    takes: list[list[Take]] = [[], []]
    for seed in proof.seeds:
        for arm, found in zip(ARMS, takes, strict=True):
            motion = trained(proof, arm, seed)
            for draw in (0, 1):
                found += perform(motion, clips, phones, Sampling(steps=12, guidance=1.0, seed=draw))
        told(takes, len(clips))


if __name__ == "__main__":
    import tyro

    main(tyro.cli(Proof))
