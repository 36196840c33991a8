"""`@tus/server` from npm: a server of tus that nobody here wrote."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

NODE = Path(__file__).parent / "node"
LACKING = "@tus/server is not here: install node, then run `make node`"


@frozen
class TusServer:
    """A server that runs, and the folder in which it keeps what it is sent."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/files"

    def stored(self, upload_url: str) -> Path:
        """Where it keeps an upload's bytes."""
        return self.folder / upload_url.rpartition("/")[2]


def is_here() -> bool:
    return shutil.which("node") is not None and (NODE / "node_modules/@tus/server").is_dir()


@contextmanager
def running(folder: Path) -> Iterator[TusServer]:
    """A server on a free port; it ends with this block, or with this process."""
    node = shutil.which("node") or "node"
    with subprocess.Popen(
        [node, NODE / "tus_server.mjs", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "NODE_ENV": "test"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield TusServer(int(process.stdout.readline()), folder)
        finally:
            process.stdin.close()
