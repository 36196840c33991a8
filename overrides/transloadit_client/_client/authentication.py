"""What a client signs with, or the bearer token that it sends instead."""

from attrs import field, frozen

from .._errors import MissingCredentials
from .._signing import Credentials, Secret


@frozen
class Authentication:
    """An Auth Key and an Auth Secret, or a bearer token; any of them may be missing."""

    key: str | None
    secret: Secret | None = field(repr=False)
    algorithm: str
    auth_token: Secret | None = field(repr=False)

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
