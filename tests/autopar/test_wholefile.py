"""`autopar run` beside `python`: output, status and tracebacks byte for byte.

All scripts run with AUTOPAR_BACKEND=cpu, so that their short loops are taken over.
"""

from __future__ import annotations

import json
import signal
import subprocess
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Same = Callable[..., "subprocess.CompletedProcess[str]"]
HEAD = "import numpy as np\n"


@pytest.fixture
def same_run(tmp_path: Path, python: Callable[..., Any]) -> Same:
    """Return what runs a script both ways, compares, and hands on the outcome of `autopar run`."""

    def run(
        source: str,
        *arguments: str,
        options: tuple[str, ...] = (),
        name: str = "script.py",
        typed: str = "",
    ) -> subprocess.CompletedProcess[str]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return both(name, *arguments, options=options, typed=typed)

    def both(
        *arguments: str, options: tuple[str, ...] = (), typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        environment = {"AUTOPAR_BACKEND": "cpu"}
        plain = python(*arguments, typed=typed)
        ours = python(
            "-m", "autopar", "run", *options, *arguments, environment=environment, typed=typed
        )
        assert (plain.returncode, plain.stdout) == (ours.returncode, ours.stdout), ours.stderr
        if "--report" not in options:
            assert plain.stderr == ours.stderr
        return ours

    run.both = both  # type: ignore[attr-defined]
    return run


@pytest.fixture
def loops(tmp_path: Path) -> Callable[[], dict[str, list[str]]]:
    """Return what reads report.json: {function: [where each loop ran, "-" if no guard was asked]}."""

    def read() -> dict[str, list[str]]:
        report = json.loads((tmp_path / "report.json").read_text())
        return {
            function["name"]: [
                loop["ran"]["backend"] if "ran" in loop else "-" for loop in function["loops"]
            ]
            for function in report["functions"]
        }

    return read


REPORT = ("--json", "report.json")


# ---------------------------------------------------------------------------- module level


def test_names_of_module_level_loops_live_on(same_run, loops):
    same_run(
        HEAD
        + """
a = np.zeros(7)
total = 0.0
for i in range(7):
    a[i] = i * 0.5
    t = a[i]
for i in range(7):
    total = total + a[i]
print(i, type(i), t, type(t), total, type(total), sorted(n for n in dir() if n[0] != "_"))
if a[0] == 0:
    for j in range(3):
        a[j] = 1.0
    print(j)
for k in range(0):
    a[k] = 5.0
print("k" in globals())
try:
    print(k)
except NameError as error:
    print(type(error), error)
try:
    for m in range(9):
        a[m] = 2.0
except IndexError as error:
    print(m, error)
for i in range(2):
    for j in range(3):
        a[j] = a[j] + i
else:
    print("else", i, j)
while i < 4:
    for q in range(i):
        a[q] = q
    i += 1
print(a, q)
if i > 100:
    z = 1
for w in range(3):
    a[w] = a[w] * 2.0
    if i > 100:
        z = 2
print("z" in globals())
with np.errstate(all="ignore"):
    for i in range(a.shape[0]):
        a[i] = a[i] / 0.0
print(a, i)
del i
print("i" in globals())
""",
        options=REPORT,
    )
    assert "cpu" in loops()["<module>"]
    assert "interpreter" in loops()["<module>"]


def test_surroundings_of_the_module_are_those_of_a_script(same_run):
    same_run(
        """
        '''The docstring.'''
        from __future__ import annotations
        import sys, os
        print(__name__, __file__, __doc__, sys.argv, __package__, __spec__, __builtins__)
        print(sys.modules["__main__"].__dict__ is globals(), type(__loader__).__name__)
        print(sys.path[0] == os.getcwd(), sorted(name for name in globals() if name[:2] == "__"))
        print(sys.flags.interactive, sys.orig_argv is not None)
        x: int = 3
        print(__annotations__)
        import __main__
        print(__main__.x)
        if __name__ == "__main__":
            print("main")
        """,
        "one",
        "--two",
        "-x",
        "--report",
    )


def test_script_in_a_folder_finds_its_neighbours(same_run, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "neighbour.py").write_text("value = 42\nname = __name__\n")
    same_run(
        "import neighbour, sys\nprint(neighbour.value, neighbour.name, __file__, sys.argv[0])",
        name="sub/script.py",
    )


def test_linked_script_finds_the_neighbours_of_the_original(same_run, tmp_path):
    source = "import neighbour, sys\nprint(neighbour.value, __file__, sys.argv, sys.path[0])"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "neighbour.py").write_text("value = 42\n")
    (tmp_path / "sub" / "script.py").write_text(source)
    (tmp_path / "link.py").symlink_to("sub/script.py")
    (tmp_path / "folder").symlink_to("sub")
    same_run.both("link.py")
    same_run.both("folder/../folder/script.py")


def test_coding_cookie_and_encodings(same_run, tmp_path):
    (tmp_path / "latin.py").write_bytes(
        "# -*- coding: latin-1 -*-\nprint('caf\xe9')\n".encode("latin-1")
    )
    same_run.both("latin.py")
    (tmp_path / "bom.py").write_bytes(b"\xef\xbb\xbfprint('bom')\r\nprint(__file__)\r\n")
    same_run.both("bom.py")


def test_standard_input_reaches_the_script(same_run):
    same_run("import sys\nprint(input(), sys.stdin.read())\n", typed="first\nsecond\n")


def test_global_constant_changed_between_loops(same_run):
    same_run(
        HEAD
        + """
import math
def root(a):
    for i in range(a.shape[0]):
        a[i] = math.sqrt(a[i])
a = np.arange(4.0)
root(a)
math.sqrt = lambda x: 7.0
root(a)
print(a)
for i in range(4):
    a[i] = math.sqrt(a[i]) + 1
print(a)
range = lambda n: [0]
for i in range(4):
    a[i] = 100.0
print(a)
"""
    )


# --------------------------------------------------------------------- statuses and tracebacks

ENDINGS = {
    "exit 3": "import sys\nsys.exit(3)",
    "exit text": "import sys\nsys.exit('text')",
    "exit nothing": "raise SystemExit",
    "exit 300": "raise SystemExit(300)",
    "exit list": "raise SystemExit([1, 2])",
    "exit unbuffered": "import sys\nprint('a', end='')\nsys.stderr.write('b')\nsys.exit(0)",
    "atexit": "import atexit\natexit.register(print, 'bye')\n1 / 0",
    "hook": "import sys\nsys.excepthook = lambda *e: print('hook', e[0].__name__, e[2].tb_frame.f_lineno)\n1 / 0",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e",
    "group": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
    "note": "e = ValueError('v')\ne.add_note('a note')\nraise e",
    "nested": "def f(n):\n    return f(n - 1) if n else 1 / 0\nf(3)",
    "assertion": "assert 1 == 2, 'no'",
    "syntax in eval": "eval('1 +')",
    "name": "prnt('x')",
    "os exit": "import os\nos._exit(9)",
    "thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\nt.start()\nt.join()",
    "warning": "import warnings\nwarnings.warn('careful')\nwarnings.warn('old', DeprecationWarning)",
}


@pytest.mark.parametrize(
    "source",
    [
        "print('never')\nfor\n",
        "x = 1\n  y = 2\n",
        "def f(x):\n    global x\n",
        "return 1\n",
        "x = " + "-" * 200_000 + "1\n",
    ],
    ids=["syntax", "indent", "global", "return", "deep"],
)
def test_script_that_is_no_python_ends_as_under_python(source, same_run):
    same_run(source)


def test_what_python_warns_of_in_a_text_is_said_once(same_run):
    same_run("x = 3\nfor i in range(3):\n    print(x is 3, '\\d')\n")


@pytest.mark.parametrize("kind", ENDINGS)
def test_program_ends_as_under_python(kind, same_run):
    same_run(ENDINGS[kind])


def test_traceback_has_the_lines_of_the_script_and_none_of_ours(same_run):
    done = same_run(
        HEAD
        + """
class Grid:
    def __init__(self, n):
        self.a = np.zeros(n)

    def fill(self, n):
        a = self.a
        for i in range(n):
            a[i] = 1.0 / (i - 30)
        return self

def outer(n):
    for k in range(2):
        Grid(5).fill(n)

a = np.arange(3.0)
for i in range(3):
    a[i] = a[i] + 1.0
print(Grid(4).fill(4).a)
outer(
    6,
)
"""
    )
    assert 1 == done.returncode
    assert "IndexError: index 5 is out of bounds" in done.stderr
    assert "autopar" not in done.stderr


def test_traceback_of_a_module_level_loop(same_run):
    done = same_run(HEAD + "a = np.zeros(3)\nfor i in range(5):\n    a[i] = 1.0\n")
    assert "line 4, in <module>" in done.stderr


def test_warning_of_a_loop_is_given_as_under_python(same_run):
    same_run(
        HEAD
        + """
a = np.array([1e200, 2.0])
for turn in range(2):
    for i in range(2):
        a[i] = a[i] * a[i] * a[i]
b = np.zeros(2)
for i in range(2):
    b[i] = a[i] / b[i]
print(a, b)
"""
    )


INTERRUPTED = """
import atexit, os, signal
atexit.register(print, "at exit")
file = open("left_open.txt", "w")
file.write("kept")
os.kill(os.getpid(), signal.SIGINT)
for i in range(10**9): pass
"""


def test_interrupted_program_ends_of_the_signal(same_run, tmp_path):
    done = same_run(INTERRUPTED)
    assert (-signal.SIGINT, "at exit\n") == (done.returncode, done.stdout)
    assert "kept" == (tmp_path / "left_open.txt").read_text()
    (tmp_path / "left_open.txt").unlink()
    same_run.both("-m", "script", options=("--report",))
    assert "kept" == (tmp_path / "left_open.txt").read_text()


def test_a_program_may_end_like_an_interrupted_one(same_run):
    assert 130 == same_run("raise SystemExit(130)\n").returncode


# --------------------------------------------------------------------- functions and classes


def test_functions_of_all_kinds_are_taken_over(same_run, loops):
    same_run(
        HEAD
        + """
import functools
from dataclasses import dataclass, field

def plain(a, k=2.0, *, shift=0.0):
    "Docstring."
    for i in range(a.shape[0]):
        a[i] = a[i] * k + shift
    return a

print(plain(np.arange(3.0)), plain(np.arange(3.0), 3.0, shift=1.0), plain.__doc__, plain.__defaults__)

class Base:
    scale = 3.0
    def grow(self, a):
        k = self.scale
        for i in range(a.shape[0]):
            a[i] = a[i] * k
        return a
    @classmethod
    def make(cls, n):
        a = np.zeros(n)
        for i in range(n):
            a[i] = i
        return cls, a
    @staticmethod
    def half(a):
        for i in range(a.shape[0]):
            a[i] = a[i] / 2.0
        return a
    @property
    def ten(self):
        a = np.zeros(3)
        for i in range(3):
            a[i] = 10.0
        return a

class Derived(Base):
    def grow(self, a):
        a, k = super().grow(a), __class__.scale
        for i in range(a.shape[0]):
            a[i] = a[i] + k
        return a

print(Derived().grow(np.arange(3.0)), Base.make(2), Derived.make(1), Base.half(np.ones(2)), Derived().ten)

@dataclass(frozen=True)
class Field:
    n: int
    cells: np.ndarray = field(repr=False, compare=False, default=None)
    def filled(self):
        a = np.zeros(self.n)
        for i in range(a.shape[0]):
            a[i] = 1.5
        return Field(self.n, a)

print(Field(3), Field(3).filled().cells, Field(2) == Field(2).filled())

def make(k):
    def inner(a):
        for i in range(a.shape[0]):
            a[i] = a[i] + k
        return a
    return inner

print(make(1.0)(np.zeros(2)), make(2.0)(np.zeros(2)), make(1)(np.zeros(2, int)))

@functools.lru_cache
def cached(n):
    a = np.zeros(n)
    for i in range(n):
        a[i] = i
    return a

print(cached(3), cached(3) is cached(3), cached.cache_info())

def generator(a):
    for i in range(a.shape[0]):
        a[i] = 1.0
        yield i

print(list(generator(np.zeros(3))), (lambda a: [x for x in a])(np.ones(2)))
""",
        options=REPORT,
    )
    where = loops()
    for name in ("plain", "Base.grow", "Derived.grow", "Base.half", "Base.make", "Field.filled"):
        assert ["cpu"] == where[name], name


def test_classes_and_functions_of_the_script_are_pickled(same_run):
    same_run(
        HEAD
        + """
import copy, pickle
class Point:
    def __init__(self, n):
        self.a = np.zeros(n)
        for i in range(n):
            self.a[i] = i
    def __eq__(self, other):
        return bool((self.a == other.a).all())
def fill(a):
    for i in range(a.shape[0]):
        a[i] = 1.0
    return a
point = pickle.loads(pickle.dumps(Point(3)))
print(point == Point(3), type(point), Point.__module__, pickle.loads(pickle.dumps(fill)) is fill)
print(b"__main__" in pickle.dumps(Point(1)), copy.deepcopy(point).a, fill.__module__, fill)
""".replace(", fill)\n", ", fill.__qualname__)\n")
    )


def test_source_of_the_script_is_found(same_run):
    same_run(
        HEAD
        + """
import inspect, sys
def fill(a):
    # a comment
    for i in range(a.shape[0]):
        a[i] = 1.0
    return a
class Thing:
    def method(self):
        for i in range(3):
            pass
fill(np.zeros(2))
print(inspect.getsource(fill), inspect.getsource(Thing), inspect.getsourcefile(fill))
print(inspect.signature(fill), fill.__code__.co_firstlineno, fill.__code__.co_filename, fill.__name__)
print(inspect.currentframe().f_lineno, sys._getframe().f_code.co_name, type(fill))
"""
    )


def test_processes_started_by_the_script_find_its_functions(same_run):
    same_run(
        HEAD
        + """
import multiprocessing
def fill(n):
    a = np.zeros(n)
    for i in range(n):
        a[i] = i * 2.0
    return a.sum()
if __name__ == "__main__":
    fill(3)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(fill, [2, 3, 4]))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(fill, [2, 3, 4]))
"""
    )


def test_exec_eval_and_locals_see_what_they_would(same_run):
    same_run(
        HEAD
        + """
def f(a):
    for i in range(a.shape[0]):
        a[i] = i
    return sorted(locals()), eval("i"), vars()["i"]
print(f(np.zeros(3)))
space = {}
exec("def g(n):\\n    for i in range(n):\\n        pass\\n    return i", space)
print(space["g"](3))
a = np.zeros(2)
for i in range(2):
    a[i] = 1.0
print(eval("i, a.sum()"))
exec("for i in range(5): pass")
print(i)
"""
    )


# ------------------------------------------------------------------------------- modules


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "sub").mkdir(parents=True)
    (folder / "__init__.py").write_text("print('package', __name__)\n")
    (folder / "sub" / "__init__.py").write_text("")
    (folder / "other.py").write_text(
        HEAD
        + "def ones(n):\n    a = np.zeros(n)\n    for i in range(n):\n        a[i] = 1.0\n    return a\n"
    )
    body = HEAD + textwrap.dedent(
        """
        import sys
        from {dots}other import ones
        a = ones(3)
        for i in range(3):
            a[i] = a[i] + i
        print(a, __name__, __package__, __spec__.name, __file__, sys.argv)
        print(sys.path[0])
        if len(sys.argv) > 2:
            a[7]
        """
    )
    (folder / "__main__.py").write_text(body.format(dots="."))
    (folder / "module.py").write_text(body.format(dots="."))
    (folder / "sub" / "deep.py").write_text(body.format(dots=".."))
    return folder


@pytest.mark.parametrize("name", ["package", "package.module", "package.sub.deep"])
def test_module_runs_as_under_python(name, package, same_run):
    same_run.both("-m", name, "--flag")


MAIN_OF_A_FOLDER = """
import sys
from beside import total
print(__name__, __file__, __package__, __spec__.name, sys.argv, sys.path[0], total(5))
if len(sys.argv) > 2:
    total(None)
"""


@pytest.mark.parametrize("is_archive", [False, True])
def test_a_folder_and_an_archive_run_as_under_python(is_archive, same_run, tmp_path):
    texts = {
        "__main__.py": MAIN_OF_A_FOLDER,
        "beside.py": "def total(n):\n    s = 0\n    for i in range(n):\n        s += i\n    return s\n",
    }
    (tmp_path / "application").mkdir()
    with zipfile.ZipFile(tmp_path / "application.zip", "w") as archive:
        for name, text in texts.items():
            (tmp_path / "application" / name).write_text(text)
            archive.writestr(name, text)
    name = "application.zip" if is_archive else "application"
    done = same_run.both(name, "a", "b")
    assert (1, "'NoneType' object cannot" in done.stderr) == (done.returncode, True)


def test_module_that_fails_has_the_traceback_that_it_has_under_python(package, same_run):
    done = same_run.both("-m", "package.module", "a", "b")
    assert "_run_module_as_main" in done.stderr
    assert "IndexError" in done.stderr


def test_modules_that_cannot_run_are_said_as_python_says_it(package, same_run):
    (package / "broken.py").write_text("import no_such_thing\n")
    (package / "wrong.py").write_text("for\n")
    for name in ("package.nothing", "package.broken", "package.wrong", "json", "zipimport"):
        same_run.both("-m", name)


TESTED = """
import numpy as np

def ones(n):
    '''
    >>> ones(3)
    array([1., 1., 1.])
    >>> ones(2)
    array([1., 2.])
    '''
    a = np.zeros(n)
    for i in range(n):
        a[i] = 1.0
    return a
"""


def test_a_module_of_python_runs_as_it_is_and_takes_those_of_the_program_along(same_run, tmp_path):
    (tmp_path / "tested.py").write_text(TESTED)
    done = same_run.both("-m", "doctest", "tested.py", options=REPORT)
    assert 1 == done.returncode
    (none, report) = json.loads((tmp_path / "report.json").read_text())
    assert [] == none["functions"]
    assert ("tested.py", "cpu") == (
        report["file"],
        report["functions"][0]["loops"][0]["ran"]["backend"],
    )


def test_missing_module_is_said_as_python_says_it(same_run):
    same_run.both("-m", "no_such_module_anywhere")


# ------------------------------------------------------------------------------- options

TWO_LOOPS = (
    HEAD
    + """
def f(a):
    for i in range(a.shape[0]):
        a[i] = 1.0
f(np.zeros(4))
for i in range(3):
    pass
print("out")
"""
)


def test_report_goes_to_stderr_and_output_to_stdout(same_run):
    done = same_run(TWO_LOOPS, options=("--report",))
    assert "out\n" == done.stdout
    assert "2 loops: 2 parallel" in done.stderr
    assert "cpu" in done.stderr


DECORATED = """
import autopar
import numpy as np

@autopar.parallel(strict=True)
def total(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i]
    return s

class Counter:
    @autopar.parallel(backend="interpreter")
    def count(self, x):
        s = 0
        for i in range(len(x)):
            s += x[i] > 0.5
        return s

x = np.random.default_rng(1).random(100_000)
print(repr(total(x)), Counter().count(x), total.__wrapped__(x) == total(x))
print([loop.header for function in total.last_run.functions for loop in function.loops])
"""


def test_decorated_functions_of_a_script_belong_to_their_decorators(same_run, loops):
    same_run(DECORATED, options=REPORT)
    assert {"<module>": ["-"], "total": ["cpu"], "Counter.count": ["-"]} == loops()


NEST = """
import autopar
import numpy as np

@autopar.parallel
def smoothed(a, b):
    for i in range(1, len(a) - 1):
        b[i] = 0.5 * (a[i - 1] + a[i + 1])

@autopar.parallel
def smoothed_often(a, b, m):
    for t in range(m):
        print(t)
        smoothed(a, b)
        a, b = b, a
    for i in range(len(a)):
        a[i] = a[i] * 2.0
    return a

print(smoothed_often(np.arange(50.0), np.zeros(50), 7).sum())
print([loop.ran.calls for each in smoothed.last_run.functions for loop in each.loops])
"""


def test_every_call_of_a_decorated_function_is_told_once(tmp_path, same_run):
    """Of a decorated function that calls another one, too."""
    same_run(NEST, options=REPORT)
    report = json.loads((tmp_path / "report.json").read_text())
    calls = {
        (each["name"], loop["line"]): loop["ran"]["calls"]
        for each in report["functions"]
        for loop in each["loops"]
        if "ran" in loop
    }
    assert {("smoothed", 7): 7, ("smoothed_often", 16): 1} == calls
    kernels = [each for each in report["time"]["spells"] if each["what"] == "kernel"]
    assert [("smoothed.L7C4", 7), ("smoothed_often.L16C4", 1)] == sorted(
        (each["loop"], each["calls"]) for each in kernels
    )
    spent = [each["seconds"] for each in report["time"]["spells"] if each["what"] != "interpreter"]
    assert sum(spent) <= report["time"]["seconds"]


def test_report_follows_a_failure(same_run):
    done = same_run(TWO_LOOPS + "raise SystemExit(4)\n", options=("--report",))
    assert 4 == done.returncode
    assert "2 loops: 2 parallel" in done.stderr
    done = same_run(TWO_LOOPS + "1 / 0\n", options=("--report",))
    assert done.stderr.index("ZeroDivisionError") < done.stderr.index("2 loops: 2 parallel")


def test_json_goes_to_stdout_after_the_output(tmp_path, python):
    (tmp_path / "script.py").write_text(TWO_LOOPS)
    done = python(
        "-m", "autopar", "run", "--json", "-", "script.py", environment={"AUTOPAR_BACKEND": "cpu"}
    )
    first, rest = done.stdout.split("\n", 1)
    report = json.loads(rest)
    assert "out" == first
    assert ("script.py", 1) == (report["file"], report["schema"])
    assert ["<module>", "f"] == sorted(function["name"] for function in report["functions"])
    (loop,) = next(each["loops"] for each in report["functions"] if each["name"] == "f")
    assert ("cpu", 1, 4) == tuple(loop["ran"][key] for key in ("backend", "calls", "iterations"))


def test_excluded_script_runs_untouched(same_run, tmp_path):
    same_run(TWO_LOOPS, options=(*REPORT, "--exclude", "*script*"))
    assert [] == json.loads((tmp_path / "report.json").read_text())["functions"]


def test_included_script_is_taken_over(same_run, loops):
    same_run(TWO_LOOPS, options=(*REPORT, "--include", "*script*"))
    assert ["cpu"] == loops()["f"]


def test_script_that_is_not_included_runs_untouched(same_run, loops):
    same_run(TWO_LOOPS, options=(*REPORT, "--include", "other*"))
    assert {} == loops()


def test_backend_option_wins_over_the_environment(same_run, loops):
    same_run(TWO_LOOPS, options=(*REPORT, "--backend", "interpreter"))
    assert "cpu" not in str(loops())


def test_disabled_run_is_plain_python(tmp_path, python, loops):
    (tmp_path / "script.py").write_text(TWO_LOOPS)
    environment = {"AUTOPAR_DISABLE": "1", "AUTOPAR_BACKEND": "cpu"}
    done = python("-m", "autopar", "run", *REPORT, "script.py", environment=environment)
    assert "out\n" == done.stdout
    assert "cpu" not in str(loops())


def test_script_on_the_cuda_simulator(tmp_path, python, loops):
    (tmp_path / "script.py").write_text(TWO_LOOPS)
    environment = {"NUMBA_ENABLE_CUDASIM": "1"}
    done = python(
        "-m", "autopar", "run", "--backend", "cuda", *REPORT, "script.py", environment=environment
    )
    assert "out\n" == done.stdout, done.stderr
    assert ["cuda"] == loops()["f"]


CLASSES = """
    from dataclasses import dataclass, field
    import settings

    @dataclass
    class Grid:
        n: int
        u: np.ndarray = field(init=False)
        v: np.ndarray = field(init=False)
        total: float = 0.0

        def __post_init__(self):
            self.u = np.arange(float(self.n))
            self.v = np.zeros(self.n)
            self.__hidden = np.ones(self.n)

        def steps(self, count):
            for t in range(count):
                for i in range(1, self.n - 1):
                    self.v[i] = settings.RATE * (self.u[i - 1] + self.u[i + 1])
                self.u, self.v = self.v, self.u

        def add(self):
            for i in range(self.n):
                self.total += self.u[i] * self.__hidden[i]

    class Counted(Grid):
        asked = 0

        @property
        def size(self):
            Counted.asked += 1
            return self.n

        def fill(self):
            for i in range(self.size):
                self.v[i] = i

    g = Counted(50)
    g.steps(3)
    g.add()
    g.fill()
    for i in range(g.n):
        g.total += g.v[i]
        g.u[i] = settings.RATE
    print(g, Counted.asked, type(g.total))
"""


def test_classes_of_a_script(same_run, loops, tmp_path):
    (tmp_path / "settings.py").write_text("RATE = 0.5\n")
    same_run(HEAD + textwrap.dedent(CLASSES), options=REPORT)
    ran = loops()
    assert ran["Grid.steps"] == ["cpu", "cpu"]
    assert ran["Grid.add"] == ["cpu"]
    assert ran["Counted.fill"] == ["interpreter"]
    assert ran["<module>"] == ["cpu"]


def test_loop_that_prints_and_stores_is_split(same_run, loops):
    same_run(
        """
        def f(x):
            return x * x + 1.0

        table = {}
        for k in range(20):
            table[k] = f(k * 0.5)
        for k in range(20):
            print(k, f(k * 0.5), table[k])
        """,
        options=("--json", "report.json"),
    )
    assert loops()["<module>"][:2] == ["cpu", "cpu"]
