"""Recordings of talking people → codes with sound: the format, a virtual rig, importers, and the fit of sequences."""
