"""How the pages of this folder become a site: `make docs`, strict and without a network."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
for folder in (ROOT, ROOT / "sandbox"):  # autodoc imports the packages of this checkout
    sys.path.insert(0, str(folder))

project = "Viper"
author = "The authors of Viper"
copyright = "the authors of Viper"
_version = re.search(
    r'__version__ = "(.+)"', (ROOT / "viper" / "storage" / "version.py").read_text()
)
assert _version is not None
release = version = _version[1]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# Pages are plain Markdown, so that they also read well on a forge; a link to a heading is its slug.
myst_heading_anchors = 4
smartquotes_action = "D"  # dashes only; quotation marks stay as they are written

# The Python reference, from docstrings in Google style. Other projects' inventories are not fetched, so
# names of the standard library and of inner modules are shown without a link.
default_role = "code"  # `name` in a docstring is code
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88  # longer ones get a line per parameter
autodoc_type_aliases = {
    "ImageSource": "viper.engine.query.ImageSource",
    "Task": "viper.programs.program.Task",
}
nitpicky = True  # any other name that leads nowhere is an error: put it on reference/python.md
nitpick_ignore_regex = [
    ("py:.*", r"(collections|os|pathlib|types|typing|numpy|PIL)\..*"),
    ("py:.*", r"viper\.(engine|generate|images|methods|models|scheduling|weights)\..*"),
    ("py:.*", r"[A-Z]\w*"),  # names of types that are an alias
    (
        "py:.*",
        r"(viper|viper_sandbox)\..*\.(Annotated|JsonForm|_Failure|_Doubt|_Finding|_CallSite)",
    ),  # how pydantic reads them
    ("py:.*", r".*[\[\]'].*"),  # pieces of a type that Sphinx cannot take apart, such as a Literal
]

exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "Viper"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Keep Napoleon away from attributes: it reads what stands before a colon as the type."""
    kept: dict[str, list[str]] = {}

    def keep(
        app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
    ) -> None:
        if what in ("attribute", "property"):
            kept[name] = list(lines)

    def restore(
        app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
    ) -> None:
        lines[:] = kept.pop(name, lines)

    app.connect("autodoc-process-docstring", keep, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)
