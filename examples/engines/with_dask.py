"""Many Assemblies on several machines: the same call, inside an engine that you have already.

    python examples/engines/with_dask.py SCHEDULER FILE…

The ids are drawn here, before anything is handed out. When a worker is lost its tasks run again
elsewhere, ask for the same ids, and go on with what is there: no Assembly is created twice. The
client travels without its secret, which each worker has in its own environment.
"""

import sys
from collections.abc import Iterable, Iterator

from dask.distributed import Client, as_completed

from transloadit_client import Transloadit, new_assembly_id

STEPS = {"resized": {"robot": "/image/resize", "use": ":original", "width": 300}}


def resize(client: Transloadit, assembly_id: str, path: str) -> tuple[str, str]:
    """One task: it may begin anywhere, end half-way, and begin again."""
    finished = client.run(steps=STEPS, files=[path], assembly_id=assembly_id, resume=True)
    return path, str(finished.status.assembly_id)


def resize_all(
    engine: Client, client: Transloadit, paths: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yields each path with its Assembly's id, as they end."""
    everywhere = engine.scatter(
        client, broadcast=True
    )  # one client, with its connections, a worker
    tasks = [
        engine.submit(resize, everywhere, new_assembly_id(), path, retries=3, pure=False)
        for path in paths
    ]
    for task in as_completed(tasks):
        yield task.result()


if __name__ == "__main__":
    with Client(sys.argv[1]) as engine, Transloadit() as client:
        for path, assembly_id in resize_all(engine, client, sys.argv[2:]):
            print(path, assembly_id)
