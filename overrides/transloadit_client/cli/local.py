"""The commands for which nothing is sent."""

from datetime import timedelta

from transloadit_client import InvalidInput, pingback

from .inputs import bytes_of, params_of
from .outcomes import Outcome, of_assembly
from .output import report
from .session import Session


def sign(session: Session, *, params: str, expires_in: int) -> Outcome:
    with session.client() as client:
        signed = client.sign(params_of(params), expires_in=timedelta(seconds=expires_in))
    document = {"params": signed.params, "signature": signed.signature}
    return Outcome(rows=[[signed.params], [signed.signature]], document=document)


def verify(session: Session, *, body: str, content_type: str) -> Outcome:
    secret = session.settings().secret
    if secret is None:
        raise InvalidInput("a Pingback is checked with the Auth Secret: set TRANSLOADIT_SECRET")
    status = pingback.verify(bytes_of(body), content_type, secret)
    return of_assembly(status, report(status))
