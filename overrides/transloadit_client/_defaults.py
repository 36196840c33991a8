"""What arguments are where they are not given: apart, so that signatures import nothing else."""

CHUNK_SIZE = 64 * 1024 * 1024
"""Bytes that one request carries. Files are read as they are sent, so this costs no memory; and a
chunk that breaks goes on from where it broke."""

DEADLINE = 9 * 3600.0
"""Seconds: an Assembly may run for 8 hours, and its files arrive before."""

TUS_ABOVE = 8 * 1024 * 1024
"""Bytes that go in the create request, where they are sent anew if it has to be repeated."""

AT_ONCE = 100
"""Assemblies in the works: an account may have 250, and httpx keeps 100 connections."""

CREATES_PER_MINUTE = 250
"""What an account may create, as the API's pages have it."""
