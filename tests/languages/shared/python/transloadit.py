"""What no generator writes: how the API wants its texts signed."""

import hmac
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")


def digest(algorithm: str, secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), algorithm).hexdigest()


def expires(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y/%m/%d %H:%M:%S+00:00}"


def sign(params: dict[str, Any], key: str, secret: str) -> tuple[str, str]:
    """Add `auth`; gives the text to send, in ASCII, and its signature."""
    auth = {"key": key, "expires": expires(datetime.now(UTC) + timedelta(hours=1)), "nonce": str(uuid.uuid4())}
    text = json.dumps({**params, "auth": auth})
    return text, f"sha384:{digest('sha384', secret, text)}"


def genuine(text: str, signature: str | None, secret: str) -> bool:
    """Whether a Pingback is Transloadit's own."""
    prefix, found, rest = (signature or "").partition(":")
    algorithm, claimed = (prefix, rest) if found else ("sha1", prefix)
    return algorithm in ALGORITHMS and hmac.compare_digest(
        claimed.encode(), digest(algorithm, secret, text).encode()
    )


def smart_cdn(
    workspace: str,
    template: str,
    input: str,
    params: list[list[str]],
    key: str,
    secret: str,
    exp: int,
) -> str:
    """Sign a URL: a path as encodeURIComponent writes it, a query as URLSearchParams does."""
    own = [pair for pair in params if pair[0] not in ("sig", "auth_key", "exp")]
    pairs = sorted(
        [*own, ["auth_key", key], ["exp", str(exp)]], key=lambda pair: pair[0].encode("utf-16-be")
    )
    query = "&".join(
        "=".join(quote(text, safe="*-._ ").replace("~", "%7E").replace(" ", "+") for text in pair)
        for pair in pairs
    )
    path = "/".join(quote(text, safe="-_.!~*'()") for text in (workspace, template, input))
    host, _, rest = path.partition("/")
    signature = digest("sha256", secret, f"{path}?{query}")
    return f"https://{host}.tlcdn.com/{rest}?{query}&sig=sha256%3A{signature}"
