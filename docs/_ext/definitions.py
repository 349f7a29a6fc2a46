"""Pages of the catalogue and of what it measures, written from the definitions at each build.

Their figures are those of the example office, which is built for them; a build of the same inputs is not repeated,
so that pages which build the example office themselves find it built.
"""

import shutil
from pathlib import Path

import commitment_pages
import indicator_pages
import shape_pages

from uncac_metrics import build
from uncac_metrics.builds import gather
from uncac_metrics.builds.figures import Plot, draw, figures

WRITTEN = ("catalogue", "paragraphs", "plots")


def write(app) -> None:
    folder, out = Path(app.srcdir) / "_generated", Path(app.srcdir) / "build" / "example"
    release = build(out=out)
    for old in (out / "releases").iterdir():
        if old != release.folder:
            shutil.rmtree(old)
    inputs = gather()
    catalogue, plots = inputs.catalogue, figures(inputs, release.estimates)
    drawn: dict[str, list[Plot]] = {}
    for plot in plots:
        drawn.setdefault(plot.indicator.id, []).append(plot)
    pages = (
        indicator_pages.pages(folder / "catalogue", catalogue, plots, inputs.sources)
        | commitment_pages.index(folder / "declaration.md", catalogue)
        | commitment_pages.paragraph_pages(folder / "paragraphs", catalogue, drawn, release.estimates)
        | commitment_pages.articles(folder / "convention.md", catalogue)
        | commitment_pages.targets(folder / "goals.md", catalogue)
        | shape_pages.page(folder / "input_shapes.md")
        | {folder / "plots" / f"{name}.svg": drawing for name, drawing in map(draw, plots)}
    )
    for path, page in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.write_text(page, encoding="utf-8")
    for name in WRITTEN:
        for path in (folder / name).iterdir():
            if path not in pages:
                path.unlink()


def setup(app) -> dict[str, bool]:
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
