"""Write docs/cli.md from the help of every command.

python tools/cli_reference.py [--check]

With --check nothing is written; exit 1 if the file is not what would be written.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from varstore.cli.main import main as program

TARGET = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
WIDTH = 100
HEAD = """\
# Command line

Made from `--help` by `tools/cli_reference.py` (`make docs`); do not edit.

Exit status: 0 done; 1 the data or the state does not allow it (an unknown region, sample or file too),
with one sentence on the error stream; 2 the command line itself cannot be read.
"""


def contexts(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[click.Context]:
    """The context of a command and of all below it, in the order they are shown."""
    sizes = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, parent=parent, info_name=name, **{**sizes, **command.context_settings})
    yield context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from contexts(found, child, context)


def reference() -> str:
    """The whole page."""
    sections = [HEAD]
    for context in contexts(program, "varstore"):
        lines = "\n".join(line.rstrip() for line in context.get_help().splitlines())
        sections.append(f"## {context.command_path}\n\n```text\n{lines}\n```\n")
    return "\n".join(sections)


def main() -> None:
    """Write the page, or compare it."""
    text = reference()
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            sys.exit(f"{TARGET.name} is not what --help says: run `make docs`")
        print("docs/cli.md is what --help says")
        return
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
