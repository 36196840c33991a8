"""The command line, told in full in docs/command-line.md. Nothing in here is for import.

It stands on the public names of `transloadit_client` alone, like any program of a user's.
"""

PROGRAM = "transloadit-client"
