"""The demo: a small library of synthetic music in real files, and how well it was tagged."""
