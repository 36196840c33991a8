"""What a `language.toml` says: how one generator is used, as its users would use it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "languages"


@dataclass(frozen=True)
class Gap:
    """Something this generator cannot do; it has to be there, or the entry is out of date."""

    what: str
    """A sentence for the scoreboard."""
    upstream: str = ""
    """Where its authors speak of it."""
    seen: str = ""
    """The name that `judge.wire_habits` gives to it, if it shows on the wire."""
    still: str = ""
    """A command that succeeds as long as the gap is there, if it shows in the generated code."""
    refuses: tuple[str, ...] = ()
    """Rows of `answers.json` that the generated code cannot read; only such as were made up."""


@dataclass(frozen=True)
class Language:
    """One generator with one driver; its folder's name is what `make language NAME=` takes."""

    name: str
    title: str
    language: str
    version: str
    """A command that prints the generator's version."""
    needs: tuple[str, ...] = ()
    """Programs that the machine has to have."""
    node: tuple[str, ...] = ()
    """The packages it needs of those in node/package.json, which are installed for all at once."""
    shared: str = ""
    """The folder below shared/ that holds what no generator writes, in this language."""
    generate: str = ""
    compile: str = ""
    run: str = ""
    strict: str = ""
    """What `compile` insists on, in words."""
    debian: tuple[str, ...] = ()
    """Debian's packages that bring what it needs, where a machine has it not; CI installs them."""
    unavailable: str = ""
    """Why this cannot run anywhere we know of; then there is a row on the scoreboard and no run."""
    available: str = ""
    """A command that succeeds once it can be had after all; each run tries it."""
    unusable: str = ""
    """Why what it writes does not work; then there is a row on the scoreboard and no driver."""
    still: str = ""
    """A command that succeeds as long as that is so, run beside what was generated."""
    files: bool = True
    """Whether it can send files; if not, its driver creates an Assembly without any."""
    gap: tuple[Gap, ...] = field(default=())

    @property
    def no_driver(self) -> str:
        """Why there is a row for it and nothing to run; an empty text where there is."""
        return self.unavailable or self.unusable

    @property
    def folder(self) -> Path:
        """Where its files are written by hand."""
        return HERE / self.name

    @property
    def build(self) -> Path:
        """Where it is generated, compiled and run; nothing in it is committed."""
        return BUILD / self.name

    @property
    def shared_folder(self) -> Path | None:
        """Where its language's own signing is."""
        return HERE / "shared" / self.shared if self.shared else None

    @property
    def refused(self) -> frozenset[str]:
        """The rows of the vectors that a gap says it cannot read."""
        return frozenset(f"answers/{row}" for gap in self.gap for row in gap.refuses)

    def written(self) -> list[Path]:
        """The two files that a user writes: the driver, and what it needs for signing."""
        places = [folder for folder in (self.folder, self.shared_folder) if folder]
        found = [path for place in places for path in sorted(place.iterdir())]
        return [path for path in found if path.stem.lower() in {"driver", "transloadit"}]


def read(name: str) -> Language:
    """Read one manifest; an unknown key is a mistake and raises TypeError."""
    values = tomllib.loads((HERE / name / "language.toml").read_text(encoding="utf-8"))
    values["gap"] = tuple(
        Gap(**{**gap, "refuses": tuple(gap.get("refuses", ()))}) for gap in values.pop("gap", ())
    )
    for key in ("needs", "debian", "node"):
        values[key] = tuple(values.pop(key, ()))
    return Language(name=name, **values)


def names() -> list[str]:
    """All generators: every folder with a manifest."""
    return sorted(path.parent.name for path in HERE.glob("*/language.toml"))
