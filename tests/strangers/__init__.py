"""Software that nobody here wrote uses the local API, as its own users would: `make strangers`.

Each stranger is a row of `roster.py`: a package of npm or PyPI, locked, and a program that uses it.
The programs are tests in the harness of their language: `node --test` for `node/*.test.mjs`, pytest
for the modules here that are named as their stranger. Pytest does not collect those by itself, so
`make test` leaves them out.

All of them meet the stand-in with its default settings. A program in Node runs behind
`python -m transloadit_standin --`, as it would in any shell.

A claim is one test. A stranger that does something wrong has a claim that fails, and `wrong` in its
row says why that is its own fault; the run fails as soon as such a claim holds. The run writes
`docs/strangers.md`, and in CI it fails if that changed.

To add one: its package to `node/package.json` or a group of `pyproject.toml`, a program, a row.
"""
