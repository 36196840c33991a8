"""`make languages`: other languages' generators, their clients, and signed calls."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.languages import board, manifest, stage


def main() -> int:
    """Run the generators that were asked for; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.languages", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all of them")
    parser.add_argument("--spec", type=Path, default=manifest.ROOT / "openapi/transloadit.yaml")
    parser.add_argument("--debian", action="store_true", help="name Debian's packages and stop")
    options = parser.parse_args()
    if options.debian:
        wanted = {package for name in manifest.names() for package in manifest.read(name).debian}
        print(*sorted(wanted))
        return 0
    unknown = set(options.names) - set(manifest.names())
    if unknown:
        parser.error(f"no such generator: {', '.join(sorted(unknown))}")

    begun = time.monotonic()
    results = [one(name, options.spec) for name in options.names or manifest.names()]
    print(f"\n{board.summary(results)}, in {time.monotonic() - begun:.0f} s")
    whole = not options.names and all(r.as_expected for r in results)
    stale = (
        [str(path.relative_to(manifest.ROOT)) for path in board.publish(results)] if whole else []
    )
    if stale:
        print(f"Written anew: {', '.join(stale)}")
    ci = os.environ.get("CI") == "true"
    failed = [r for r in results if r.findings or (ci and not r.as_expected)]
    return 1 if failed or (ci and stale) else 0


def one(name: str, spec: Path) -> stage.Result:
    """Run one generator, and say how it went."""
    language = manifest.read(name)
    print(f"{name}: {language.title}", flush=True)
    result = stage.attempt(language, spec.resolve())
    if result.skipped:
        print(f"    not run: {result.skipped}", flush=True)
    else:
        verdict = "good" if result.good else "NOT GOOD"
        print(f"    {verdict}, {result.version}, {result.seconds:.0f} s", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
