"""The reader of the documentation notices what would stop a reader."""

from pathlib import Path

import pytest

from .reader import Block, PageError, Reader, blocks


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    wheel = tmp_path / "wheel"
    (wheel / "pkg-1.dist-info").mkdir(parents=True)
    (wheel / "pkg-1.dist-info" / "METADATA").write_text("Name: pkg\nVersion: 1\n", "utf-8")
    return Reader(tmp_path, wheel)


def read(reader: Reader, page: str) -> None:
    with reader:
        for block in blocks(page):
            reader.read(block)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("```python\nraise SystemExit('no')\n```", "no"),
        ("```shell\nfalse | true\n```", "exit code 1"),
        ("```python\nimport httpx\n```", "ModuleNotFoundError"),
        ("```shell\ntransloadit-client --help\n```", "not found"),
        ("```shell\npip install no-such-thing\n```", "No package metadata"),
        ("```python\nopen('holiday.jpg')\n```", "FileNotFoundError"),
        ("```python\nprint(1)\n```\n```text output\n2\n```", "this was printed"),
        ("```shell server\nsh -c 'echo done'\n```", "does not serve"),
        ("- a list\n\n  ```python\n  raise SystemExit('indented')\n  ```", "indented"),
    ],
    ids=lambda text: ascii(text).replace("\\", "")[:40],
)
def test_what_does_not_work_fails(reader: Reader, page: str, told: str) -> None:
    with pytest.raises(PageError, match=told):
        read(reader, page)


def test_blocks_work_in_one_folder_in_their_order(reader: Reader) -> None:
    page = """
```python title="hello.py"
print(open("name").read().strip(), "and more")
```

```shell
echo Robot > name
python hello.py
```

```text output
Robot and ...
```

```python no-run
raise SystemExit("this does not run")
```
"""

    read(reader, page)

    assert sorted(path.name for path in reader.folder.iterdir()) == ["hello.py", "name"]


def test_what_a_server_exports_is_there_for_later_blocks_until_the_page_ends(
    reader: Reader,
) -> None:
    page = """
```shell server
sh -c 'echo "export WHERE='"'here and there'"'"; echo serving; sleep 60'
```

```shell
test "$WHERE" = "here and there"
```
"""

    read(reader, page)


def test_a_block_knows_its_line_and_its_title() -> None:
    (block,) = blocks('# Title\n\n```yaml title="steps.yaml"\na: 1\n```\n')

    assert block == Block(3, "yaml", 'title="steps.yaml"', "a: 1\n")
    assert block.title == "steps.yaml"
