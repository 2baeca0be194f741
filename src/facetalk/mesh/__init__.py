"""Fields to meshes; a head is sdf(points) here."""
