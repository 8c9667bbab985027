"""Long trials of what must never be lost: kills, hostile files, faults of the disk. `python -m soak` runs them."""
