"""A comparison as files of a folder: report.json, report.md, and pictures of curves, errors by phone and spectra."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation import lips
from facetalk.evaluation.comparison import TRUTH, Comparison
from facetalk.evaluation.motion import Movement
from facetalk.evaluation.timing import SEGMENT, spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_CLIPS, SHOWN_SECONDS, SHOWN_ROWS = 2, 5.0, 3
PHONES_SHOWN = 28
CURVES: dict[str, Callable[[Movement], np.ndarray]] = {
    "lips apart, mm": lambda movement: movement.apertures,
    "jawOpen": lambda movement: movement.curves[:, ARKIT_INDEX["jawOpen"]],
    "rounding": lambda movement: lips.rounding(movement.curves),
    "eyeBlinkLeft": lambda movement: movement.curves[:, ARKIT_INDEX["eyeBlinkLeft"]],
    "browInnerUp": lambda movement: movement.curves[:, ARKIT_INDEX["browInnerUp"]],
}


def write(compared: Comparison, folder: Path) -> list[Path]:
    """Write everything; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": json.dumps(compared.json(), indent=1, default=str, ensure_ascii=False),
        "report.md": markdown(compared),
    }
    for name, text in texts.items():
        partial = folder / f".{name}"
        partial.write_text(text, "utf-8")
        os.replace(partial, folder / name)
    pictures = {"curves.png": curves, "phonemes.png": errors, "spectra.png": spectra}
    for name, draw in pictures.items():
        _save(draw(compared), folder / name)
    return [folder / name for name in (*texts, *pictures)]


def markdown(compared: Comparison) -> str:
    """One table, figures down, contenders across: the first of them is the truth, shown and not ranked."""
    rows = compared.rows
    names = list(dict.fromkeys(figure for row in rows.values() for figure in row.figures))
    frames = sum(len(clip.truth.apertures) for clip in compared.clips)
    lines = [
        f"{len(compared.clips)} clips, {frames} frames; in brackets 95 % intervals over clips.",
        "",
        "| | " + " | ".join(rows) + " |",
        "|---" * (len(rows) + 1) + "|",
    ]
    for name in names:
        cells = [str(row.figures[name]) if name in row.figures else "" for row in rows.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def curves(compared: Comparison) -> "Figure":
    """The first clips over time: the truth, and the first contenders beside it."""
    picture, axes = _sheet(len(CURVES), SHOWN_CLIPS, (13.0, 9.0))
    for column, clip in enumerate(compared.clips[:SHOWN_CLIPS]):
        for line, (name, read) in enumerate(CURVES.items()):
            axis = axes[line][column]
            for order, (row, found) in enumerate(list(compared.rows.items())[: 1 + SHOWN_ROWS]):
                values = read(found.movements[column])[: int(SHOWN_SECONDS * clip.rate)]
                times = (np.arange(len(values)) + 0.5) / clip.rate
                axis.plot(times, values, label=row, **_style(order))
            axis.set_ylabel(name)
        axes[0][column].set_title(clip.id)
        _mark_sounds(axes[0][column], clip.phones)
        axes[-1][column].set_xlabel("s")
    axes[0][0].legend(fontsize=7)
    return picture


def errors(compared: Comparison) -> "Figure":
    """Errors of the lips by phone, the most frequent phones, for the first contenders."""
    picture, (over, under) = _sheet(2, 1, (13.0, 7.0))
    shown = [(name, row.errors) for name, row in compared.rows.items() if name != TRUTH][:SHOWN_ROWS]
    phones = [phone for phone in compared.rows[TRUTH].errors if not phone.endswith("ʼ")][:PHONES_SHOWN]
    places, width = np.arange(len(phones)), 0.8 / max(len(shown), 1)
    for order, (name, found) in enumerate(shown):
        for axis, figure in ((over[0], "aperture_mm"), (under[0], "lip_mm")):
            values = [getattr(found[phone], figure) if phone in found else np.nan for phone in phones]
            axis.bar(places + order * width, values, width, label=name)
    over[0].set_ylabel("lips too far apart, mm")
    under[0].set_ylabel("lip vertices off (LVE), mm")
    for axis in (over[0], under[0]):
        axis.set_xticks(places + 0.4 - width / 2, phones)
    over[0].legend(fontsize=7)
    return picture


def spectra(compared: Comparison) -> "Figure":
    """Power of lips, jaw, rounding and brows at each frequency, for every contender."""
    picture, axes = _sheet(2, 2, (11.0, 8.0))
    read = {name: CURVES[name] for name in ("lips apart, mm", "jawOpen", "rounding", "browInnerUp")}
    for axis, (name, value) in zip(np.ravel(axes), read.items(), strict=True):
        for order, (row, found) in enumerate(compared.rows.items()):
            hertz, power = _mean_spectrum([value(movement) for movement in found.movements], compared)
            if power.any():
                axis.loglog(hertz[1:], power[1:], label=row, **_style(order))
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("Hz")
        axis.set_xlim(0.4, 15)
    if np.ravel(axes)[0].lines:  # none where every clip is too short for a spectrum
        np.ravel(axes)[0].legend(fontsize=6)
    return picture


def _mean_spectrum(tracks: Sequence[np.ndarray], compared: Comparison) -> tuple[np.ndarray, np.ndarray]:
    rate = compared.clips[0].rate
    long = [spectrum(track, rate) for track in tracks if len(track) >= SEGMENT and np.isfinite(track).all()]
    if not long:
        return np.zeros(SEGMENT // 2 + 1), np.zeros(SEGMENT // 2 + 1)
    frames = sum(len(track) for track in tracks if len(track) >= SEGMENT and np.isfinite(track).all())
    return long[0][0], np.sum([power for _, power in long], axis=0) / frames


def _mark_sounds(axis, phones) -> None:
    """The sounds over the curves."""
    top = axis.get_ylim()[1]
    for symbol, start, end in phones:
        if start < SHOWN_SECONDS and symbol != lips.SILENCE and not symbol.endswith("ʼ"):
            axis.text((start + end) / 2, top, symbol, fontsize=6, ha="center", va="top")


def _style(order: int) -> dict:
    """The truth is thick and black."""
    return {"color": "black", "linewidth": 1.6} if order == 0 else {"color": f"C{order - 1}", "linewidth": 0.9}


def _sheet(lines: int, columns: int, size: tuple[float, float]) -> tuple["Figure", np.ndarray]:
    from matplotlib.figure import Figure  # an extra; drawn without pyplot, so no window is ever asked for

    picture = Figure(figsize=size, layout="constrained")
    return picture, picture.subplots(lines, columns, squeeze=False)


def _save(picture: "Figure", path: Path) -> None:
    partial = path.with_name(f".{path.name}")
    picture.savefig(partial, format="png", dpi=110)
    os.replace(partial, path)
