"""What is measured: who takes part, how many calls make a batch, and who is the measure of all."""

from dataclasses import dataclass

PEERS, OURS, NODE = "peers", "alone", "node"
"""Where a contestant runs: among the peers, in an environment of our wheel and its dependencies
alone, or in node."""

NODE_SDK = "transloadit (Node)"
CURL = "curl"
US = "transloadit_client"


@dataclass(frozen=True)
class Row:
    """A contestant: what it is called here, which entry of `worker.KINDS` it is, and where."""

    name: str
    place: str
    label: str = ""

    def __str__(self) -> str:
        return self.label or self.name


@dataclass(frozen=True)
class Scenario:
    """One table of the report."""

    title: str
    kind: str
    rows: tuple[Row, ...]
    measure: str
    """The row that is 1.00."""
    calls: int
    """In a batch."""
    in_flight: int = 1
    argument: str = "http"
    """Which of the server's URLs, or a number of results."""
    rate: bool = False
    """Whether to say how many there are in a second of CPU time."""
    files: tuple[int, int] | None = None
    """How many are uploaded, and how many MiB each has."""
    rounds: int = 0
    """How many batches of each, if not as many as of others."""


def _peers(*names: str) -> tuple[Row, ...]:
    return tuple(Row(name, PEERS) for name in names)


SNIFFIO = Row("httpx", OURS, "httpx, sniffio installed")
PARTS = Row("httpx, multipart", OURS)  # as we send it; the others urlencode a create without files
UNEVEN = Row(f"{US}, uneven", OURS, f"{US}, in the pieces that httpx makes")
ASYNC = (
    *_peers("aiohttp", "httpx"),
    SNIFFIO,
    *_peers("httpx2", "pytransloadit"),
    Row(US, OURS),
)

SCENARIOS = [
    Scenario(
        "Signed create without files, blocking",
        "create",
        (
            *_peers("raw socket", "http.client", "httpx"),
            PARTS,
            *_peers("httpx2", "requests"),
            Row("generated client alone", OURS),
            Row("pytransloadit", PEERS),
            Row(NODE_SDK, NODE),
            Row(US, OURS),
        ),
        measure="httpx",
        calls=50,
    ),
    Scenario("Signed create without files, awaited", "async create", (*ASYNC, PARTS), "httpx", 50),
    Scenario(
        "The same over TLS, blocking",
        "create",
        (*_peers("raw socket", "http.client", "httpx", "httpx2", "requests"), Row(US, OURS)),
        measure="httpx",
        calls=50,
        argument="https",
    ),
    Scenario(
        "A file of 10 KB and two fields as multipart, blocking",
        "upload",
        # The vendor's Node SDK sends files by tus alone.
        (*_peers("httpx", "httpx2", "pytransloadit"), Row(US, OURS), UNEVEN),
        measure="httpx",
        calls=50,
    ),
    Scenario(
        "A file of 10 KB and two fields as multipart, awaited", "async upload", ASYNC, "httpx", 100
    ),
    *(
        Scenario(
            f"Awaited creates, {in_flight:,} in flight",
            "async create",
            # With 1,024 in flight httpx gives up: some of them wait for their turn for 5 seconds.
            tuple(row for row in (*ASYNC, PARTS) if row.place != PEERS or row.name == "aiohttp")
            if in_flight < 1024
            else tuple(row for row in ASYNC if row.name != "httpx"),
            measure=str(SNIFFIO) if in_flight < 1024 else "aiohttp",
            calls=max(100, in_flight),
            in_flight=in_flight,
            rate=True,
        )
        for in_flight in (1, 64, 256, 1024)
    ),
    Scenario(
        "A status with 10,000 results (12 MB)",
        "status",
        (
            Row("json.loads", OURS),
            Row("generated models", OURS),
            Row("transloadit_client, returned", OURS),
            Row("transloadit_client, every result read", OURS),
            Row("generated models, every attribute read", OURS),
            Row("transloadit_client, every attribute read", OURS),
            Row("json.loads, collector off", OURS),
            Row("transloadit_client, every result read, collector off", OURS),
        ),
        measure="json.loads",
        calls=1,
        argument="10000",
    ),
    Scenario(
        "A status with 6 results (10 KB)",
        "status",
        (
            Row("json.loads", OURS),
            Row("generated models", OURS),
            Row("transloadit_client, returned", OURS),
            Row("transloadit_client, every result read", OURS),
            Row("generated models, every attribute read", OURS),
            Row("transloadit_client, every attribute read", OURS),
        ),
        measure="json.loads",
        calls=500,
        argument="6",
    ),
    Scenario(
        "Encode and sign",
        "sign",
        (
            Row("json + HMAC", OURS),
            Row("sign()", OURS),
            Row("Transloadit.sign(), with clock and nonce", OURS),
        ),
        measure="json + HMAC",
        calls=2_000,
        argument="0",
    ),
]

TUS = Row(f"{US}, by tus", OURS)
FORM = Row(US, OURS, f"{US}, in one form")
VENDOR = Row("pytransloadit, by tus", PEERS)


def _uploads(
    title: str,
    rows: tuple[Row, ...],
    measure: str,
    files: tuple[int, int],
    rounds: int = 5,
    *,
    where: str = "uploads",
) -> Scenario:
    kind = "async send" if title.endswith("awaited") else "send"
    return Scenario(title, kind, rows, measure, 1, argument=where, files=files, rounds=rounds)


LARGE, LARGER, MANY, FEWER = (1, 512), (1, 1024), (1000, 1), (100, 1)
SCENARIOS += [
    _uploads(
        "A file of 512 MiB as multipart, blocking",
        (*_peers("raw socket", CURL, "httpx", "httpx2", "pytransloadit"), Row(US, OURS), UNEVEN),
        "httpx",
        LARGE,
    ),
    _uploads(
        "A file of 512 MiB as multipart, awaited",
        (*_peers("aiohttp", "httpx", "httpx2", "pytransloadit"), Row(US, OURS), UNEVEN),
        "httpx",
        LARGE,
    ),
    _uploads(
        "A file of 1 GiB by tus, blocking",
        (*_peers("raw socket, by tus", "tuspy"), VENDOR, FORM, TUS),
        str(FORM),
        LARGER,
    ),
    _uploads("A file of 1 GiB by tus, awaited", (VENDOR, FORM, TUS), str(FORM), LARGER),
    _uploads(
        "1,000 files of 1 MiB by tus, blocking",
        (*_peers("raw socket, by tus"), VENDOR, FORM, TUS),
        str(FORM),
        MANY,
        rounds=3,
    ),
    _uploads("1,000 files of 1 MiB by tus, awaited", (VENDOR, FORM, TUS), str(FORM), MANY, 3),
    _uploads(
        "100 files of 1 MiB by tus over TLS, blocking",
        (VENDOR, TUS),
        str(TUS),
        FEWER,
        rounds=3,
        where="uploads over TLS",
    ),
    _uploads(
        "100 files of 1 MiB by tus over TLS, each answer 20 ms late, blocking",
        (VENDOR, TUS),
        str(TUS),
        FEWER,
        rounds=3,
        where="uploads from afar",
    ),
]
