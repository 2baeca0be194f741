"""Videos to landmarks: rate and proportions are the picture's. A stand-in tells what a tracker would see."""

import sys
from fractions import Fraction
from types import ModuleType, SimpleNamespace

import av
import numpy as np
import pytest

from facetalk.errors import InputError
from facetalk.landmarks import video
from facetalk.landmarks.points import MEDIAPIPE_INDICES


class BrightFace:
    """Sees 478 points in bright pictures, the first at (.25, .5), and nobody in dark ones."""

    def __init__(self, **settings):
        assert settings == {"refine_landmarks": True, "max_num_faces": 1}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def process(self, picture):
        points = [SimpleNamespace(x=0.25 + i / 1e4, y=0.5 + (i % 7) / 100, z=0.01) for i in range(478)]
        bright = picture.mean() > 100
        return SimpleNamespace(multi_face_landmarks=[SimpleNamespace(landmark=points)] if bright else None)


@pytest.fixture(autouse=True)
def tracker(monkeypatch):
    names = ("mediapipe", "mediapipe.python", "mediapipe.python.solutions", "mediapipe.python.solutions.face_mesh")
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[names[-1]].FaceMesh = BrightFace


def written(path, levels, rate=Fraction(24)):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for level in levels:
            picture = np.full((32, 64, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def unwatched(done: int, total: int) -> None:
    pass


def test_frames_rate_and_proportions_are_the_videos(tmp_path):
    told = []
    levels = [200] * 5 + [0] * 2
    landmarks = video.track(written(tmp_path / "a.mp4", levels), lambda done, total: told.append((done, total)))
    assert landmarks.rate == 24 and len(landmarks) == 7 and told[-1] == (7, 7)
    assert np.isnan(landmarks.places[5:]).all()
    # Twice as wide as high: x and depth are counted in heights too.
    expected = [2 * (0.25 + MEDIAPIPE_INDICES[0] / 1e4), 0.5 + (MEDIAPIPE_INDICES[0] % 7) / 100, 0.02]
    np.testing.assert_allclose(landmarks.places[0, 0], expected)


def test_videos_without_a_face_or_a_picture_are_refused(tmp_path):
    with pytest.raises(InputError, match="no landmark in any of 3 frames"):
        video.track(written(tmp_path / "dark.mp4", [0] * 3), unwatched)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(InputError, match="no readable video"):
        video.track(tmp_path / "empty.mp4", unwatched)
    import soundfile

    soundfile.write(tmp_path / "sound.wav", np.zeros(1600), 16000)
    with pytest.raises(InputError, match="no picture in it"):
        video.track(tmp_path / "sound.wav", unwatched)
