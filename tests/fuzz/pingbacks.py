"""Fuzzes `pingback.verify()`: a status or a PingbackError, whatever the bytes.

    python tests/fuzz/pingbacks.py -max_total_time=600

The first byte says how much is done for the fuzzer, which could never guess a signature.
"""

import hmac
import sys

import atheris

with atheris.instrument_imports(
    include=["transloadit_client", "transloadit_api", "python_multipart"]
):
    from transloadit_client import pingback

SECRET = "made up for tests"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def once(data: bytes) -> None:
    if not data:
        return
    way, rest = data[0] % 5, data[1:]
    if way == 0:
        read(rest, URLENCODED)
    elif way == 1:
        read(rest, MULTIPART)
    elif way == 2:
        content_type, _, body = rest.partition(b"\n")
        read(body, content_type.decode("latin-1"))
    elif way == 3:
        read(signed(rest), MULTIPART)
    else:
        text, _, signature = rest.partition(b"\n")
        read_fields(text.decode("utf-8", "surrogateescape"), signature.decode("latin-1"))


def signed(text: bytes) -> bytes:
    """A genuine form with any text in it."""
    signature = hmac.new(SECRET.encode(), text, "sha1").hexdigest().encode()
    fields = {b"transloadit": text, b"signature": signature}
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % field
        for field in fields.items()
    ]
    return b"".join(parts) + b"--b--\r\n"


def read(body: bytes, content_type: str) -> None:
    try:
        status = pingback.verify(body, content_type, SECRET)
    except pingback.PingbackError:
        return
    status.to_dict()


def read_fields(text: str, signature: str) -> None:
    try:
        status = pingback.verify_fields(text, signature, SECRET)
    except pingback.PingbackError:
        return
    status.to_dict()


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
