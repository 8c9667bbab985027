"""Home of mutagen: finding the files of a library, reading their tags, writing a genre into them, taking it back."""
