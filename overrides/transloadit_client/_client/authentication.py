"""What a client signs with, or the bearer token that it sends instead."""

import os
from typing import Self

from attrs import field, frozen

from .._errors import InvalidInput, MissingCredentials
from .._signing import Credentials, Secret


@frozen
class Authentication:
    """An Auth Key and an Auth Secret, or a bearer token; any of them may be missing.

    Attributes:
        algorithm: that of signatures, such as `sha384`.
        auth_token: replaces key and signature.
    """

    key: str | None
    secret: Secret | None = field(repr=False)
    algorithm: str
    auth_token: Secret | None = field(repr=False)

    @classmethod
    def read(
        cls,
        key: str | None,
        secret: Secret | None,
        algorithm: str | None,
        auth_token: Secret | None,
    ) -> Self:
        """Takes what was given, and what is missing from the environment.

        Raises:
            InvalidInput: one of them cannot stand in a request.
        """
        around = os.environ.get
        if auth_token is None and key is None and secret is None:
            auth_token = secret_of(around("TRANSLOADIT_AUTH_TOKEN"))
        if auth_token is not None and not auth_token.is_token():
            raise InvalidInput(
                "auth_token has a space, a line end or the like in it; nothing was sent"
            )
        names = ("key" if key else "TRANSLOADIT_KEY", "secret" if secret else "TRANSLOADIT_SECRET")
        key = key or around("TRANSLOADIT_KEY") or None
        secret = secret or secret_of(around("TRANSLOADIT_SECRET"))
        for name, text in zip(names, (secret_of(key), secret), strict=True):
            if text is not None and not text.is_line():
                raise InvalidInput(
                    f"{name} has a line end or another control character in it, perhaps from the"
                    " file that it was read from; nothing was sent"
                )
        algorithm = algorithm or around("TRANSLOADIT_SIGNATURE_ALGORITHM") or "sha384"
        return cls(key, secret, algorithm, auth_token)

    @property
    def has_secret(self) -> bool:
        """Whether there is something that must not travel in plain text."""
        return self.secret is not None or self.auth_token is not None

    def check(self) -> None:
        """Raises `MissingCredentials` if there is nothing to sign with, and no token either."""
        if self.auth_token is None:
            self.credentials()

    def credentials(self) -> Credentials:
        """What signs a request.

        Raises:
            MissingCredentials: there is no Auth Key or no Auth Secret.
        """
        if self.key is not None and self.secret is not None:
            return Credentials(self.key, self.secret, self.algorithm)
        given = {"TRANSLOADIT_KEY": self.key, "TRANSLOADIT_SECRET": self.secret}
        missing = " and ".join(name for name, value in given.items() if value is None)
        raise MissingCredentials(
            f"this call has to be signed: set {missing} in the environment, or give key and secret"
            " to the client; nothing was sent"
        )


def secret_of(text: str | Secret | None) -> Secret | None:
    """A text that does not print; an empty one is none."""
    return Secret(text) if text else None
