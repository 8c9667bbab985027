"""Sound: cut clips out of files, draw spectrograms, keep the data set on disk. Home of PyAV, librosa and Pillow."""
