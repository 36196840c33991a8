"""What a client can be given later, and what its methods do where their caller says nothing."""

from collections.abc import Collection
from datetime import timedelta
from typing import TypedDict

import httpx

from .._retry.policy import RetryPolicy
from .._signing import Secret

CHUNK_SIZE = 64 * 1024 * 1024
"""Bytes that one request carries. Files are read as they are sent, so this costs no memory; and a
chunk that breaks goes on from where it broke."""

DEADLINE = 9 * 3600.0
"""Seconds: an Assembly may run for 8 hours, and its files arrive before."""

TUS_ABOVE = 8 * 1024 * 1024
"""Bytes that go in the create request, where they are sent anew if it has to be repeated."""

CREATES_PER_MINUTE = 250
"""What an account may create, as the API's pages have it."""

SIGNATURE_LIFETIME = timedelta(hours=1)
"""How long a signature is good. The API checks it when it arrives, before the files, so it need not
cover the upload. An hour forgives a slow clock; the nonce keeps it from being used twice anyway."""


class Options(TypedDict, total=False):
    """What `with_options` can change; the connections stay what they are."""

    key: str
    secret: str | Secret
    signature_algorithm: str
    auth_token: str | Secret
    base_url: str
    timeout: float | httpx.Timeout
    headers: dict[str, str]
    cookies: dict[str, str]
    retry: RetryPolicy | int | None
    trusted_hosts: Collection[str]
    max_answer_size: int
