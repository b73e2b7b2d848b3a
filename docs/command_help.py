"""The directive `command-help`: what `autopar COMMAND --help` prints, in the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner
from docutils import nodes
from docutils.parsers.rst import Directive

from autopar.cli import commands

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class CommandHelp(Directive):
    """`.. command-help:: run`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the help text of the command as it is printed."""
        name = self.arguments[0]
        runner = CliRunner(env={"COLUMNS": "92"})
        done = runner.invoke(commands, [name, "--help"], prog_name="autopar", max_content_width=92)
        if done.exit_code:
            raise self.error(f"there is no command {name}")
        return [nodes.literal_block(text=done.output, language="text")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the directive known."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
