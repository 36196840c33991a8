"""The stand-in's admin API, which any program can use."""

import os
import urllib.error
import urllib.request


def meets_a_fault() -> bool:
    """Ask for a fault, and whether the next request meets it."""
    endpoint = os.environ["TRANSLOADIT_ENDPOINT"]
    fault = b'{"kind": "unavailable", "operation": "getAssembly"}'
    with urllib.request.urlopen(f"{endpoint}/_standin/faults", data=fault) as asked:
        assert asked.status == 201
    try:
        urllib.request.urlopen(f"{endpoint}/assemblies/{os.environ['CRASHED_ASSEMBLY']}").close()
    except urllib.error.HTTPError as met:
        return met.code == 503
    return False
