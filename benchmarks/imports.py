"""What importing costs, as multiples of `import httpx`; run it with `make bench`.

It runs in an environment that holds the wheel and its dependencies alone, since httpx imports more
where `rich` and `click` are installed.
"""

import subprocess
import sys
import time
from importlib.metadata import version
from statistics import median

ROUNDS = 31
STATEMENTS = {
    "import httpx": "import httpx",
    "import transloadit_client": "import transloadit_client",
    "from transloadit_client import Transloadit": "from transloadit_client import Transloadit",
    "Transloadit(key, secret), ready to send": (
        "import transloadit_client as t; t.Transloadit('key', 'secret').get_httpx_client()"
    ),
    "httpx.Client()": "import httpx; httpx.Client()",
    "the generated client and its models": "import transloadit_api.client, transloadit_api.models",
}


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    rows = {"bare Python": "pass", **STATEMENTS}
    taken: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(ROUNDS):  # interleaved, so that a busy moment strikes all alike
        for name, statement in rows.items():
            taken[name].append(seconds(statement))

    bare = median(taken["bare Python"])
    unit = median(taken["import httpx"]) - bare
    print(f"Python {sys.version.split()[0]}, httpx {version('httpx')}, attrs {version('attrs')},")
    print(f"medians of {ROUNDS} interleaved runs, above bare Python ({bare * 1000:.1f} ms)\n")
    print(f"{'':44}{'ms':>8}{'min ms':>8}{'x httpx':>9}")
    for name in STATEMENTS:
        cost, least = median(taken[name]) - bare, min(taken[name]) - min(taken["bare Python"])
        print(f"{name:44}{cost * 1000:8.1f}{least * 1000:8.1f}{cost / unit:9.2f}")


if __name__ == "__main__":
    main()
