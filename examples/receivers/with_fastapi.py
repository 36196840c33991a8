"""Receives Pingbacks with FastAPI; with Starlette the function is the same, under a `Route`.

TRANSLOADIT_SECRET=… fastapi run examples/receivers/with_fastapi.py
"""

import os

from fastapi import FastAPI, Request, Response

from transloadit_client import pingback

app = FastAPI()


@app.post("/pingback")
async def receive(request: Request) -> Response:
    try:
        status = await pingback.verify_async_request(request, os.environ["TRANSLOADIT_SECRET"])
    except pingback.PingbackError as error:
        return Response(str(error), status_code=403)
    # What takes long is for a queue: the API waits for the answer, and sends again without a 200.
    print(f"Assembly {status.assembly_id}: {status.error if status.failed else status.ok}")
    return Response("thank you")
