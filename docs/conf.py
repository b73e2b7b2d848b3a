"""How `make docs` builds the site: pages are read where they lie, some are made first.

The source folder is the root of the repository, so that README, ARCHITECTURE and the pages of
`docs` keep the links they have. `docs/codes` and `docs/pictures` are made by this file's
neighbours, from the catalogue of reasons and from what the analysis finds in an example.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import code_pages  # noqa: E402  # found by the line above
import pictures  # noqa: E402
from pygments.lexers.python import PythonLexer  # noqa: E402

from autopar import __version__  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "autopar"
author = "autopar contributors"
copyright = author  # noqa: A001  # Sphinx's name for it
version = release = __version__

extensions = ["command_help", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "docs/**.md"]
exclude_patterns = [".*", "autopar", "benchmarks/*/**", "build", "dist", "study"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}

html_theme = "alabaster"
html_title = f"autopar {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "description": "Loops in parallel that are proven independent",
    "page_width": "74rem",
    "sidebar_width": "15rem",
    "fixed_sidebar": True,
    "font_family": "system-ui, sans-serif",
    "font_size": "16px",
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
highlight_language = "text"
pygments_style = "friendly"


def setup(app: Sphinx) -> None:
    """Make the pages that are made, before Sphinx looks for pages."""
    for other in ("pythran", "dace", "cupy", "jax", "codon"):  # blocks that need another system
        app.add_lexer(other, PythonLexer)
    code_pages.write(HERE / "codes")
    pictures.write(HERE / "pictures")
