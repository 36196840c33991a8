"""The metadata that depends on where the repository is: URLs and the long description.

The address comes from the environment, so that forks and mirrors need no edit:

    REPOSITORY=https://git.example.org/acme/transloadit-client make dist

Without it the metadata has no URL of a repository, and the long description no link into one, since
a package index would make dead links of those.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)\n*")
_INFO = re.compile(r"^```(\w+) .*$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!https?:|#)([^)]+)\)")


def urls(repository: str) -> dict[str, str]:
    """The URLs that a package index shows."""
    service = {"Transloadit's API": "https://transloadit.com/docs/api/"}
    if not repository:
        return service
    return {
        "Source": repository,
        "Documentation": f"{repository}/blob/main/docs/index.md",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
        "Security": f"{repository}/security/advisories/new",
        **service,
    }


def long_description(readme: str, repository: str) -> str:
    """`readme` for a page outside the repository: its links lead into it, or are none."""
    readme = _INFO.sub(r"```\1", readme)  # words for tests, which an index might not know
    if not repository:
        return _LINK.sub(r"\1", _IMAGE.sub("", readme))
    readme = _IMAGE.sub(rf"![\1]({repository}/raw/main/\2)\n\n", readme)
    return _LINK.sub(rf"[\1]({repository}/blob/main/\2)", readme)


class Addresses(MetadataHookInterface):
    """The hook that hatchling finds in this file."""

    def update(self, metadata: dict[str, Any]) -> None:
        repository = os.environ.get("REPOSITORY", "").rstrip("/")
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = long_description(readme, repository)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        metadata["urls"] = urls(repository)
