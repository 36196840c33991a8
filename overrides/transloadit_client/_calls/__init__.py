"""What each operation sends, and what its answer means. Pure."""
