"""The terminal: `autopar run`, `explain`, `study` and `info`.

Exit status: 0 done; 1 the user's program failed (under `run` its own status); 2 wrong usage,
unreadable input or unwritable output, with one line on stderr.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .input_file import UnreadableError, is_importable, read_bytes, read_source
from .options import BACKENDS, AutoparError
from .version import VERSION

if TYPE_CHECKING:  # heavy: rich, Numba and isl come with these
    from .report import Report
    from .wholefile import RunOutcome

CODE = re.compile(r"AP\d+", re.IGNORECASE)
# Options of `run` that take a value; what follows the script or module is the script's own.
VALUE_OPTIONS = ("--backend", "--json", "--include", "--exclude")

# Stages of `explain` that come after typing.
KERNEL_STAGES = ("program", "kernel-cpu", "kernel-cuda")


class ProgramInterruptedError(Exception):
    """The user's program was ended by Ctrl-C, and has said so."""


class RunCommand(click.Command):
    """`run`, whose `-m MODULE` ends its options just as Python's does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, end_options(args))


def end_options(arguments: Sequence[str]) -> list[str]:
    """Return `arguments` with `--` after `-m MODULE`, so that the rest is the module's.

    Before:  --report -m package --json x
    After:   --report -m package -- --json x
    """
    remaining = iter(enumerate(arguments))
    for position, argument in remaining:
        if argument == "-m" or (argument.startswith("-m") and not argument.startswith("--")):
            end = position + (2 if argument == "-m" else 1)
            if end > len(arguments):  # `-m` without its module
                break
            return [*arguments[:end], "--", *arguments[end:]]
        if argument in VALUE_OPTIONS:
            next(remaining, None)
        elif argument == "--" or not argument.startswith("-"):
            break
    return list(arguments)


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="autopar")
def commands() -> None:
    """Run loops that are proven independent in parallel, and explain all the others."""


@commands.command(cls=RunCommand, context_settings={"allow_interspersed_args": False})
@click.option("--backend", type=click.Choice(BACKENDS), help="Where parallel loops run.")
@click.option("--report", is_flag=True, help="Print what ran where to stderr, at the end.")
@click.option("--json", "json_file", metavar="FILE", help="Write the report to FILE (-: stdout).")
@click.option("--include", multiple=True, metavar="GLOB", help="Take over files that match.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave alone files that match.")
@click.option("-m", "module", metavar="MODULE", help="Run a module instead of a script.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[SCRIPT] [ARGS]...")
@click.pass_context
def run(  # noqa: PLR0913  # click passes each option by name
    context: click.Context,
    /,
    *,
    backend: str | None,
    report: bool,
    json_file: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    module: str | None,
    arguments: tuple[str, ...],
) -> None:
    """Run an unmodified SCRIPT (or -m MODULE) with its loops in parallel.

    ARGS, and its exit status, output and tracebacks, are those of `python SCRIPT`.
    """
    if module is None and not arguments:
        raise click.UsageError("run needs a SCRIPT or -m MODULE.")
    if json_file is not None:
        check_writable(json_file)
    if module is None and not is_importable(arguments[0]):
        read_bytes(Path(arguments[0]))
    from .wholefile import RunOptions, run_module, run_script

    options = RunOptions(backend=backend, include=include, exclude=exclude, is_watched=report)
    try:
        if module is None:
            outcome = run_script(arguments[0], arguments[1:], options)
        else:
            outcome = run_module(module, arguments, options)
    except AutoparError as error:  # of the options; what the program raises ends in its outcome
        raise click.UsageError(str(error)) from error
    show_outcome(outcome, report=report, json_file=json_file)
    if outcome.is_interrupted:
        raise ProgramInterruptedError
    context.exit(outcome.exit_status)


def show_outcome(outcome: RunOutcome, *, report: bool, json_file: str | None) -> None:
    """Print and write the report of a run, as asked for."""
    if json_file is not None:
        reports = [each.to_dict() for each in (outcome.report, *outcome.modules)]
        write_text(json_file, as_json(reports if outcome.modules else reports[0]))
    if report:
        from .render import render_text
        from .run_summary import run_summary

        plain = replace(outcome.report, time=None)
        texts = [render_text(each).strip("\n") for each in (plain, *outcome.modules)]
        texts += run_summary(outcome.report, several_files=bool(outcome.modules))
        click.echo("\n\n".join(texts), err=True)  # stdout belongs to the user's program


@commands.command()
@click.option("--json", "as_json_", is_flag=True, help="Print JSON (an array for several files).")
@click.option("--html", "html_file", metavar="OUT", help="Write an HTML page to this file.")
@click.option(
    "--stage", metavar="STAGE", help="Print what one stage of the analysis made of the file."
)
@click.option(
    "--types",
    metavar="TYPES",
    help="Argument types for the stages program, kernel-cpu and kernel-cuda: a=float64[:], n=int.",
)
@click.argument("targets", nargs=-1, required=True, metavar="FILE|FILE:FUNCTION|CODE...")
@click.pass_context
def explain(
    context: click.Context,
    /,
    *,
    as_json_: bool,
    html_file: str | None,
    stage: str | None,
    types: str | None,
    targets: tuple[str, ...],
) -> None:
    """Report which loops are parallel and why the others are not; runs none of their code.

    With a diagnostic CODE such as AP401: print its manual page.
    """
    if as_json_ + (html_file is not None) + (stage is not None) > 1:
        raise click.UsageError("choose one of --json, --html and --stage.")
    if types is not None and stage is None:
        raise click.UsageError("--types goes with --stage.")
    if html_file is not None:
        check_writable(html_file)
    reports: list[Report] = []
    status = 0
    for target in targets:
        try:
            if CODE.fullmatch(target):
                show_page(target.upper())
            elif stage is not None:
                show_stage(target, stage, types)
            else:
                reports.append(explain_target(target))
        except UnreadableError as error:
            show_error(error)
            status = 2
    show_reports(reports, as_array=len(targets) > 1, is_json=as_json_, html_file=html_file)
    context.exit(status)


def show_page(code: str) -> None:
    """Print the manual page of a diagnostic code."""
    from .render import render_page

    page = render_page(code)
    if page is None:
        raise UnreadableError(f"there is no diagnostic code {code}.")
    click.echo(page, nl=False)


def split_target(target: str) -> tuple[Path, str | None]:
    """Return the file and the function that FILE:FUNCTION names; None for all functions."""
    name, colon, function = target.rpartition(":")
    if colon and name and not Path(target).exists():
        return Path(name), function
    return Path(target), None


def explain_target(target: str) -> Report:
    """Return the static report of a file, or of one of its functions."""
    path, function = split_target(target)
    if path.suffix == ".ipynb":
        read_bytes(path)
    else:
        read_source(path)
    from .decorator import explain as explain_file

    try:
        report = explain_file(path)
    except (OSError, SyntaxError) as error:
        raise UnreadableError(f"{path} cannot be explained: {error}.") from error
    except RecursionError as error:
        raise UnreadableError(f"{path} has expressions that are nested too deeply.") from error
    if path.suffix == ".ipynb":
        tell_left_out(path)
    if function is None:
        return report
    functions = tuple(each for each in report.functions if each.name == function)
    if not functions:
        raise UnreadableError(f"{path} has no function '{function}'.")
    spans = {loop.span for each in functions for loop in each.loops}
    return replace(
        report,
        content=replace(report.content, functions=functions),
        ordered=lambda: tuple(each for each in report.ordered() if each.span in spans),
    )


def tell_left_out(path: Path) -> None:
    """Say which cells of a notebook are not in its report, because they are no Python."""
    from .notebook_file import left_out

    cells = left_out(path)
    if cells:
        click.echo(f"autopar: {path}: left out: {', '.join(cells)}.", err=True)


def show_stage(target: str, stage: str, types: str | None) -> None:
    """Print what `stage` made of the target; the stages after typing need the `types`."""
    path, function = split_target(target)
    source = read_source(path)
    from autopar.analysis.model.source import SourceText
    from autopar.analysis.stages import stage_texts

    text = SourceText(path=str(path), text=source, cell=None)
    if stage in KERNEL_STAGES:
        if types is None:
            raise click.UsageError(f"stage '{stage}' needs --types, such as 'a=float64[:], n=int'.")
        from .preview import preview_kernels

        kernels = preview_kernels(text, types, function)
        texts = {name.replace(" ", "-"): kernel for name, kernel in kernels.items()}
    else:
        texts = stage_texts(text, function)
    if not texts:
        raise UnreadableError(f"{path} has no function '{function}'.")
    if stage not in texts:
        names = ", ".join((*texts, *KERNEL_STAGES))
        raise click.UsageError(f"there is no stage '{stage}'; stages are {names}.")
    click.echo(texts[stage].rstrip("\n"))


def show_reports(
    reports: list[Report], *, as_array: bool, is_json: bool, html_file: str | None
) -> None:
    """Print the reports in the form asked for, or write them to `html_file`."""
    if not reports:
        return
    if is_json:
        contents = [report.to_dict() for report in reports]
        click.echo(as_json(contents if as_array else contents[0]), nl=False)
    elif html_file is not None:
        from .html_report import page

        write_text(html_file, page(*(report.whole() for report in reports)))
    else:
        click.echo("\n\n".join(str(report) for report in reports))


@commands.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("study"),
    show_default=True,
    help="Folder for the results.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; as many as processors.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many, by name.")
@click.option("--resume", is_flag=True, help="Go on with the study in the output folder.")
@click.option("--scheduler", metavar="ADDRESS", help="Work on the Dask cluster at this address.")
@click.option(
    "--execute",
    is_flag=True,
    help="RUN the notebooks too, without autopar and with it. Dangerous: see above.",
)
@click.option(
    "--allow-network", is_flag=True, help="With --execute: let what is run use the network."
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.pass_context
def study(  # noqa: PLR0913  # click passes each option by name
    context: click.Context,
    /,
    *,
    output: Path,
    jobs: int | None,
    limit: int | None,
    resume: bool,
    scheduler: str | None,
    execute: bool,
    allow_network: bool,
    paths: tuple[str, ...],
) -> None:
    """Measure how much of the notebooks and scripts below PATH could run in parallel.

    PATH is a folder, a file, a pattern, or a zip or tar archive. None of their code is run,
    unless --execute is given.

    --execute runs every notebook that has loops, without autopar and with it, and compares. Code
    of strangers is dangerous: it runs with limits of time and memory, without network, in a copy
    of its folder, but it can read and change whatever you can. Use it in a container or a virtual
    machine that holds nothing of value.
    """
    if execute and scheduler is not None:
        raise click.UsageError("--execute runs on this machine: it goes without --scheduler.")
    if allow_network and not execute:
        raise click.UsageError("--allow-network says what --execute may do: it goes with it.")
    try:
        from autopar.corpus.cluster import NoClusterError
        from autopar.corpus.manifest import NothingFoundError
        from autopar.corpus.study import Settings

        from . import study_command
    except ImportError as error:
        message = f"study needs the extra 'study' ({error}): pip install 'autopar[study]'."
        raise UnreadableError(message) from error
    settings = Settings(
        output=output,
        jobs=jobs or study_command.default_jobs(),
        limit=limit,
        resume=resume,
        scheduler=scheduler,
        execute=study_command.run_limits(allow_network=allow_network) if execute else None,
    )
    try:
        outcome = study_command.study(paths, settings)
    except (NothingFoundError, NoClusterError) as error:
        raise UnreadableError(str(error)) from error
    except ImportError as error:  # what the work itself needs: pebble, distributed, matplotlib
        extra = "study" if scheduler is None else "study,dask"
        message = f"study needs the extra '{extra}' ({error})."
        raise UnreadableError(message) from error
    except OSError as error:
        raise UnreadableError(f"{output} cannot be written: {error}.") from error
    study_command.show(outcome, output)
    context.exit(0 if outcome.is_complete else 130)


@commands.command()
@click.option("--calibrate", is_flag=True, help="Measure this machine first; takes some seconds.")
def info(calibrate: bool) -> None:  # noqa: FBT001  # click calls it by name
    """Print versions, backends and devices, threads, the cache folder, rates of the cost model."""
    from .info import describe_installation

    if calibrate:
        from autopar.codegen.cache import user_cache

        from .calibration import calibrate as measure

        measure(user_cache())
    rows = describe_installation()
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        lines = value.replace("\n", "\n" + " " * (width + 2))
        click.echo(f"{name:<{width}}  {lines}")


def as_json(content: Any) -> str:  # noqa: ANN401  # JSON is what it is
    """Return `content` as indented JSON, ending with a newline."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def check_writable(name: str) -> None:
    """Raise UnreadableError where the output file `name` could not be written.

    Asked before the work, so that a run of an hour does not lose its report to a typing error.
    """
    if name == "-":
        return
    path = Path(name)
    if path.is_dir():
        raise UnreadableError(f"{path} is a folder, not a file.")
    if not path.parent.is_dir():
        raise UnreadableError(f"{path.parent} is not a folder.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UnreadableError(f"{path} cannot be written.")


def write_text(name: str, text: str) -> None:
    """Write `text` to the file `name`, or to stdout for "-"."""
    if name == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"{name} cannot be written: {error.strerror}.") from error


def show_error(error: click.ClickException) -> None:
    """Print `error` as one line on stderr."""
    click.echo(f"autopar: {' '.join(error.format_message().split())}", err=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status of the command line `arguments` (those of the process if None)."""
    try:
        status = commands.main(arguments, prog_name="autopar", standalone_mode=False)
    except click.ClickException as error:
        show_error(error)
        return 2
    except AutoparError as error:  # AUTOPAR_BACKEND names none that exists
        click.echo(f"autopar: {error}", err=True)
        return 2
    except ProgramInterruptedError:
        if arguments is None:  # then the process ends of the signal, as Python's does
            sys.excepthook = lambda *_: None
            raise KeyboardInterrupt from None
        return 130
    except click.Abort:
        return 130  # 128 + SIGINT, as a shell has it
    except BrokenPipeError:
        # The reader left (`| head`).
        _drop_stdout()
        return 1
    except OSError as error:  # what the user's program raises does not come here
        _drop_stdout()
        click.echo(f"autopar: the output cannot be written: {error.strerror}.", err=True)
        return 2
    return status if isinstance(status, int) else 0


def _drop_stdout() -> None:
    """Give stdout a sink: Python flushes it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
