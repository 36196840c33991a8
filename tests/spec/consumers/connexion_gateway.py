"""connexion as a gateway: which requests and answers it refuses; run in build/consumers.

Reads a list of `{"document": path, "calls": [{"request": …, "response": …}]}` from the standard
input, bodies in base64. Prints a list of complaints for each document, one for each call; an empty
text is none. A document that it does not load has one complaint.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

from connexion import AsyncApp
from connexion.lifecycle import ConnexionResponse
from connexion.resolver import Resolver


class Answers(Resolver):
    """Answers every operation with what the mock server answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: dict[str, Any] = {}

    def resolve_function_from_operation_id(self, operation_id: str) -> Any:
        async def answer(**_: Any) -> ConnexionResponse:
            body = base64.b64decode(self.answer["body"])
            return ConnexionResponse(
                status_code=self.answer["status"], content_type="application/json", body=body
            )

        return answer


def complaint(app: AsyncApp, answers: Answers, call: dict[str, Any]) -> str:
    asked, answers.answer = call["request"], call["response"]
    kind = {"Content-Type": asked["content_type"]} if asked["content_type"] else {}
    got = app.test_client().request(
        asked["method"].upper(),
        asked["path"],
        headers=kind,
        content=base64.b64decode(asked["body"]),
    )
    return "" if got.status_code == call["response"]["status"] else got.text


def complaints(document: Path, calls: list[dict[str, Any]]) -> list[str]:
    answers = Answers()
    app = AsyncApp(__name__, specification_dir=str(document.parent))
    # Not with `strict_validation`, which refuses further form fields even where the form is open.
    app.add_api(document.name, resolver=answers, validate_responses=True)
    return [complaint(app, answers, call) for call in calls]


def tried(document: Path, calls: list[dict[str, Any]]) -> list[str]:
    try:
        return complaints(document, calls)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other documents are tried
        return [f"{document.name}: {error!r}"]


print(json.dumps([tried(Path(one["document"]), one["calls"]) for one in json.load(sys.stdin)]))
