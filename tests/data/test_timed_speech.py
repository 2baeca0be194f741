import json
from fractions import Fraction

import pytest

from facetalk.data import timed_speech
from facetalk.data.timed_speech import BOUNDARY, HELD_OUT_VOICES, LABEL_SECONDS, fold
from facetalk.errors import InputError


def row(name: str, voice: str = "af_heart", text: str = "Hello.", language: str = "en-us") -> dict:
    frames = [["_", 4], ["h", 2], ["ˈ", 1], ["o", 3], ["ː", 2], [".", 3], ["_", 1]]
    return {"id": name, "voice": voice, "language": language, "text": text, "speed": 1.0, "frames": frames}


def write(folder, rows: list[dict]) -> None:
    lines = (json.dumps(each, ensure_ascii=False) for each in rows)
    (folder / "index.jsonl").write_text("\n".join(lines), "utf-8")


def test_marks_give_their_time_to_the_sound_that_carries_them():
    phones = fold([("_", 1), ("t", 2), ("ˈ", 1), ("a", 3), ("ː", 2), ("̃", 1), (" ", 1), (".", 4), (" ", 1), ("_", 2)])
    assert [phone.symbol for phone in phones] == ["_", "t", "a", BOUNDARY, "_"]
    vowel, pause = phones[2], phones[3]
    assert (vowel.start, vowel.end) == (3 * LABEL_SECONDS, 10 * LABEL_SECONDS)
    assert vowel.stress == 2
    assert vowel.is_long
    assert pause.end - pause.start == 6 * LABEL_SECONDS
    assert pause.pause == "."


def test_phones_cover_the_clip_without_a_gap(tmp_path):
    write(tmp_path, [row("a")])
    clip = timed_speech.read(tmp_path)[0]
    assert clip.phones[0].start == 0
    assert all(before.end == after.start for before, after in zip(clip.phones, clip.phones[1:], strict=False))
    assert clip.duration == clip.phones[-1].end == Fraction(16, 40)


def test_no_voice_and_no_text_is_on_both_sides(tmp_path):
    voices = ["af_heart", "am_adam", "im_nico", *sorted(HELD_OUT_VOICES)]
    rows = [
        row(f"{voice}_{number}", voice, f"text {number} of {voice[3:5]}") for voice in voices for number in range(40)
    ]
    rows += [row(f"ff_{number}", "ff_siwis", f"texte {number}", "fr-fr") for number in range(40)]
    write(tmp_path, rows)
    clips = timed_speech.read(tmp_path)
    texts = {split: {clip.text for clip in clips if clip.split == split} for split in ("train", "validation", "test")}
    assert all(texts.values())
    assert not texts["train"] & (texts["validation"] | texts["test"])
    assert {clip.voice for clip in clips if clip.split == "train"} == {
        "af_heart",
        "am_adam",
        "ff_siwis",
    }  # im_nico speaks what im_nicola does
    french = {clip.split for clip in clips if clip.voice == "ff_siwis"}
    assert french == {"train", "test"}


def test_a_folder_without_index_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"index\.jsonl"):
        timed_speech.read(tmp_path)


@pytest.mark.parametrize("line", ["not json", "{}", '{"id": 1, "frames": [1]}'])
def test_a_bad_line_is_told_with_its_number(tmp_path, line: str):
    (tmp_path / "index.jsonl").write_text(json.dumps(row("a")) + "\n" + line)
    with pytest.raises(InputError, match="line 2"):
        timed_speech.read(tmp_path)
