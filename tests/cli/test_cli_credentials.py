"""Where credentials come from, and which files are not believed."""

import os
from pathlib import Path

import pytest

from transloadit_client import InvalidInput, Secret
from transloadit_client.cli.credentials import Settings, find_settings

PAIR = "TRANSLOADIT_KEY=file_key\nTRANSLOADIT_SECRET=file_secret\n"
AROUND = {"TRANSLOADIT_KEY": "env_key", "TRANSLOADIT_SECRET": "env_secret"}


def stored(text: str, mode: int = 0o600, path: str = "credentials") -> Path:
    file = Path(path)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text.encode())
    file.chmod(mode)
    return file


def found(
    file: Path | None = None,
    *,
    key: str | None = None,
    secret: str | None = None,
    environ: dict[str, str] | None = None,
) -> Settings:
    hidden = Secret(secret) if secret is not None else None
    return find_settings(key=key, secret=hidden, file=file, environ=environ or {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o644, 0o666, 0o610, 0o601])
def test_a_file_open_to_others_is_refused(mode: int) -> None:
    with pytest.raises(InvalidInput, match="chmod 600 credentials") as refused:
        found(stored(PAIR, mode))
    assert "file_secret" not in str(refused.value)


def test_a_file_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = stored(PAIR)
    owner = file.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if owner == 0:
        try:
            os.chown(file, 12345, 12345)
        except PermissionError:
            pytest.skip("the files of this test belong to root, and cannot be given away")

    with pytest.raises(InvalidInput, match="belongs to another user"):
        found(file)


def test_where_files_have_no_modes_they_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "geteuid")  # as on Windows

    assert found(stored(PAIR, 0o644)).key == "file_key"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "neither TRANSLOADIT_KEY and TRANSLOADIT_SECRET nor TRANSLOADIT_AUTH_TOKEN"),
        ("TRANSLOADIT_KEY=file_key", "neither"),
        ("TRANSLOADIT_SECRET=file_secret", "neither"),
        ("TRANSLOADIT_KEY=\nTRANSLOADIT_SECRET=file_secret", "neither"),
        ("#TRANSLOADIT_KEY=a\n# TRANSLOADIT_SECRET=file_secret", "neither"),
        ("[default]\nfile_secret", "neither"),
    ],
)
def test_a_file_without_credentials_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint) as refused:
        found(stored(text), environ=AROUND)
    assert "file_secret" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"cannot read the credentials in nowhere: No such file"):
        found(Path("nowhere"))
    Path("latin").write_bytes(b"TRANSLOADIT_KEY=\xe4")
    Path("latin").chmod(0o600)
    with pytest.raises(InvalidInput, match="not UTF-8"):
        found(Path("latin"))


def test_a_file_that_the_environment_names_must_be_there() -> None:
    with pytest.raises(InvalidInput, match="cannot read the credentials in nowhere"):
        found(environ={"TRANSLOADIT_CREDENTIALS_FILE": "nowhere"})


@pytest.mark.parametrize(("key", "secret"), [("a", None), (None, "b")])
def test_half_a_pair_is_refused(key: str | None, secret: str | None) -> None:
    with pytest.raises(InvalidInput, match="--key and --secret go together"):
        found(key=key, secret=secret, environ=AROUND)


@pytest.mark.parametrize(
    "text",
    [
        PAIR,
        "# mine\n\n TRANSLOADIT_KEY = file_key \r\nTRANSLOADIT_SECRET='file_secret'\r\n",
        'export TRANSLOADIT_KEY=file_key\nexport TRANSLOADIT_SECRET="file_secret"\n',
        "TRANSLOADIT_WORKSPACE=mine\n" + PAIR,
    ],
)
def test_a_file_holds_the_variables_of_the_environment(text: str) -> None:
    settings = found(stored(text))

    assert (settings.key, settings.secret) == ("file_key", Secret("file_secret"))


def test_an_equals_sign_and_quotes_can_stand_in_a_secret() -> None:
    text = "TRANSLOADIT_KEY=k\nTRANSLOADIT_SECRET=a=b'c#d\n"

    assert found(stored(text)).secret == Secret("a=b'c#d")


@pytest.mark.parametrize(
    ("places", "key"),
    [
        ({"arguments", "file", "environment", "home"}, "argument_key"),
        ({"file", "environment", "home"}, "file_key"),
        ({"environment", "home"}, "env_key"),
        ({"home"}, "home_key"),
        (set(), None),
    ],
)
def test_credentials_come_from_the_first_place_that_has_them(
    places: set[str], key: str | None
) -> None:
    if "home" in places:
        home = Path(os.environ["HOME"]) / ".transloadit"
        stored(PAIR.replace("file_", "home_"), path=str(home / "credentials"))
    pair = {"key": "argument_key", "secret": "argument_secret"} if "arguments" in places else {}
    settings = found(
        stored(PAIR) if "file" in places else None,
        environ=AROUND if "environment" in places else {},
        **pair,
    )

    assert settings.key == key
    if key is not None:
        assert settings.secret == Secret(key.replace("_key", "_secret"))


def test_credentials_are_never_put_together_from_two_places() -> None:
    token = stored("TRANSLOADIT_AUTH_TOKEN=file_token")

    assert found(token, environ=AROUND) == Settings(auth_token=Secret("file_token"))
    assert found(stored(PAIR), environ={"TRANSLOADIT_AUTH_TOKEN": "env_token"}).auth_token is None


def test_a_file_that_the_environment_names_stands_for_the_usual_one() -> None:
    file = stored(PAIR, path="elsewhere")

    assert found(environ={"TRANSLOADIT_CREDENTIALS_FILE": str(file)}).key == "file_key"


def test_the_endpoint_of_a_file_goes_before_that_of_the_environment() -> None:
    around = {"TRANSLOADIT_ENDPOINT": "https://around", "TRANSLOADIT_SIGNATURE_ALGORITHM": "sha1"}
    settings = found(stored(PAIR + "TRANSLOADIT_ENDPOINT=https://mine"), environ=around)

    assert settings.base_url == "https://mine"
    assert settings.signature_algorithm == "sha1"


def test_settings_do_not_print_their_secrets() -> None:
    settings = found(stored(PAIR + "TRANSLOADIT_AUTH_TOKEN=file_token"))

    assert "file_key" in repr(settings)
    assert "file_secret" not in repr(settings)
    assert "file_token" not in repr(settings)
