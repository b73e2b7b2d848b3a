"""`@autopar.parallel` as users meet it: what is decorated, what it says, what steers it."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import math
import pickle
import sys
import textwrap
import threading
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import guard
from autopar.options import BACKENDS, AutoparError, choose_options
from tests.sameness import loops_of, notes, places, same


def scale(a, k=2.0, *, shift=0.0):
    """Scale in place."""
    for i in range(a.shape[0]):
        a[i] = a[i] * k + shift
    return a


@autopar.parallel
def bare(a):
    """Add one to each."""
    for i in range(a.shape[0]):
        a[i] = a[i] + 1.0
    return a


@autopar.parallel(backend="cpu", cache=False)
def with_arguments(a: np.ndarray, n: int = 4) -> np.ndarray:
    """Add one to the first."""
    for i in range(n):
        a[i] = a[i] + 1.0
    return a


class Field:
    """Methods of all kinds."""

    factor = 3.0

    def __init__(self, n):
        self.cells = np.arange(float(n))

    @autopar.parallel(backend="cpu")
    def grow(self, by):
        """Grow."""
        cells = self.cells
        for i in range(cells.shape[0]):
            cells[i] = cells[i] + by
        return self

    @classmethod
    @autopar.parallel(backend="cpu")
    def of(cls, a):
        k = cls.factor
        for i in range(a.shape[0]):
            a[i] = a[i] * k
        return cls

    @staticmethod
    @autopar.parallel(backend="cpu")
    def half(a):
        for i in range(a.shape[0]):
            a[i] = a[i] / 2.0
        return a

    @autopar.parallel(backend="cpu")
    @staticmethod
    def decorated_above(a):
        for i in range(a.shape[0]):
            a[i] = a[i] / 2.0
        return a

    @property
    @autopar.parallel(backend="cpu")
    def doubled(self):
        cells = self.cells.copy()
        for i in range(cells.shape[0]):
            cells[i] = cells[i] * 2.0
        return cells

    @autopar.parallel(backend="cpu")
    def __private(self, a):
        for i in range(a.shape[0]):
            a[i] = a[i] + self.__hidden()
        return a

    def __hidden(self):
        return 1.0

    def call_private(self, a):
        return self.__private(a)


class Wider(Field):
    def grow(self, by):
        return super().grow(2 * by)


# ------------------------------------------------------------------------------ decorating


def test_bare_decorator_returns_what_the_function_returns():
    assert [1.0, 2.0, 3.0] == bare(np.arange(3.0)).tolist()


def test_decorator_takes_arguments():
    assert [1.0, 2.0, 3.0, 4.0, 4.0] == with_arguments(np.arange(5.0)).tolist()
    assert ["cpu"] == places(with_arguments)


def test_decorator_with_empty_parentheses_is_the_bare_one():
    assert [1.0, 3.0] == autopar.parallel()(scale)(np.arange(2.0), shift=1.0).tolist()


def test_wrapped_is_the_undecorated_function():
    assert autopar.parallel(scale).__wrapped__ is scale
    assert inspect.unwrap(autopar.parallel(scale)) is scale


@pytest.mark.parametrize("name", ["__name__", "__qualname__", "__module__", "__doc__", "__dict__"])
def test_metadata_is_that_of_the_function(name):
    marked = functools.partialmethod  # anything with attributes of its own
    vars(scale)["tag"] = marked
    try:
        decorated = autopar.parallel(scale)
        expected = getattr(scale, name)
        actual = getattr(decorated, name)
    finally:
        del vars(scale)["tag"]
    if name == "__dict__":
        assert actual["tag"] is marked
    else:
        assert expected == actual


def test_signature_is_that_of_the_function():
    assert inspect.signature(scale) == inspect.signature(autopar.parallel(scale))
    annotated = with_arguments.__wrapped__
    assert inspect.signature(annotated) == inspect.signature(with_arguments)
    assert annotated.__annotations__ == with_arguments.__annotations__


def test_source_is_that_of_the_function():
    assert inspect.getsource(scale) == inspect.getsource(autopar.parallel(scale))


@pytest.mark.parametrize("given", [3, "cpu", (bare,)])
def test_what_cannot_be_called_is_not_decorated(given):
    hint = r"write parallel\(backend='cpu'\)" if given == "cpu" else "decorates a function"
    with pytest.raises(TypeError, match=hint):
        autopar.parallel(given)


def test_decorated_function_is_callable_and_a_routine_of_its_module():
    assert callable(bare)
    assert "test_decorator" in bare.__module__
    assert "bare" in repr(bare)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_decorated_function_is_pickled_by_name(protocol, monkeypatch):
    monkeypatch.setitem(
        __import__("sys").modules, bare.__module__, inspect.getmodule(bare.__wrapped__) or _module()
    )
    assert pickle.loads(pickle.dumps(bare, protocol)) is bare


def _module():
    import types

    module = types.ModuleType(bare.__module__)
    module.__dict__.update(globals())
    return module


def test_decorated_function_is_copied_as_functions_are():
    assert copy.copy(bare) is bare
    assert copy.deepcopy(bare) is bare


# ------------------------------------------------------------------------- kinds of functions


def test_method_is_bound_to_its_instance():
    field = Field(4)
    assert field.grow(1.0) is field
    assert [1.0, 2.0, 3.0, 4.0] == field.cells.tolist()
    assert ["cpu"] == places(Field.grow)
    assert field.grow.__self__ is field
    assert field.grow.__func__ is Field.__dict__["grow"]


def test_method_is_called_through_its_class_and_through_super():
    field = Wider(2)
    Field.grow(field, 1.0)
    field.grow(by=1.0)
    assert [3.0, 4.0] == field.cells.tolist()


def test_classmethod_stands_above_the_decorator():
    a = np.arange(3.0)
    assert Field.of(a) is Field
    assert Wider.of(a) is Wider
    assert [0.0, 9.0, 18.0] == a.tolist()


def test_staticmethod_stands_above_the_decorator():
    a = np.arange(3.0)
    assert Field.half(a) is a
    assert Field(1).half(a) is a
    assert [0.0, 0.25, 0.5] == a.tolist()


def test_staticmethod_beneath_the_decorator_is_called_unchanged():
    a = np.arange(3.0)
    # Through the class, as a plain staticmethod would be.
    assert Field.decorated_above(a) is a
    assert [0.0, 0.5, 1.0] == a.tolist()
    assert "AP101" == refusal_code(Field.__dict__["decorated_above"])


def test_property_stands_above_the_decorator():
    assert [0.0, 2.0, 4.0] == Field(3).doubled.tolist()


def test_private_names_of_a_class_are_found():
    assert [2.0, 3.0] == Field(1).call_private(np.arange(1.0, 3.0)).tolist()


def test_defaults_and_keyword_arguments_are_kept():
    decorated = same(scale, lambda: (np.arange(5.0),), ran="cpu")
    assert [1.0, 4.0] == decorated(a=np.arange(2.0), k=3.0, shift=1.0).tolist()
    assert scale.__defaults__ == inspect.unwrap(decorated).__defaults__
    with pytest.raises(TypeError, match=r"scale\(\) takes from 1 to 2 positional arguments"):
        decorated(1, 2, 3)
    with pytest.raises(TypeError, match=r"scale\(\) got an unexpected keyword argument 'q'"):
        decorated(np.arange(2.0), q=1)


def test_changed_default_is_seen():
    def power(a, k=2.0):
        for i in range(a.shape[0]):
            a[i] = a[i] * k
        return a

    decorated = autopar.parallel(backend="cpu")(power)
    power.__defaults__ = (5.0,)
    assert [5.0] == decorated(np.ones(1)).tolist()


def test_star_arguments_are_handed_on():
    def collect(*arrays, **numbers):
        (a,) = arrays
        k = numbers["k"]
        for i in range(a.shape[0]):
            a[i] = a[i] * k
        return a

    decorated = autopar.parallel(backend="cpu")(collect)
    assert [0.0, 4.0] == decorated(np.arange(2.0), k=4.0).tolist()
    assert ["cpu"] == places(decorated)


def test_closure_is_read_at_each_call():
    k = 2.0

    def times(a):
        for i in range(a.shape[0]):
            a[i] = a[i] * k
        return a

    decorated = same(times, lambda: (np.arange(3.0),), ran="cpu")
    k = 5.0
    assert [0.0, 5.0] == decorated(np.arange(2.0)).tolist()


def test_nonlocal_is_written():
    total = 0

    def count(a):
        nonlocal total
        for i in range(a.shape[0]):
            a[i] = a[i] + 1.0
        total += 1
        return a

    decorated = autopar.parallel(backend="cpu")(count)
    decorated(np.zeros(2))
    decorated(np.zeros(2))
    assert 2 == total


def test_function_made_anew_by_each_call_has_its_own_closure():
    def make(k):
        @autopar.parallel(backend="cpu")
        def times(a):
            for i in range(a.shape[0]):
                a[i] = a[i] * k
            return a

        return times

    two, three = make(2.0), make(3.0)
    assert [2.0] == two(np.ones(1)).tolist()
    assert [3.0] == three(np.ones(1)).tolist()
    assert [2.0] == two(np.ones(1)).tolist()


def test_nested_function_runs():
    def outer(a):
        def inner(b):
            for i in range(b.shape[0]):
                b[i] = b[i] + 1.0

        inner(a)
        for i in range(a.shape[0]):
            a[i] = a[i] * 2.0
        inner(a)
        return a

    decorated = same(outer, lambda: (np.arange(3.0),))
    assert "cpu" in places(decorated)


def test_recursive_function_runs_and_reports_its_outermost_call():
    def halve(a, depth):
        for i in range(a.shape[0]):
            a[i] = a[i] / 2.0
        if depth:
            decorated(a, depth - 1)
        return a

    decorated = autopar.parallel(backend="cpu")(halve)
    assert [0.125] == decorated(np.ones(1), 2).tolist()
    assert 1 == loops_of(decorated.last_run)[0]["ran"]["calls"]


def test_callback_may_call_the_function_again():
    def each(a, callback):
        for i in range(a.shape[0]):
            a[i] = a[i] + 1.0
        callback()
        for i in range(a.shape[0]):
            a[i] = a[i] * 2.0
        return a

    decorated = autopar.parallel(backend="cpu")(each)
    inner = np.zeros(2)
    result = decorated(np.zeros(3), lambda: decorated(inner, lambda: None))
    assert [2.0, 2.0, 2.0] == result.tolist()
    assert [2.0, 2.0] == inner.tolist()


def test_decorated_function_calls_another():
    @autopar.parallel(backend="cpu")
    def outer(a):
        for i in range(a.shape[0]):
            a[i] = a[i] - 1.0
        return with_arguments(a, n=1)

    assert [1.0, 1.0] == outer(np.array([1.0, 2.0])).tolist()


def test_decorator_twice_is_harmless():
    twice = autopar.parallel(autopar.parallel(backend="cpu")(scale))
    assert [0.0, 2.0] == twice(np.arange(2.0)).tolist()


def test_decorators_above_and_below_are_kept():
    calls = []

    def noted(function):
        @functools.wraps(function)
        def note(*args):
            calls.append(function.__name__)
            return function(*args)

        return note

    @noted
    @autopar.parallel(backend="cpu")
    def above(a):
        for i in range(a.shape[0]):
            a[i] = a[i] + 1.0
        return a

    @autopar.parallel(backend="cpu")
    @noted
    def below(a):
        for i in range(a.shape[0]):
            a[i] = a[i] + 1.0
        return a

    assert [1.0] == above(np.zeros(1)).tolist()
    assert [1.0] == below(np.zeros(1)).tolist()
    assert ["above", "below"] == calls


# ------------------------------------------------------------------------------ the reports


def test_explain_needs_no_call():
    decorated = autopar.parallel(scale)
    (loop,) = loops_of(decorated.explain())
    assert ("parallel", "static", "AP001") == (loop["verdict"], loop["stage"], loop["code"])
    assert "ran" not in loop
    assert decorated.last_run is None


def test_explain_takes_plain_and_decorated_functions():
    plain, decorated = autopar.explain(scale), autopar.explain(autopar.parallel(scale))
    assert plain.to_dict() == decorated.to_dict()


def test_explain_takes_modules_and_paths(tmp_path):
    file = tmp_path / "heat.py"
    file.write_text("def f(a):\n    for i in range(len(a)):\n        a[i] = 0\n")
    expected = [("f", 1)]
    assert expected == names_and_lines(autopar.explain(file))
    assert expected == names_and_lines(autopar.explain(str(file)))
    assert ("overlap", 1) not in names_and_lines(autopar.explain(autopar.options))


def names_and_lines(report):
    return [(each["name"], each["line"]) for each in report.to_dict()["functions"]]


def test_explain_of_a_number_is_a_type_error():
    with pytest.raises(TypeError, match="cannot explain 3"):
        autopar.explain(3)


def test_last_run_is_of_the_last_call():
    decorated = autopar.parallel(backend="cpu")(scale)
    decorated(np.zeros(7))
    assert 7 == loops_of(decorated.last_run)[0]["ran"]["iterations"]
    decorated(np.zeros(3, object))
    assert ["interpreter"] == places(decorated)
    assert "AP506" in notes(decorated)[0]


def test_last_run_survives_an_exception():
    decorated = autopar.parallel(backend="cpu")(scale)
    with pytest.raises(AttributeError):
        decorated(None)
    assert loops_of(decorated.last_run)


def test_inspect_source_holds_every_kernel():
    decorated = autopar.parallel(backend="cpu")(scale)
    assert {} == decorated.inspect_source()
    decorated(np.zeros(2))
    (line,) = (loop["line"] for loop in loops_of(decorated.explain()))
    assert [f"scale.L{line}C4"] == list(decorated.inspect_source())
    decorated(np.zeros(2, np.float32))
    names = list(decorated.inspect_source())
    assert [f"scale.L{line}C4", f"scale.L{line}C4#2"] == names
    assert all("def run(" in text for text in decorated.inspect_source().values())


LOOP_KEYS = {
    "id": str,
    "line": int,
    "end_line": int,
    "depth": int,
    "header": str,
    "verdict": str,
    "stage": str,
    "condition": (str, type(None)),
    "assumes": list,
    "code": str,
    "reason": str,
    "reductions": list,
    "private": list,
    "transform": list,
    "dependences": list,
}
DEPENDENCE_KEYS = {
    "kind": str,
    "variable": str,
    "source_line": int,
    "sink_line": int,
    "distance": (list, type(None)),
    "direction": list,
}
RAN_KEYS = {
    "backend": str,
    "calls": int,
    "iterations": (int, type(None)),
    "seconds": (float, type(None)),
}


def several_verdicts(a, b, k, n):
    total = 0.0
    for i in range(b.shape[0]):
        t = b[i] * 2.0
        b[i] = t + 1.0
    for i in range(b.shape[0]):
        total = total + b[i]
    for i in range(n):
        a[i + k] = a[i]
    for i in range(1, b.shape[0]):
        b[i] = b[i - 1] + 1.0
    while n > 0:
        n = n - len(str(n))
    for i in range(b.shape[0]):
        for j in range(b.shape[0]):
            a[i] = b[j]
    return total


def to_dict(report):
    assert report is not None
    return report.to_dict()


def assert_keys(expected, entry):
    assert set(expected) <= set(entry)
    for key, kind in expected.items():
        assert isinstance(entry[key], kind), (key, entry[key])


def test_report_has_the_schema_of_the_interface():
    decorated = autopar.parallel(backend="cpu")(several_verdicts)
    decorated(np.arange(30.0), np.arange(9.0), 9, 9)
    report = to_dict(decorated.last_run)
    assert {"schema", "autopar", "file", "functions", "time"} == set(report)
    assert (1, autopar.__version__) == (report["schema"], report["autopar"])
    assert report["file"].endswith("test_decorator.py")
    (function,) = report["functions"]
    assert {"name", "line", "loops"} == set(function)
    assert ("several_verdicts", inspect.getsourcelines(several_verdicts)[1]) == (
        function["name"],
        function["line"],
    )
    loops = function["loops"]
    for loop in loops:
        assert_keys(LOOP_KEYS, loop)
        assert set(loop) - set(LOOP_KEYS) <= {"ran"}
        if "ran" in loop:
            assert_keys(RAN_KEYS, loop["ran"])
            assert loop["ran"]["backend"] in {"cuda", "cpu", "interpreter"}
        for dependence in loop["dependences"]:
            assert_keys(DEPENDENCE_KEYS, dependence)
    expected = ["parallel", "reduction", "conditional", "sequential", "unsupported"]
    assert expected == [loop["verdict"] for loop in loops][:5]
    assert [0, 0, 0, 0, 0, 0, 1] == [loop["depth"] for loop in loops]
    assert sorted({loop["id"] for loop in loops}) == sorted(loop["id"] for loop in loops)
    assert "call" == loops[2]["stage"]


def test_report_prints_and_shows_as_html():
    report = autopar.parallel(scale).explain()
    assert "for i in range(a.shape[0])" in str(report)
    assert "autopar" in report._repr_html_()


# ------------------------------------------------------------------------- what steers it


def test_disabled_decorator_is_the_identity(monkeypatch):
    monkeypatch.setenv("AUTOPAR_DISABLE", "1")
    assert autopar.parallel(scale) is scale
    assert autopar.parallel(backend="cpu")(scale) is scale


def test_disable_zero_disables_nothing(monkeypatch):
    monkeypatch.setenv("AUTOPAR_DISABLE", "0")
    assert autopar.parallel(scale) is not scale


def test_backend_of_the_environment_is_taken(monkeypatch):
    monkeypatch.setenv("AUTOPAR_BACKEND", "cpu")
    decorated = autopar.parallel(scale)
    decorated(np.zeros(2))
    assert ["cpu"] == places(decorated)


def test_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("AUTOPAR_BACKEND", "interpreter")
    decorated = autopar.parallel(backend="cpu")(scale)
    decorated(np.zeros(2))
    assert ["cpu"] == places(decorated)


def test_unknown_backend_of_the_argument_is_an_error():
    with pytest.raises(autopar.BackendError, match="no backend 'gpu'; choose from auto, cuda"):
        autopar.parallel(backend="gpu")(scale)


def test_unknown_backend_of_the_environment_is_an_error(monkeypatch):
    monkeypatch.setenv("AUTOPAR_BACKEND", "tpu")
    with pytest.raises(autopar.BackendError, match="no backend 'tpu'"):
        autopar.parallel(scale)
    assert issubclass(autopar.BackendError, AutoparError)


def test_interpreter_backend_runs_the_function_itself():
    decorated = same(scale, lambda: (np.arange(4.0),), "interpreter")
    assert {} == decorated.inspect_source()


def test_interpreter_backend_reports_where_it_ran():
    decorated = autopar.parallel(backend="interpreter")(scale)
    decorated(np.arange(4.0))
    assert all(place == "interpreter" for place in places(decorated))


CUDA_WITHOUT_DEVICE = """
import numpy as np, autopar

@autopar.parallel(backend="cuda")
def fill(a):
    for i in range(a.shape[0]):
        a[i] = 1.0

print(fill.explain().to_dict()["functions"][0]["loops"][0]["verdict"])
a = np.zeros(3)
try:
    fill(a)
except autopar.BackendError as error:
    print("BackendError", a.tolist(), "\\n" in str(error))
"""


def test_cuda_without_a_device_is_an_error_at_the_call(tmp_path, python):
    (tmp_path / "script.py").write_text(CUDA_WITHOUT_DEVICE)
    environment = {"NUMBA_ENABLE_CUDASIM": None, "CUDA_VISIBLE_DEVICES": "-1"}
    done = python("script.py", environment=environment)
    assert "parallel\nBackendError [0.0, 0.0, 0.0] False\n" == done.stdout, done.stderr


@pytest.mark.parametrize(
    ("text", "threads"), [("3", 3), ("1", 1), (" 64 ", 64), ("", None), (" ", None)]
)
def test_number_of_threads_is_read(text, threads):
    assert threads == choose_options(environment={"AUTOPAR_NUM_THREADS": text}).threads


@pytest.mark.parametrize("text", ["0", "x", "-2", "1.5", "2 3", "1025", "²", "9" * 30])
def test_number_of_threads_that_is_none_is_one_clear_line(text):
    with pytest.raises(AutoparError) as caught:
        choose_options(environment={"AUTOPAR_NUM_THREADS": text})
    line = f"AUTOPAR_NUM_THREADS is {text!r}; it must be a whole number from 1 to 1024."
    assert line == str(caught.value)


def test_number_of_threads_is_kept(tmp_path, python):
    (tmp_path / "script.py").write_text(
        textwrap.dedent(
            """
            import threading
            import numpy as np, autopar

            @autopar.parallel(backend="cpu")
            def fill(a):
                for i in range(a.shape[0]):
                    a[i] = a[i] * 0.5 + 1.0

            fill(np.zeros(3_000_000))
            print(sorted(t.name for t in threading.enumerate() if "autopar" in t.name))
            """
        )
    )
    one = python("script.py", environment={"AUTOPAR_NUM_THREADS": "1"})
    three = python("script.py", environment={"AUTOPAR_NUM_THREADS": "3"})
    assert "[]\n" == one.stdout, one.stderr
    assert "['autopar-1', 'autopar-2']\n" == three.stdout, three.stderr


def test_dump_holds_every_stage_as_text(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPAR_DUMP", str(tmp_path / "new" / "dump"))
    autopar.parallel(backend="cpu")(scale)(np.zeros(2))
    found = {path.name: path.read_text() for path in (tmp_path / "new" / "dump").iterdir()}
    stages = {"scale.01-loop-ir.txt", "scale.02-scop.txt", "scale.03-plan.txt"}
    assert stages <= set(found)
    assert "for i in range(0, a.shape[0], 1)" in found["scale.01-loop-ir.txt"]
    endings = {name.split(".", 1)[1] for name in set(found) - stages}
    assert {"04-program.txt", "05-kernel-cpu.py"} == endings


def test_log_shows_what_became_of_a_region(tmp_path, python):
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np, autopar\n"
        "@autopar.parallel(backend='cpu')\n"
        "def scale(a):\n"
        "    for i in range(a.shape[0]):\n"
        "        a[i] = 2.0 * a[i]\n"
        "scale(np.zeros(2))\n"
    )
    run = python("script.py", environment={"AUTOPAR_LOG": "debug"})
    assert "scale.L4C4: cpu" in run.stderr


def test_faults_of_ours_are_silent_by_default(tmp_path, python):
    script = tmp_path / "faulty.py"
    script.write_text(
        "import numpy as np\nimport autopar\nfrom autopar import guard\n"
        "guard._check_lines = None\n\n"
        "@autopar.parallel(backend='cpu', cache=False)\n"
        "def scale(a):\n    for i in range(a.shape[0]):\n        a[i] *= 2\n\n"
        "scale(np.ones(9))\n"
    )
    run = python("faulty.py", environment={"AUTOPAR_LOG": ""})
    assert (run.stdout, run.stderr) == ("", "")


def test_rewriting_that_fails_is_reported_and_the_function_runs(monkeypatch, caplog):
    from autopar import decorator

    def fault(*given, **options):
        raise ValueError("a fault of ours")

    monkeypatch.setattr(decorator, "rewrite_function", fault)
    decorated = same(scale, lambda: (np.arange(3.0),), has_fault=True)
    assert "AP900" == refusal_code(decorated)
    assert "a fault of ours" in caplog.text


def test_dump_folder_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOPAR_DUMP", str(tmp_path / "file" / "dump"))
    same(scale, lambda: (np.zeros(2),), ran="cpu")


def test_option_names_are_those_of_the_interface():
    parameters = list(inspect.signature(autopar.parallel).parameters)
    assert ["func", "backend", "strict", "fastmath", "cache"] == parameters
    assert ("auto", "cuda", "cpu", "interpreter") == BACKENDS


def test_cache_false_writes_no_kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path / "cache"))
    same(scale, lambda: (np.zeros(2),), ran="cpu", cache=False)
    assert not (tmp_path / "cache").exists()


# ------------------------------------------------------------------- source not available


def refusal_code(decorated):
    (function,) = decorated.explain().to_dict()["functions"]
    assert [] == function["loops"]
    return function["refusal"]["code"]


def from_exec():
    space = {"np": np}
    exec("def fill(a):\n    for i in range(len(a)):\n        a[i] = 1.0\n    return a", space)
    return space["fill"]


class Callable:
    def __call__(self, a):
        for i in range(len(a)):
            a[i] = 1.0
        return a


class Made:
    def __init__(self, a):
        for i in range(len(a)):
            a[i] = 1.0
        self.a = a


def generator(a):
    for i in range(len(a)):
        a[i] = 1.0
        yield i


async def coroutine(a):
    for i in range(len(a)):
        a[i] = 1.0
    return a


async def asynchronous_generator(a):
    for i in range(len(a)):
        a[i] = 1.0
        yield i


async def drain(a, function):
    return [i async for i in function(a)]


WITHOUT_SOURCE = {
    "exec": (from_exec(), lambda f, a: f(a).tolist()),
    "lambda": (lambda a: [x + 1.0 for x in a], lambda f, a: f(a)),
    "generator": (generator, lambda f, a: list(f(a))),
    "coroutine": (coroutine, lambda f, a: asyncio.run(f(a)).tolist()),
    "async generator": (
        asynchronous_generator,
        lambda f, a: asyncio.run(drain(a, f)),
    ),
    "builtin": (math.fsum, lambda f, a: f(a)),
    "ufunc": (np.sqrt, lambda f, a: f(a).tolist()),
    "class": (Made, lambda f, a: f(a).a.tolist()),
    "callable": (Callable(), lambda f, a: f(a).tolist()),
    "partial": (functools.partial(scale, k=3.0), lambda f, a: f(a).tolist()),
    "bound method": (Field(1).grow, lambda f, a: f(1.0).cells.size),
}


@pytest.mark.parametrize("kind", WITHOUT_SOURCE)
def test_function_without_source_works_undecorated_and_says_so(kind):
    function, use = WITHOUT_SOURCE[kind]
    expected = use(function, np.arange(3.0))
    decorated = autopar.parallel(backend="cpu")(function)
    assert expected == use(decorated, np.arange(3.0))
    assert "AP101" == refusal_code(decorated)
    assert "AP101" == to_dict(decorated.last_run)["functions"][0]["refusal"]["code"]
    assert "AP101" in str(decorated.explain())
    assert {} == decorated.inspect_source()


def test_function_typed_at_a_prompt_works_undecorated_where_its_text_is_not_kept(tmp_path, python):
    typed = textwrap.dedent(
        """\
        import numpy as np, autopar
        @autopar.parallel(backend="cpu")
        def fill(a):
            for i in range(len(a)):
                a[i] = 1.0
            return a

        print(fill(np.zeros(2)).tolist())
        found = fill.explain().to_dict()["functions"][0]
        print(found["refusal"]["code"] if "refusal" in found else found["loops"][0]["code"])
        """
    )
    done = python("-i", "-q", typed=typed)
    code = "AP001" if sys.version_info >= (3, 13) else "AP101"  # Python keeps what was typed
    assert f"[1.0, 1.0]\n{code}\n" == done.stdout, done.stderr


def test_file_edited_after_the_import_is_refused(tmp_path, python):
    (tmp_path / "edited.py").write_text(
        textwrap.dedent(
            """\
            import pathlib, sys, numpy as np, autopar
            def fill(a):
                for i in range(len(a)):
                    a[i] = 1.0
                return a
            here = pathlib.Path(__file__)
            here.write_text(here.read_text().replace("a[i] = 1.0", "a[i] = 2.0 + 0"))
            fill = autopar.parallel(backend="cpu")(fill)
            print(fill(np.zeros(2)).tolist())
            print(fill.explain().to_dict()["functions"][0]["refusal"]["code"])
            """
        )
    )
    done = python("edited.py")
    assert "[1.0, 1.0]\nAP101\n" == done.stdout, done.stderr


# ---------------------------------------------------------------------------- concurrency


def test_first_call_from_many_threads_prepares_once():
    decorated = autopar.parallel(backend="cpu")(scale)
    results = []
    start = threading.Barrier(8)

    def call():
        start.wait()
        results.append(decorated(np.arange(4.0)).tolist())

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[0.0, 2.0, 4.0, 6.0]] * 8 == results
    assert 1 == len(decorated.inspect_source())


Pair = namedtuple("Pair", "a b")


def test_result_of_any_kind_comes_back():
    def several(a):
        for i in range(a.shape[0]):
            a[i] = a[i] + 1.0
        return Pair(a.sum(), [a, None])

    same(several, lambda: (np.arange(3.0),), ran="cpu")


def test_a_guard_that_cannot_be_generated_admits_nothing(monkeypatch, caplog):
    def fails(*_arguments):
        raise ValueError("planted")

    monkeypatch.setattr(guard, "_check_lines", fails)
    function: Any = autopar.parallel(scale, backend="cpu", cache=False)
    assert (function(np.ones(9)) == 2.0).all()
    assert "planted" in caplog.text
    ran = function.last_run.to_dict()["functions"][0]["loops"][0]["ran"]
    assert ran["backend"] == "interpreter"
