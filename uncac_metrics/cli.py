"""The command ``uncac-metrics``. Whatever takes long to import is imported by the command that needs it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from uncac_metrics.languages.table import UN
from uncac_metrics.model import Fault, Faults

CODES = """\
exit codes:
  0  built, nothing new to build, or nothing wrong
  1  faults in definitions, data or a release: nothing was published
  2  the command was not understood
  3  partly built: what had faults was left out, or taken over from the last release (--continue-on-failure)
"""
KINDS = ("paragraph", "article", "target", "crime")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv
        Arguments; those of the process where not given.

    Returns
    -------
    int
        The exit code: 0 all well or nothing new, 1 faults, 2 usage.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Chinese letters is no reason to stop
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except Faults as caught:
        return _tell(caught.faults)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as caught:
        return _tell([Fault(str(caught.filename or "file system"), "", caught.strerror or str(caught))])
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="uncac-metrics",
        description="Indicators of corruption, and of what prevents and combats it, from an office's own data.",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    parser.set_defaults(run=_version)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    office_help = "the office's folder, with office.toml in it (default: the bundled example office)"

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip

    check = command("check", "find everything that is wrong with definitions, sources and data")
    check.add_argument("office", nargs="?", metavar="OFFICE", help=office_help)
    check.add_argument("--allow-code", action="store_true", help="run worked cases of methods of the office's own too")
    check.set_defaults(run=_check)

    build = command("build", "compute all indicators that the data allow and publish them, whole or not at all")
    build.add_argument("office", nargs="?", metavar="OFFICE", help=office_help)
    build.add_argument("--out", required=True, metavar="DIR", help="output folder; DIR/current is the last release")
    build.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="processes; -1: one a processor (default: 1)")
    build.add_argument("--only", nargs="+", metavar="ID", help="ids of the indicators to publish (default: all)")
    build.add_argument("--since", default="", metavar="PERIOD", help="take estimates of earlier periods from the last "
                       "release instead of reading their data")  # fmt: skip
    build.add_argument("--cluster", default="", metavar="ADDRESS", help="compute on the Dask cluster of this scheduler")
    build.add_argument("--force", action="store_true", help="compute everything again; it must come out the same")
    build.add_argument("--continue-on-failure", action="store_true",
                       help="publish what is free of faults; exit code 3 where something was not")  # fmt: skip
    build.add_argument("--allow-code", action="store_true", help="let methods of the office's own run")
    build.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    build.add_argument("--notify", metavar="FILE", help="write there what became of the build, for a message: a link "
                       "and counts, no data")  # fmt: skip
    build.add_argument("--link", default="", metavar="URL", help="where the release will be read, for --notify")
    build.set_defaults(run=_build)

    verify = command("verify", "prove that releases hold the very files that were built, and no others")
    verify.add_argument("folder", metavar="DIR", help="output folder of builds, or one release in it")
    verify.set_defaults(run=_verify)

    show = command("show", "show a card, or a commitment and the indicators that measure it")
    show.add_argument(
        "what",
        nargs="+",
        metavar="WHAT",
        help="BR-01, paragraph 74, article 15, target 16.5",
    )
    show.add_argument("--lang", choices=UN, default="en",
                      help="language of labels, and of names and titles that have one in it (default: en)")  # fmt: skip
    show.add_argument("--office", metavar="OFFICE", help="take the cards of this office too")
    show.set_defaults(run=_show)

    new = command("new", "write a new definition to fill in")
    new.add_argument("kind", choices=("indicator",), help="what to write")
    new.add_argument("id", metavar="ID", help="its id, such as XX-01")
    new.add_argument("--folder", default="indicators", metavar="DIR", help="where to write it (default: indicators)")
    new.set_defaults(run=_new, usage=new)
    return parser


def _version(arguments: argparse.Namespace) -> int:
    from uncac_metrics import __version__

    if not arguments.version:
        _parser().print_usage(sys.stderr)
        print("uncac-metrics: error: a command is needed: check, build, verify, show or new", file=sys.stderr)
        return 2
    print(f"uncac-metrics {__version__}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from uncac_metrics.builds.check import check

    found = check(arguments.office, allow_code=arguments.allow_code)
    for key, method in found.methods.items():
        print(f"{key}: runs code of the office's own: {method}")
    for flag in found.flags:
        print(f"flagged: {flag}")
    if found.faults:
        return _tell(found.faults)
    print("nothing wrong: " + ", ".join(f"{count:,} {name}" for name, count in found.counts.items()))
    return 0


def _build(arguments: argparse.Namespace) -> int:
    # One thread in linear algebra: sums come out the same whatever the number of processes and processors.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from uncac_metrics.builds import build
    from uncac_metrics.builds.notice import notice

    if arguments.dry_run:
        return _outlook(arguments)
    given = ("only", "since", "jobs", "cluster", "force", "continue_on_failure", "allow_code")
    log = _Log(sys.stderr)
    faults: Sequence[Fault] = ()
    release = None
    try:
        release = build(
            arguments.office, arguments.out, **{name: getattr(arguments, name) for name in given}, progress=log.step
        )
        faults = release.faults
    except Faults as caught:
        faults = caught.faults
    log.faults(faults)
    if arguments.notify:
        Path(arguments.notify).write_text(notice(release, faults, arguments.out, arguments.link), encoding="utf-8")
    if release is None:
        return 1
    page = Path(arguments.out) / "current" / "public" / "index.html"
    if release.new:
        indicators = release.estimates["indicator"].nunique()
        print(f"release {release.id}: {len(release.estimates):,} estimates of {indicators} indicators: {page}")
    else:
        print(f"nothing new: the release of these inputs is {release.id}: {page}")
    return 3 if faults else 0


def _outlook(arguments: argparse.Namespace) -> int:
    from uncac_metrics.builds import prepare

    given = ("only", "since", "force", "allow_code")
    plan = prepare(arguments.office, arguments.out, **{name: getattr(arguments, name) for name in given})
    if plan.faults:
        return _tell(plan.faults)
    for job in plan.jobs:
        what = "known from an earlier build" if job.dataset in plan.known or plan.nothing_new else "to be computed"
        print(f"data set {job.dataset}: {len(job.indicators)} indicators of its shape: {what}")
    for key, entry in plan.carried.items():
        print(f"data set {key}: taken over from release {entry['carried_from']}")
    former = plan.former.id if plan.former else "none"
    print(
        f"last release: {former}; " + ("nothing new to build" if plan.nothing_new else "a new release would be built")
    )
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from uncac_metrics.builds import verify

    for release in verify(arguments.folder):
        print(f"release {release}: whole")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from uncac_metrics.builds.describe import describe_commitment, describe_indicator
    from uncac_metrics.builds.links import KINDS as TABLES
    from uncac_metrics.builds.links import rows
    from uncac_metrics.catalogue import load_catalogue
    from uncac_metrics.languages import language

    what = arguments.what
    catalogue = load_catalogue(*([arguments.office] if arguments.office else []))
    width = min(110, shutil.get_terminal_size((96, 24)).columns)
    style: dict[str, Any] = {"lang": language(arguments.lang, arguments.office), "width": width}
    if len(what) == 2 and what[0].lower() in TABLES:
        kind, code = what[0].lower(), what[1].upper()
        if code not in rows(kind):
            return _unknown(f"{kind} {code}", code, rows(kind))
        print(describe_commitment(kind, code, catalogue, **style), end="")
        return 0
    if len(what) == 1:
        card = {key.upper(): card for key, card in catalogue.items()}.get(what[0].upper())
        if card is not None:
            print(describe_indicator(card, **style), end="")
            return 0
    return _unknown(" ".join(what), what[0], [*catalogue, *TABLES])


def _new(arguments: argparse.Namespace) -> int:
    from importlib.resources import files

    from uncac_metrics.cards import ID
    from uncac_metrics.catalogue import load_catalogue

    key, path = arguments.id, Path(arguments.folder) / f"{arguments.id}.toml"
    if not ID.fullmatch(key):
        arguments.usage.error(
            f"{key!r} cannot be an id: capitals and digits joined by hyphens, a number last, as in BR-01"
        )
    taken = load_catalogue().get(key)
    if taken is not None:
        return _tell([Fault(key, "", f"the id is taken by {taken.name!r}", "choose another one")])
    template = files("uncac_metrics.builds").joinpath("templates", "card.toml").read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(template.replace("{{ id }}", key))
    except FileExistsError:
        return _tell([Fault(str(path), "", "is there already and is left as it is", "choose another id or folder")])
    print(f"{path}: fill it in, then run uncac-metrics check")
    return 0


def _jobs(text: str) -> int:
    jobs = int(text)
    if jobs < 1 and jobs != -1:
        raise argparse.ArgumentTypeError("a number of processes from 1 up, or -1")
    return jobs


def _tell(faults: Sequence[Fault]) -> int:
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} fault{'s' if len(faults) > 1 else ''}", file=sys.stderr)
    return 1


def _unknown(name: str, word: str, known: Collection[str]) -> int:
    from uncac_metrics.tables import nearest

    near = nearest(word, known) or nearest(word.upper(), known)
    print(f"{name}: nothing of that name{'; ' + near if near else ''}", file=sys.stderr)
    return 2


class _Log:
    """A bar on a terminal; elsewhere a line of JSON for every event."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.terminal = stream, stream.isatty()

    def step(self, done: int, total: int, what: str) -> None:
        """Tell that a step is done."""
        if not self.terminal:
            self._line("info", event="step", done=done, total=total, what=what)
            return
        full = 24 * done // total
        text = f"[{'█' * full}{'·' * (24 - full)}] {done}/{total} {what}"
        end = "\n" if done == total else ""
        print(f"\r{text[: shutil.get_terminal_size().columns - 1]}\x1b[K", end=end, file=self.stream, flush=True)

    def faults(self, faults: Sequence[Fault]) -> None:
        """Tell what is wrong."""
        if self.terminal and faults:
            _tell(faults)
            return
        for fault in faults:
            self._line("error", event="fault", text=str(fault), **asdict(fault))
        if faults:
            self._line("error", event="faults", count=len(faults))

    def _line(self, level: str, **event: object) -> None:
        head = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level}
        print(json.dumps(head | event, ensure_ascii=False), file=self.stream, flush=True)
