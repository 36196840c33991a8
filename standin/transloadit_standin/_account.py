"""What a test looks at, and what it puts in: requests, Assemblies, Templates, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._faults.breakable import Breakable
from ._service.keys import AuthKey, scopes_of
from ._service.templates import Template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._ledger import Received
    from ._service.assembly import Assembly
    from ._service.robots import Steps
    from ._service.service import Service


class Account(Breakable):
    """The account that the stand-in serves."""

    key: str
    secret: str
    _service: Service

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:40000`."""
        return self._service.hosts.api

    @property
    def instance_urls(self) -> list[str]:
        """The origins of the instance hosts, where Assemblies and their files live."""
        return self._service.hosts.instances

    @property
    def environ(self) -> dict[str, str]:
        """The variables that clients read."""
        return {
            "TRANSLOADIT_KEY": self.key,
            "TRANSLOADIT_SECRET": self.secret,
            "TRANSLOADIT_ENDPOINT": self.url,
        }

    @property
    def requests(self) -> list[Received]:
        """The ledger: every request in the order of arrival, file downloads among them."""
        return self._service.requests

    @property
    def assemblies(self) -> dict[str, Assembly]:
        """All Assemblies by id."""
        return self._service.assemblies

    @property
    def templates(self) -> dict[str, Template]:
        """All Templates by id."""
        return self._service.templates

    def add_template(
        self,
        template_id: str,
        *,
        steps: Steps,
        allow_steps_override: bool = True,
        max_size: int | None = None,
        notify_url: str | None = None,
        fields: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> Template:
        """Add a Template, or replace the one of the same id."""
        template = Template(
            template_id, steps, allow_steps_override, max_size, notify_url, fields or {}, name
        )
        self.templates[template_id] = template
        return template

    def set_clock_ahead(self, seconds: float) -> None:
        """Let the clock for expiry and limits be so far ahead; negative: behind.

        Raises:
            ValueError: that would be more than a hundred years.
        """
        self._service.set_clock_ahead(seconds)

    def add_key(
        self,
        key: str,
        secret: str,
        *,
        auth_token: str | None = None,
        scopes: Iterable[str] | None = None,
        signature_required: bool = False,
    ) -> AuthKey:
        """Add an Auth Key, or replace the one of the same name; it has all scopes by default."""
        return self._service.keys.add(
            AuthKey(key, secret, auth_token, scopes_of(scopes), signature_required)
        )
