"""What people are told on the way, and the errors that carry it."""

import pickle
from pathlib import Path

import pytest
from attrs.exceptions import FrozenInstanceError

from transloadit_client import (
    AssemblyFailed,
    AssemblyFile,
    AssemblyStatus,
    DownloadIncomplete,
    FileChanged,
    InvalidInput,
    MissingFile,
    Progress,
    SavedFile,
    StillBusy,
    TransloaditError,
    UploadIncomplete,
)

STATUS = AssemblyStatus.from_dict({"ok": "ASSEMBLY_EXECUTING", "assembly_id": "a" * 32})
FILE = AssemblyFile.from_dict({"name": "cat.jpg", "size": 3})


@pytest.mark.parametrize(
    ("error", "carried"),
    [
        (StillBusy("…"), {"assembly_id": "a" * 32, "status": STATUS}),
        (AssemblyFailed("…"), {"assembly_id": "a" * 32, "status": STATUS, "code": "X"}),
        (UploadIncomplete("…"), {"assembly_url": "https://…", "missing": ("a.jpg",)}),
        (
            DownloadIncomplete("…"),
            {
                "saved": (SavedFile("resized", FILE, Path("cat.jpg")),),
                "missing": (MissingFile("resized", FILE, "it has no URL"),),
            },
        ),
        (FileChanged("…"), {}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_pickle_with_all_they_carry(
    error: TransloaditError, carried: dict[str, object]
) -> None:
    for name, value in carried.items():
        assert hasattr(error, name)
        setattr(error, name, value)

    woken = pickle.loads(pickle.dumps(error))

    assert type(woken) is type(error)
    assert str(woken) == "…"
    assert {name: getattr(woken, name) for name in carried} == carried


def test_a_changed_file_is_refused_input() -> None:
    assert issubclass(FileChanged, InvalidInput)


def test_progress_says_nothing_of_what_is_not_at_hand_and_does_not_change() -> None:
    progress = Progress(assembly_id="a" * 32, phase="executing", status=STATUS)

    assert (progress.bytes_to_send, progress.percent, progress.results) == (None, None, ())
    with pytest.raises(FrozenInstanceError):
        progress.phase = "done"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert pickle.loads(pickle.dumps(progress)) == progress
