"""A strip of frames of one spoken clip with the sounds under them: docs/strip.png.

python recipes/strip.py PERFORMANCES CLIP OUT.png
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

import facetalk
from facetalk.pipeline.gallery import shot
from facetalk.pipeline.presenter import View
from facetalk.render.sheet import contact_sheet, write_picture
from facetalk.speech import waveform

FRAMES = 10
PLAIN = {
    **{
        "ɪ": "ih",
        "ə": "uh",
        "ɐ": "uh",
        "ʌ": "uh",
        "ɒ": "o",
        "ɔ": "aw",
        "ɑ": "ah",
        "ɛ": "eh",
        "æ": "ae",
        "ʊ": "oo",
        "ɜ": "er",
    },
    **{"ɚ": "er", "ɡ": "g", "ŋ": "ng", "ʃ": "sh", "ʒ": "zh", "θ": "th", "ð": "dh", "ɹ": "r", "ɾ": "t", "ᵻ": "ih"},
}
"""Phones in letters that every font has."""


def main(performances: Path, name: str, out: Path) -> None:
    """Speak the clip, show the middle of some of its sounds."""
    rows = [json.loads(line) for line in (performances / "index.jsonl").read_text().splitlines()]
    row = next(row for row in rows if row["id"] == name)
    with np.load(performances / f"{name}.npz") as file:
        phones = [phone for phone in json.loads(str(file["phones"])) if phone[0] != "_" and "ʼ" not in phone[0]]
    chosen = phones[: FRAMES * 2 : 2]
    talker = facetalk.load()
    clip = talker.animate(waveform.read(performances / row["audio"]))
    frames = [min(int((start + stop) / 2 * 30), len(clip) - 1) for _, start, stop in chosen]
    weights = torch.from_numpy(clip.arkit().weights[frames]).float()
    pictures = shot(talker.weights.head, clip.identity, weights, View(size=256))
    write_picture(contact_sheet(pictures, [PLAIN.get(phone, phone) for phone, _, _ in chosen], FRAMES // 2), out)
    print(row["text"], [phone for phone, _, _ in chosen])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
