"""What every room shares: errors, records, settings, the home folder, whole-file replace, the run lock."""
