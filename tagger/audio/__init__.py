"""Sound: cut clips out of files, make of them what models take, keep it on disk. Home of PyAV, librosa and Pillow."""
