"""Questions and answers about a scene, computed from what the scene holds."""
