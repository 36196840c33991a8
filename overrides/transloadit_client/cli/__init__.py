"""The command line; docs/command-line.md describes it. It is not meant to be imported.

It uses public names of `transloadit_client` alone, like any program of a user.
"""

PROGRAM = "transloadit-client"
