"""openapi-core as a gateway: which requests and answers it refuses; run in build/consumers.

Reads a list of `{"document": path, "calls": [{"request": …, "response": …}]}` from the standard
input, bodies in base64. Prints a list of complaints for each document, one for each call; an empty
text is none.
"""

import base64
import json
import sys
from typing import Any

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse


def complaint(openapi: OpenAPI, call: dict[str, Any]) -> str:
    asked, answered = call["request"], call["response"]
    request = MockRequest(
        "https://api2.transloadit.com",
        asked["method"],
        asked["path"],
        content_type=asked["content_type"],
        data=base64.b64decode(asked["body"]),
    )
    response = MockResponse(
        base64.b64decode(answered["body"]), answered["status"], content_type="application/json"
    )
    try:
        openapi.validate_request(request)
        openapi.validate_response(request, response)
    except OpenAPIError as error:
        return f"{error!r} {error.__cause__!r}"
    return ""


def complaints(document: str, calls: list[dict[str, Any]]) -> list[str]:
    gateway = OpenAPI.from_file_path(document)
    return [complaint(gateway, call) for call in calls]


print(json.dumps([complaints(**one) for one in json.load(sys.stdin)]))
