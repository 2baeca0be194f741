import pytest

from facetalk.data import corpus
from facetalk.errors import InputError


def test_speakers_and_parts_are_told_by_the_folders(tmp_path):
    for part, name in (("train-clean-100", "19-198-0001"), ("test-other", "367-1-0002")):
        folder = tmp_path / part / name.split("-")[0]
        folder.mkdir(parents=True)
        (folder / f"{name}.flac").touch()
    found = {utterance.id: (utterance.speaker, utterance.split) for utterance in corpus.read(tmp_path)}
    assert found == {"19-198-0001": ("19", "train"), "367-1-0002": ("367", "test")}


def test_a_folder_without_speech_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no \.flac"):
        corpus.read(tmp_path)
