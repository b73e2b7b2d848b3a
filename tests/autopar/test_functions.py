"""From a function object to its source: what is found, what is refused, what names mean."""

from __future__ import annotations

import builtins
import doctest
import functools
import linecache
import math
import subprocess
import sys
import textwrap
import timeit

import numpy as np
import pytest

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.source import SourceFunction, SourceText
from autopar.analysis.passes.reasons import SourceUnavailable
from autopar.functions import Binding, identity_guards, read_source, watch_bindings

sqrt = math.sqrt
numpy_abs = np.abs
TEN = 10


def scale(a, n):
    for i in range(n):
        a[i] = 2 * a[i]


def keep(function):
    return function


@keep
@functools.lru_cache(
    maxsize=None,
)
@keep
def decorated(n):
    return n


class Grid:
    def step(self, n):
        for i in range(n):
            self.__last = i

    @staticmethod
    def half(x):
        return x / 2


def found(function) -> SourceFunction:
    answer = read_source(function)
    assert isinstance(answer, SourceFunction), answer
    return answer


def guards(function, names):
    return identity_guards(function, names)


def detail(function) -> str:
    answer = read_source(function)
    assert isinstance(answer, Refusal)
    (reason,) = answer.reasons
    assert isinstance(reason, SourceUnavailable)
    assert "AP101" == reason.code
    return reason.detail


def module_from(path, text):
    """Run `text` as the file `path`, freshly written, and return its namespace."""
    path.write_text(textwrap.dedent(text))
    namespace = {"__name__": "fresh"}
    exec(compile(path.read_text(), str(path), "exec", dont_inherit=True), namespace)
    return namespace


# ------------------------------------------------------------------------------- found


def test_line_is_that_of_the_def():
    source = found(scale)
    assert "scale" == source.qualified_name
    assert "def scale(a, n):" == source.text.line(source.line)


def test_path_is_the_file_of_the_function():
    assert __file__ == found(scale).text.path


def test_line_of_a_decorated_function_is_below_its_decorators():
    source = found(decorated.__wrapped__)
    assert "def decorated(n):" == source.text.line(source.line)


def test_method_is_found_under_its_class():
    source = found(Grid.step)
    assert "Grid.step" == source.qualified_name
    assert "    def step(self, n):" == source.text.line(source.line)


def test_static_method_is_found_through_the_class():
    assert "Grid.half" == found(Grid.half).qualified_name


def test_nested_function_is_found():
    def inner(x):
        return x + TEN

    assert "test_nested_function_is_found.<locals>.inner" == found(inner).qualified_name


def test_each_of_two_definitions_of_one_name_is_found_at_its_own_line():
    def twice(x):
        return x

    first = twice

    def twice(x):  # type: ignore[no-redef]  # the fact under test
        return x

    assert 5 == found(twice).line - found(first).line


def test_function_made_in_a_loop_is_found_every_time():
    made = []
    for k in range(3):

        def shift(x):
            return x + k

        made.append(shift)
    assert 1 == len({found(shift).line for shift in made})


def test_future_annotations_of_the_file_are_respected(tmp_path):
    text = """
        from __future__ import annotations
        def f(x: Undefined) -> Undefined:
            def g(y: Undefined):
                return y
            return g(x)
        """
    assert 3 == found(module_from(tmp_path / "later.py", text)["f"]).line


def test_notebook_cell_known_to_linecache_is_found():
    text = "def cell(x):\n    return x\n"
    name = "<ipython-input-7-abc>"
    namespace: dict[str, object] = {}
    exec(compile(text, name, "single", dont_inherit=True), namespace)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    try:
        assert text == found(namespace["cell"]).text.text
    finally:
        del linecache.cache[name]


def test_function_of_a_running_doctest_is_found():
    seen = []
    text = ">>> def f(x):\n...     return x\n>>> report(f)\n"
    globs = {"report": lambda f: seen.append(found(f))}
    test = doctest.DocTestParser().get_doctest(text, globs, "case", "case.txt", 0)
    runner = doctest.DocTestRunner(verbose=False)
    assert (0, 2) == tuple(runner.run(test))[:2]
    assert ["f"] == [source.qualified_name for source in seen]


def test_caller_may_vouch_for_a_text():
    text = SourceText(path="<cell 3>", text="def f(x):\n    return x\n", cell=3)
    namespace: dict[str, object] = {}
    exec(compile("def f(x):\n    return x + 0\n", "<cell 3>", "exec"), namespace)
    answer = read_source(namespace["f"], text)
    assert isinstance(answer, SourceFunction)
    assert text == answer.text


def test_warnings_of_the_compiler_are_not_given_twice(tmp_path, recwarn):
    path = tmp_path / "odd.py"
    path.write_text("def f(x):\n    return x is 1\n")
    namespace: dict[str, object] = {}
    with pytest.warns(SyntaxWarning):
        exec(compile(path.read_text(), str(path), "exec"), namespace)
    assert 1 == found(namespace["f"]).line
    assert [] == list(recwarn)


# ----------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x + 1", "x + 2"),
        ("x + 1", "x - 1"),
        ("x * 0.0", "x * -0.0"),
        ("x + 1", "x + True"),
        ("x.a", "x.b"),
        ("(lambda: x + 1)()", "(lambda: x + 2)()"),
        ("x in {1, 2}", "x in {1, 3}"),
        ("x + 1", "y + 1"),
        ("x + 1", "(\n x + 1)"),
    ],
)
def test_changed_file_is_refused(tmp_path, before, after):
    path = tmp_path / "changing.py"
    f = module_from(path, f"def f(x):\n    return {before}\n")["f"]
    assert isinstance(read_source(f), SourceFunction)
    path.write_text(f"# longer by a comment\ndef f(x):\n    return {after}\n"[22:])
    assert "the file has changed since" in detail(f)


def test_lines_moved_by_an_edit_are_refused(tmp_path):
    path = tmp_path / "moving.py"
    f = module_from(path, "def f(x):\n    return x\n")["f"]
    path.write_text("import math\n\ndef f(x):\n    return x\n")
    assert "the file has changed since" in detail(f)


def test_file_that_no_longer_parses_is_refused(tmp_path):
    path = tmp_path / "broken.py"
    f = module_from(path, "def f(x):\n    return x\n")["f"]
    path.write_text("def f(x:\n")
    assert "the file has changed since" in detail(f)


def test_exec_under_a_borrowed_file_name_is_refused():
    namespace: dict[str, object] = {}
    exec(compile("\n" * 30 + "def scale(a, n): pass", __file__, "exec"), namespace)
    assert "the file has changed since" in detail(namespace["scale"])


def test_exec_without_source_is_refused():
    namespace: dict[str, object] = {}
    exec(compile("def f(x): return x", "<made up>", "exec"), namespace)
    assert "no source text is known for '<made up>'" == detail(namespace["f"])


def test_standard_input_is_refused():
    program = textwrap.dedent("""
        def f(x):
            return x
        from autopar.functions import read_source
        print(read_source(f).reasons[0].detail)
        """)
    done = subprocess.run(
        [sys.executable, "-"], input=program, capture_output=True, text=True, check=True
    )
    assert "no source text is known for '<stdin>'\n" == done.stdout


def generator():
    yield 1


async def coroutine():
    pass


async def asynchronous_generator():
    yield 1


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x, "it is a lambda; only 'def' functions are analysed"),
        (generator, "it is a generator, which runs in pieces"),
        (coroutine, "it is a coroutine, which runs in pieces"),
        (asynchronous_generator, "it is an asynchronous generator, which runs in pieces"),
        (Grid, "it is a class; decorate its methods"),
        (Grid().step, "it is a bound method; decorate the function in its class"),
        (
            Grid.__dict__["half"],
            "it is a staticmethod object; put the decorator below @staticmethod",
        ),
        (
            functools.partial(scale, n=3),
            "it is a functools.partial object; decorate the function in it",
        ),
        (len, "it is written in C"),
        (np.sqrt, "it is a ufunc object, not a Python function"),
        (3, "it is a int object, not a Python function"),
    ],
)
def test_what_is_no_plain_function_is_refused(function, expected):
    assert expected == detail(function)


def test_refusal_names_the_function_and_its_line():
    answer = read_source(generator)
    assert isinstance(answer, Refusal)
    (reason,) = answer.reasons
    assert isinstance(reason, SourceUnavailable)
    assert ("generator", generator.__code__.co_firstlineno) == (reason.name, reason.span.line)


# ------------------------------------------------------------------------- known names


def test_builtins_modules_and_their_functions_have_canonical_names():
    def kernel(a, n):
        for i in range(len(a)):
            a[i] = np.exp(sqrt(a[i])) + math.pi + numpy_abs(n) + TEN

    expected = (
        ("len", "len"),
        ("math", "math"),
        ("np", "numpy"),
        ("numpy_abs", "numpy.absolute"),
        ("range", "range"),
        ("sqrt", "math.sqrt"),
    )
    assert expected == found(kernel).known_names


def test_known_names_include_those_of_nested_code():
    def kernel(n):
        return [float(i) for i in reversed(range(n))]

    names = found(kernel).known_names
    assert names is not None
    assert ("float", "float") in names


def test_closure_variable_is_known_by_what_its_cell_holds():
    root = math.sqrt

    def kernel(x):
        return root(x)

    assert (("root", "math.sqrt"),) == found(kernel).known_names


def test_name_that_a_global_shadows_is_the_global(tmp_path):
    text = "def abs(x):\n    return x\ndef f(x):\n    return abs(x)\n"
    assert (("abs", "def 1"),) == found(module_from(tmp_path / "shadow.py", text)["f"]).known_names


def test_parameter_called_like_a_builtin_is_not_known(tmp_path):
    text = "def f(abs, x):\n    return abs(x)\n"
    assert () == found(module_from(tmp_path / "parameter.py", text)["f"]).known_names


def test_empty_cell_is_not_known():
    def kernel(x):
        return later(x)

    answer = found(kernel)
    later = abs
    assert () == answer.known_names


def test_function_put_into_numpy_by_others_is_not_numpys():
    from autopar.functions import _is_native

    assert not _is_native(scale, "numpy")


# ----------------------------------------------------------------------------- bindings


def test_guards_tell_where_a_name_was_found():
    root = math.sqrt

    def kernel(x):
        return root(x) + abs(TEN) + np.exp(x)

    names = ("root", "abs", "TEN", "np", "np.exp", "x", "nowhere")
    expected = (
        Binding("closure", "root", math.sqrt),
        Binding("builtin", "abs", abs),
        Binding("global", "TEN", 10),
        Binding("global", "np", np),
        Binding("attribute", "np.exp", np.exp),
    )
    assert expected == guards(kernel, names)


def holding(function, *names):
    return watch_bindings(function, identity_guards(function, names))


def uses_outer_names(x):
    return abs(sqrt(x)) + np.exp(x)


def test_bindings_hold_while_nothing_is_rebound():
    assert holding(uses_outer_names, "abs", "sqrt", "np", "np.exp")() is True


def test_nothing_to_watch_always_holds():
    assert holding(uses_outer_names)() is True


def test_rebound_global_does_not_hold(monkeypatch):
    hold = holding(uses_outer_names, "sqrt")
    monkeypatch.setitem(globals(), "sqrt", math.exp)
    assert hold() is False


def test_global_that_hides_a_builtin_does_not_hold(monkeypatch):
    hold = holding(uses_outer_names, "abs")
    monkeypatch.setitem(globals(), "abs", math.exp)
    assert hold() is False


def test_rebound_builtin_does_not_hold(monkeypatch):
    hold = holding(uses_outer_names, "abs")
    monkeypatch.setattr(builtins, "abs", math.fabs)
    assert hold() is False


def test_deleted_global_does_not_hold(monkeypatch):
    hold = holding(uses_outer_names, "sqrt")
    monkeypatch.delitem(globals(), "sqrt")
    assert hold() is False


def test_rebound_attribute_does_not_hold(monkeypatch):
    hold = holding(uses_outer_names, "np.exp", "np")
    monkeypatch.setattr(np, "exp", math.exp)
    assert hold() is False


def test_rebound_or_deleted_cell_does_not_hold():
    root = math.sqrt

    def kernel(x):
        return root(x)

    def rebind():
        nonlocal root
        root = math.exp

    def forget():
        nonlocal root
        del root

    hold = holding(kernel, "root")
    assert hold() is True
    rebind()
    assert hold() is False
    forget()
    assert hold() is False


def test_names_like_those_of_the_check_are_watched(monkeypatch):
    monkeypatch.setitem(globals(), "expected_0", abs)
    hold = holding(uses_outer_names, "sqrt", "expected_0")
    assert hold() is True
    monkeypatch.setitem(globals(), "expected_0", math.exp)
    assert hold() is False


def test_check_of_a_few_names_takes_less_than_a_microsecond():
    hold = holding(uses_outer_names, "abs", "sqrt", "np", "np.exp")
    best_s = min(timeit.repeat(hold, number=1000, repeat=20)) / 1000
    assert best_s < 1e-6
