"""Meshes to pictures and videos, without any graphics library.

- `camera`: `portrait("front", box, width, height)` and other places to stand
- `look`: colours of a head, lights and wall of the studio
- `picture`: `Photographer(look, studio, width, height)(mesh, camera)` is a `Frame`
- `raster`, `occlusion`, `shading`: what it is made of
- `video`: `write_video(frames, path, rate, sound)`; `sheet`: contact sheets and single pictures
"""
