"""What a person decides: uncertain and suspicious tracks out, decisions in. Pure."""
