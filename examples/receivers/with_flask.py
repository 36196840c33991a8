"""Receives Pingbacks with Flask.

TRANSLOADIT_SECRET=… flask --app examples/receivers/with_flask.py run
"""

import os

from flask import Flask, request

from transloadit_client import pingback

app = Flask(__name__)


@app.post("/pingback")
def receive() -> tuple[str, int]:
    try:
        status = pingback.verify_request(request, os.environ["TRANSLOADIT_SECRET"])
    except pingback.PingbackError as error:
        return str(error), 403
    # What takes long is for a queue: the API waits for the answer, and sends again without a 200.
    print(f"Assembly {status.assembly_id}: {status.error if status.failed else status.ok}")
    return "thank you", 200
