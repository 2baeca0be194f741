"""Whether lips belong to a sound: a judge in SyncNet's manner, for measuring only. Motion is never trained on it."""
