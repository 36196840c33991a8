"""Tools for agents: an MCP server whose tools are the operations of the API, signed on their way.

    pip install transloadit-client fastmcp
    TRANSLOADIT_KEY=… TRANSLOADIT_SECRET=… python with_fastmcp.py transloadit-unsigned-3.1.json

The document comes with each release of this project. The agent sees JSON bodies and no credentials:
the transport below turns each of them into the signed form that the service takes.
"""

import json
import os
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP

from transloadit_client import Transloadit

ENDPOINT = os.environ.get("TRANSLOADIT_ENDPOINT", "https://api2.transloadit.com")


class Signing(httpx2.AsyncBaseTransport):
    """Sends a JSON body as the form fields `params` and `signature`, and all else as it is."""

    def __init__(self) -> None:
        self._client = Transloadit()  # TRANSLOADIT_KEY and TRANSLOADIT_SECRET
        self._transport = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.headers.get("content-type") == "application/json":
            request = self._signed(request.method, request.url, json.loads(await request.aread()))
        return await self._transport.handle_async_request(request)

    def _signed(self, method: str, url: httpx2.URL, params: dict[str, object]) -> httpx2.Request:
        form = self._client.sign(params)
        fields = {"params": form.params, "signature": form.signature}
        if url.path.endswith("/replay"):
            return httpx2.Request(method, url, data=fields)
        # A create is multipart, always; a part without a file name is a text field.
        parts = {name: (None, value) for name, value in fields.items()}
        return httpx2.Request(method, url, files=parts)

    async def aclose(self) -> None:
        await self._transport.aclose()


def server(document: dict[str, object]) -> "FastMCP[None]":
    """Give the MCP server; its tools are called as the operations are, `createAssembly` first."""
    client = httpx2.AsyncClient(base_url=ENDPOINT, transport=Signing(), timeout=60)
    return FastMCP.from_openapi(document, client=client, name="Transloadit")


if __name__ == "__main__":
    server(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).run()
