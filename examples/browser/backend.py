"""Serves the page, and signs what it may upload; `npm start` runs it beside the mock server."""

import os
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from transloadit_client import Transloadit

HERE = Path(__file__).parent
client = Transloadit()


def sign(request: Request) -> JSONResponse:
    # Check here who is asking: the Auth Secret stays, and the browser cannot change what is signed.
    params: dict[str, Any] = {"template_id": "resize-to-fit", "auth": {"max_size": 5_000_000}}
    if "form" in request.query_params:  # a form without JavaScript is sent back to the page
        params["redirect_url"] = str(request.base_url)
    signed = client.sign(params)
    return JSONResponse({"params": signed.params, "signature": signed.signature})


def service(_: Request) -> JSONResponse:
    return JSONResponse(os.environ.get("TRANSLOADIT_ENDPOINT", "https://api2.transloadit.com"))


app = Starlette(
    routes=[
        Route("/sign", sign, methods=["POST"]),
        Route("/service", service),
        Mount("/uppy", StaticFiles(directory=HERE / "node_modules" / "uppy" / "dist")),
        Mount("/", StaticFiles(directory=HERE / "page", html=True)),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
