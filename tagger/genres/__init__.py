"""What genre tags mean: the station's genre map, the labels that follow from it, and the split into artists."""
