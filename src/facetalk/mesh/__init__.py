"""Fields to meshes; a head is `sdf(points)` here.

- `grid`: where surfaces are looked for: `uniform_grid`, `focused_grid` (finer patches round mouth and eyes)
- `extract`: the exact road, `extract(sdf, grid)`
- `baked`, `fast`: the fast road, `FastRoad(bake(canonical, grid, regions), grid)(deform, near)`
- `isosurface`, `dual`: dual marching cubes on a grid with patches; `pieces`, `normals`, `clip`: what follows
- `aperture`: free heights between lips and lids on a field, `winding`: the same on source meshes
- `files`: PLY and OBJ
"""
