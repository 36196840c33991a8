"""Everything that knows httpx."""
