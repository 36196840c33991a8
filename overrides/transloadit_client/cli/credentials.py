"""Finds credentials: in options, a file or the environment, and all of them in the same place.

The file has the format of Transloadit's own command line: lines `NAME=VALUE`, with the names of the
environment variables.
"""

import os
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from transloadit_client import InvalidInput, Secret

_KEY, _SECRET, _TOKEN = "TRANSLOADIT_KEY", "TRANSLOADIT_SECRET", "TRANSLOADIT_AUTH_TOKEN"
_FILE = "TRANSLOADIT_CREDENTIALS_FILE"
_OTHERS = ("TRANSLOADIT_ENDPOINT", "TRANSLOADIT_SIGNATURE_ALGORITHM")


@frozen
class Settings:
    """The settings of a client; None where there is none."""

    key: str | None = None
    secret: Secret | None = field(default=None)
    auth_token: Secret | None = None
    base_url: str | None = None
    signature_algorithm: str | None = None


def find_settings(
    *, key: str | None, secret: Secret | None, file: Path | None, environ: Mapping[str, str]
) -> Settings:
    """The settings from the first place that has credentials.

    The places are the options, `file`, `environ`, and the file that `environ` names, by default
    `~/.transloadit/credentials`. The endpoint and the algorithm may come from the environment in
    any case, if that place does not have them.

    Raises:
        InvalidInput: half of a pair was given, or a file is missing, unsafe or has none.
    """
    if (key is None) != (secret is None):
        raise InvalidInput("--key and --secret go together")
    around = {name: environ[name] for name in _OTHERS if environ.get(name)}
    if secret is not None:
        return _settings(around, key, secret)
    if file is not None:
        return _settings({**around, **read_credentials(file)})
    if environ.get(_SECRET) or environ.get(_TOKEN):
        return _settings(environ)
    usual = Path(environ.get(_FILE) or "~/.transloadit/credentials").expanduser()
    if environ.get(_FILE) or usual.exists():
        return _settings({**around, **read_credentials(usual)})
    return _settings(environ)


def read_credentials(path: Path) -> dict[str, str]:
    """The variables in a file that only its owner can read.

    Raises:
        InvalidInput: it cannot be read, others can read it, or it has no credentials.
    """
    try:
        with path.open(encoding="utf-8") as file:
            _refuse_unsafe(os.fstat(file.fileno()), path)
            values = dict(filter(None, map(_variable, file)))
    except UnicodeDecodeError:
        raise InvalidInput(f"the credentials in {path} are not UTF-8 text") from None
    except OSError as error:
        raise InvalidInput(f"cannot read the credentials in {path}: {error.strerror}") from None
    if not values.get(_TOKEN) and not (values.get(_KEY) and values.get(_SECRET)):
        raise InvalidInput(f"{path} has neither {_KEY} and {_SECRET} nor {_TOKEN}")
    return values


def _refuse_unsafe(found: os.stat_result, path: Path) -> None:
    if not hasattr(os, "geteuid"):  # on Windows, whose permissions are not in the mode
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise InvalidInput(f"{path} belongs to another user, who can read the secret in it")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise InvalidInput(
            f"others can read or write {path}: run chmod 600 {shlex.quote(str(path))}, and change"
            " the secret if they did"
        )


def _variable(line: str) -> tuple[str, str] | None:
    """`NAME=VALUE`, with or without quotes and `export`; None for anything else."""
    name, equals, value = line.strip().removeprefix("export ").partition("=")
    if not equals or name.lstrip().startswith("#"):
        return None
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return name.strip(), value[1:-1] if quoted else value


def _settings(
    values: Mapping[str, str], key: str | None = None, secret: Secret | None = None
) -> Settings:
    if secret is None:
        key, secret = values.get(_KEY) or None, _hidden(values.get(_SECRET))
    endpoint, algorithm = (values.get(name) or None for name in _OTHERS)
    return Settings(key, secret, _hidden(values.get(_TOKEN)), endpoint, algorithm)


def _hidden(text: str | None) -> Secret | None:
    return Secret(text) if text else None
