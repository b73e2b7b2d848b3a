"""autopar: loops that are proven independent run in parallel, all others as before.

The public names are loaded on first use (PEP 562), so that `import autopar` and
`import autopar.analysis.model` cost neither Numba nor isl nor NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .version import VERSION

if TYPE_CHECKING:
    from autopar.analysis.facts.overlap import overlap
    from autopar.decorator import explain, parallel
    from autopar.options import BackendError, BackendWarning
    from autopar.report import Report

__version__ = VERSION

__all__ = [
    "BackendError",
    "BackendWarning",
    "Report",
    "__version__",
    "explain",
    "overlap",
    "parallel",
]

_HOME = {
    "BackendError": "autopar.options",
    "BackendWarning": "autopar.options",
    "Report": "autopar.report",
    "explain": "autopar.decorator",
    "load_ipython_extension": "autopar.magic",  # `%load_ext autopar`
    "unload_ipython_extension": "autopar.magic",
    "overlap": "autopar.analysis.facts.overlap",
    "parallel": "autopar.decorator",
}


def __getattr__(name: str) -> object:
    """Return the public `name`, importing the module it lives in."""
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next access does not come here again
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted(__all__)
