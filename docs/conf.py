"""Sphinx configuration.

The build needs no network. With ``UNCAC_METRICS_DOCS_ONLINE`` set it links to the pages of other projects.
"""

import os
import sys
from pathlib import Path

os.environ.pop("MPLBACKEND", None)  # pages show their figures, whatever the caller draws with
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import uncac_metrics

project = "uncac_metrics"
author = "uncac_metrics contributors"
copyright = "2026, uncac_metrics contributors"
release = version = uncac_metrics.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "definitions",
    "layers",
    "mathml",
    "notebooks",
]
exclude_patterns = ["_build", "build", "jupyter_execute", "**.ipynb_checkpoints"]
nitpicky = False

# Every number on these pages is computed while they are built; a failing cell fails the build.
nb_execution_mode = "force"
nb_execution_excludepatterns = ["_generated/notebooks/*"]  # stored outputs, which `nox -s notebooks` compares
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

html_math_renderer = "mathml"

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

if os.environ.get("UNCAC_METRICS_DOCS_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "matplotlib": ("https://matplotlib.org/stable", None),
    }

html_theme = "pydata_sphinx_theme"
html_title = "uncac_metrics"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
# The catalogue has too many pages to list beside each of them.
ALONE = ("index", "_generated/[a-z]*", "_generated/catalogue/*", "_generated/paragraphs/*")
html_sidebars = {page: [] for page in ALONE}
html_theme_options = {
    "navigation_with_keys": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
