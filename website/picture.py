"""Draws docs/assets/command-line.svg: a terminal in which the command line is at work.

    python -m website.picture

It runs the real commands against the mock server on a slow line, in a terminal of 100 columns, and
draws what the terminal showed in the middle of the upload and at the end.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from transloadit_standin import StandIn

COLUMNS, ROWS = 100, 14
TARGET = Path(__file__).parents[1] / "docs" / "assets" / "command-line.svg"
STEPS = '{"resized": {"robot": "/image/resize", "use": ":original", "width": 300}}'
COMMAND = [
    "run",
    "--steps",
    "steps.json",
    "--step",
    "resized",
    "--save-to",
    "out",
    "beach.jpg",
    "forest.jpg",
]
MIDDLE = re.compile(r"[23]\d\.\d MB of 42\.0 MB")
# rich's own frame, without the fonts that it fetches from another host.
FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 aria-label="transloadit-client uploads two pictures and saves the results">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, monospace;
 line-height: {line_height}px; }}
.{unique_id}-title {{ font: bold 16px system-ui, sans-serif; }}
{styles}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def shown(terminal: pyte.Screen) -> list[Text]:
    """The lines of the terminal, with their colours."""
    lines = []
    for row, plain in enumerate(terminal.display):
        line = Text(plain.rstrip())
        for column, character in terminal.buffer[row].items():
            if character.fg != "default" and column < len(line):
                known = re.fullmatch("[0-9a-f]{6}", character.fg)
                line.stylize(f"#{character.fg}" if known else character.fg, column, column + 1)
        if line:
            lines.append(line)
    return lines


def screens(program: str, environment: dict[str, str]) -> Iterator[list[Text]]:
    """What the terminal shows in the middle of the work, and at its end."""
    terminal = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(terminal)
    child = pexpect.spawn(program, COMMAND, env=environment, dimensions=(ROWS, COLUMNS), timeout=60)
    in_the_middle = False
    with suppress(pexpect.EOF):
        while True:
            stream.feed(child.read_nonblocking(65536, timeout=60))  # type: ignore[arg-type]  # bytes
            if not in_the_middle and MIDDLE.search("\n".join(terminal.display)):
                in_the_middle = True
                yield shown(terminal)
    yield shown(terminal)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, StandIn(upload_rate=10e6) as api:
        os.chdir(folder)
        Path("steps.json").write_text(STEPS, encoding="utf-8")
        for name in ("beach.jpg", "forest.jpg"):
            Path(name).write_bytes(os.urandom(21_000_000))
        environment = {**os.environ, **api.environ, "TERM": "xterm-256color", "HOME": folder}
        program = str(Path(sys.executable).with_name("transloadit-client"))
        shots = list(screens(program, environment))
    console = Console(width=COLUMNS, record=True, file=StringIO())
    for when, lines in zip(("while it uploads:", "and when it is done:"), shots, strict=True):
        if when.startswith("while"):
            console.print(Text(f"$ transloadit-client {' '.join(COMMAND)}", style="bold"))
        console.print(Text(f"# {when}", style="dim"))
        for line in lines:
            console.print(line)
    TARGET.write_text(
        console.export_svg(title="transloadit-client", theme=SVG_EXPORT_THEME, code_format=FORMAT),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
