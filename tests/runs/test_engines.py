"""The same call inside somebody else's engine: a worker is killed, and nothing is created twice."""

import os
import signal
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from distributed import Client, LocalCluster

from transloadit_client import Transloadit
from transloadit_standin import StandIn

EXAMPLE = Path(__file__).parents[2] / "examples" / "engines" / "with_dask.py"


@pytest.fixture
def example() -> ModuleType:
    spec = spec_from_file_location("with_dask", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, api: StandIn) -> Iterator[Client]:
    """Two workers, each a process of its own with the secret in its environment."""
    for name, value in api.environ.items():
        monkeypatch.setenv(name, value)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=4, host="127.0.0.1", dashboard_address=""
        ) as cluster,
        Client(cluster) as engine,
    ):
        yield engine


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(step_seconds=0.3) as api:
        yield api


def workers(engine: Client) -> set[int]:
    """The ids of their processes."""
    pids: Any = engine.run(os.getpid)
    return set(pids.values())


# The engine's own sockets are its own business.
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_the_tasks_of_a_lost_worker_run_again_without_a_second_assembly(
    example: ModuleType, engine: Client, api: StandIn, tmp_path: Path
) -> None:
    paths = [str(tmp_path / f"{number}.jpg") for number in range(24)]
    for path in paths:
        Path(path).write_bytes(b"a picture")

    with Transloadit() as client:
        results = example.resize_all(engine, client, paths)
        first = next(results)
        victim = workers(engine).pop()
        os.kill(victim, signal.SIGKILL)
        rest = list(results)

    assert sorted(path for path, _ in [first, *rest]) == sorted(paths)
    assert {assembly_id for _, assembly_id in [first, *rest]} == {
        one.id for one in api.assemblies.values() if one.state != "REQUEST_ABORTED"
    }
    assert len(api.assemblies) >= len(paths)
    assert victim not in workers(engine)
