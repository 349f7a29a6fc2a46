"""The executed notebooks among the pages, with their stored outputs; nothing is executed here."""

import shutil
from pathlib import Path


def copy(app) -> None:
    source, folder = Path(app.srcdir).parent / "notebooks", Path(app.srcdir) / "_generated" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    books = {path.name: path for path in source.glob("*.ipynb")}
    for name, path in books.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != path.read_bytes():
            shutil.copyfile(path, folder / name)
    for old in folder.iterdir():
        if old.name not in books:
            old.unlink()


def setup(app) -> dict[str, bool]:
    app.connect("builder-inited", copy)
    return {"parallel_read_safe": True}
