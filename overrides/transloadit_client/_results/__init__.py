"""Results onto the disk."""
