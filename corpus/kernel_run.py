"""One run of one notebook in a kernel: `python -m autopar.corpus.kernel_run`.

Before:  a job as JSON on stdin: notebook, folder, with autopar or without, limits
After:   a file of JSON: the outputs and the time of every cell, what autopar decided
"""

from __future__ import annotations

import ast
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from .isolation import NoIsolationError, cut_off_network, limit_resources

_ON = "%load_ext autopar\n%autopar on"
_REPORTS = (
    "__import__('json').dumps("
    "__import__('autopar.magic').magic.session_of(get_ipython()).to_dicts())"
)
# The kernel's process group, for whoever has to end it.
GROUP_FILE = "kernel.pid"


def main() -> int:
    """Run the job that stdin describes."""
    job = json.loads(sys.stdin.read())
    if not job["allow_network"]:
        try:
            cut_off_network()
        except NoIsolationError as error:
            return _written(job, {"status": "refused", "detail": f"no isolation: {error}"})
    limit_resources(job["seconds"], job["memory_bytes"])
    try:
        return _written(job, asyncio.run(_run(job)))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's notebook makes of nbclient
        return _written(
            job, {"status": "fault", "detail": f"{type(error).__name__}: {error}"[:200]}
        )


def _written(job: dict[str, Any], found: dict[str, Any]) -> int:
    Path(job["result"]).write_text(json.dumps(found), encoding="utf-8")
    return 0


async def _run(job: dict[str, Any]) -> dict[str, Any]:
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    notebook = nbformat.read(job["notebook"], as_version=4)  # type: ignore[no-untyped-call]
    # Sockets in the file system: the network that is cut off lacks even localhost.
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=job["socket"])
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=job["cell_seconds"],
        allow_errors=True,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": job["folder"]}},
    )
    found: dict[str, Any] = {"status": "done", "detail": "", "cells": [], "reports": []}
    async with client.async_setup_kernel():
        group = getattr(manager.provisioner, "pgid", None) or 0
        Path(job["result"]).with_name(GROUP_FILE).write_text(str(group), encoding="ascii")
        if job["autopar"]:
            await _quietly(client, _ON)
        await _run_cells(client, job["seconds"], found)
        if job["autopar"] and found["status"] == "done":
            found["reports"] = await _reports(client)
    return found


async def _run_cells(client: Any, seconds: float, found: dict[str, Any]) -> None:  # noqa: ANN401 - nbclient is untyped
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    end = time.monotonic() + seconds
    number = 0
    for index, cell in enumerate(client.nb.cells):
        if cell.cell_type != "code":
            continue
        number += 1
        cell.outputs = []
        started = time.perf_counter()
        try:
            if time.monotonic() > end:
                found["status"], found["detail"] = "timeout", f"before cell {number}"
                return
            await client.async_execute_cell(cell, index)
        except CellTimeoutError:
            found["status"], found["detail"] = "timeout", f"in cell {number}"
            return
        except DeadKernelError:
            found["status"], found["detail"] = "died", f"in cell {number}"
            return
        found["cells"].append(
            {
                "number": number,
                "count": cell.execution_count,
                "source": cell.source,
                "outputs": cell.outputs,
                "seconds": time.perf_counter() - started,
            }
        )


async def _quietly(client: Any, code: str, expression: str | None = None) -> str:  # noqa: ANN401 - as above
    """Run `code` without a trace in the notebook; return the text of an expression after it."""
    asked = {} if expression is None else {"wanted": expression}
    reply = await client.kc.execute_interactive(
        code, silent=True, store_history=False, user_expressions=asked, timeout=60
    )
    content = reply["content"]
    if content["status"] != "ok":
        raise RuntimeError(f"{content.get('ename')}: {content.get('evalue')}")
    wanted = content.get("user_expressions", {}).get("wanted", {})
    return str(wanted.get("data", {}).get("text/plain", ""))


async def _reports(client: Any) -> Any:  # noqa: ANN401 - JSON
    text = await _quietly(client, "", _REPORTS)
    try:
        return json.loads(ast.literal_eval(text))
    except (SyntaxError, ValueError):  # the notebook has changed what our names mean
        return []


if __name__ == "__main__":
    raise SystemExit(main())
