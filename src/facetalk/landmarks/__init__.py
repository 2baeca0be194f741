"""Face landmarks of a sequence to one feature vector a frame; knows no motion, no speech and no mesh."""

from facetalk.landmarks.encoder import LandmarkEncoder
from facetalk.landmarks.face_map import FaceMap
from facetalk.landmarks.points import Landmarks

__all__ = ["FaceMap", "LandmarkEncoder", "Landmarks"]
