"""The command line, `transloadit-client` or `python -m transloadit_client`: extra `cli`."""

import sys
from importlib import import_module
from importlib.util import find_spec


def main() -> int:
    """Runs the command line; gives the exit code."""
    missing = [name for name in ("click", "rich", "yaml") if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"The command line needs what is not installed here ({', '.join(missing)}):"
            " pip install 'transloadit-client[cli]'\n"
        )
        return 2
    return int(import_module("transloadit_client.cli.main").run())


if __name__ == "__main__":
    sys.exit(main())
