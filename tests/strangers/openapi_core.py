"""openapi-core, as a gateway that reads what our client sent and the stand-in answered."""

from typing import Any

from tests.gateways import CALLS, NOT_ALLOWED, ROOT, SPEC, missing, recorded, said_by

from transloadit_standin import StandIn

PYTHON = ROOT / "build" / "consumers" / "bin" / "python"
GATEWAY = ROOT / "tests" / "spec" / "consumers" / "openapi_core_gateway.py"


def complaints(calls: list[dict[str, Any]]) -> list[str]:
    if not PYTHON.exists():
        missing("openapi-core", "build/consumers/.stamp")
    [said] = said_by([PYTHON, GATEWAY], [(SPEC, calls)])
    return said


def test_it_accepts_every_request_and_every_answer(api: StandIn) -> None:
    calls = recorded(api.url, key=api.key, secret=api.secret)

    assert complaints(calls) == [""] * CALLS


def test_it_refuses_what_the_document_does_not_allow() -> None:
    """Or its consent would say nothing."""
    assert all(complaints(NOT_ALLOWED))
