"""The folder that results are saved in."""

import os
from contextlib import suppress
from pathlib import Path

from .._errors import InvalidInput


def checked_folder(save_to: object) -> Path:
    """The folder, which need not be there yet.

    Raises:
        InvalidInput: it is no path, or that of something else.
    """
    if not isinstance(save_to, str | os.PathLike):
        raise InvalidInput(
            f"save_to is of type {type(save_to).__name__}; it takes the path of a folder"
        )
    folder = Path(os.fsdecode(save_to))
    with suppress(OSError):  # what may not even be looked at is told when it is written to
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"save_to is {os.fspath(folder)!r}, which is no folder")
    return folder
