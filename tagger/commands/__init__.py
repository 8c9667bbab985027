"""One file per command: parse its arguments, call the rooms, hand back what happened."""
