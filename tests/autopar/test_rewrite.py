"""Guards put into functions and modules: what they exchange, and what nobody may notice."""

from __future__ import annotations

import contextlib
import gc
import inspect
import itertools
import sys
import textwrap
import threading
import traceback
import weakref
from types import FunctionType

import pytest

from autopar.analysis.model.source import SourceFunction, SourceText
from autopar.rewrite import rewrite_function, rewrite_module
from autopar.sites import UNBOUND, Decoration, Site

COUNT = itertools.count()


class Recorder:
    """An `enter` that notes its arguments and answers what it is told, at first or always."""

    def __init__(self, *answers):
        self.answers = answers
        self.calls = []

    def __call__(self, *values):
        self.calls.append(values)
        return self.answers[min(len(self.calls), len(self.answers)) - 1]


def run_text(text, code=None, **namespace):
    """Run `text` as a file that only linecache knows, so that tracebacks show its lines."""
    import linecache

    path = f"<rewrite test {next(COUNT)}>"
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    namespace["__name__"] = "user"
    exec(code or compile(text, path, "exec", dont_inherit=True), namespace)
    return path, namespace


def site_at(text, enter, arguments=(), results=(), nth=0, header="for "):
    """Return the site of the `nth` statement of `text` that begins with `header`."""
    places = [
        (number, len(line) - len(line.lstrip()))
        for number, line in enumerate(text.splitlines(), 1)
        if line.lstrip().startswith(header)
    ]
    line, column = places[nth]
    return Site(
        line=line, column=column, arguments=tuple(arguments), results=tuple(results), enter=enter
    )


def source_of(function, text):
    code = function.__code__
    lines = text.splitlines()
    line = code.co_firstlineno
    while not lines[line - 1].lstrip().startswith("def "):
        line += 1
    return SourceFunction(
        text=SourceText(path=code.co_filename, text=text, cell=None),
        qualified_name=code.co_qualname,
        line=line,
        known_names=None,
    )


def rewritten(text, *requests, name="f", pick=None, namespace=None):
    """Return (original, rewritten) `name` of `text`, one site for each request.

    A request is (enter, arguments, results) for the next `for` of the text, or None.
    """
    text = textwrap.dedent(text)
    _, content = run_text(text, **(namespace or {}))
    function = pick(content) if pick else content[name]
    sites = [
        site_at(text, enter, arguments, results, nth)
        for nth, request in enumerate(requests)
        if request is not None
        for enter, arguments, results in [request]
    ]
    return function, rewrite_function(function, source_of(function, text), sites)


SUM = """
    def f(a, n):
        s = 0
        for i in range(n):
            s += a[i]
        return s, i
    """


# --------------------------------------------------------------- what a guard exchanges


def test_refused_region_runs_its_own_loop():
    enter = Recorder(())
    _, f = rewritten(SUM, (enter, ("a", "n", "s"), ("s", "i")))
    assert (6, 2) == f([1, 2, 3], 3)
    assert [([1, 2, 3], 3, 0)] == enter.calls


def test_region_that_is_done_assigns_its_results():
    _, f = rewritten(SUM, (Recorder(((10, 7),)), ("a", "n"), ("s", "i")))
    assert (10, 7) == f(None, 3)


def test_region_without_results_is_done():
    text = """
        def f(a):
            for x in a:
                a.append(1)
            return a
        """
    enter = Recorder(((),))
    _, f = rewritten(text, (enter, ("a",), ()))
    assert [3] == f([3])
    assert [([3],)] == enter.calls


def test_region_without_results_is_refused():
    text = """
        def f(a):
            for k in range(2):
                a.append(k)
            return a
        """
    _, f = rewritten(text, (Recorder(()), ("a",), ()))
    assert [0, 1] == f([])


def test_loop_with_else_and_break_keeps_both():
    text = """
        def f(n):
            for i in range(n):
                if i == 2:
                    break
            else:
                return "else"
            return i
        """
    _, f = rewritten(text, (Recorder(()), ("n",), ("i",)))
    assert (2, "else") == (f(5), f(1))


def test_underscore_is_a_result_like_any_other():
    text = """
        def f(n):
            for _ in range(n):
                pass
            return _
        """
    _, f = rewritten(text, (Recorder((("last",),)), (), ("_",)))
    assert "last" == f(3)


# ----------------------------------------------------------------------- unbound names


def test_name_that_may_be_unbound_is_passed_as_unbound():
    enter = Recorder(())
    text = """
        def f(n, give):
            if give:
                k = 5
            for i in range(n):
                j = k
            return n
        """
    _, f = rewritten(text, (enter, ("n", "k"), ("i", "j")))
    assert (0, 1) == (f(0, False), f(1, True))
    assert [(0, UNBOUND), (1, 5)] == enter.calls


def test_unbound_name_raises_where_the_loop_reads_it():
    text = """
        def f(n):
            if n < 0:
                k = 5
            for i in range(n):
                j = k
        """
    original, f = rewritten(text, (Recorder(()), ("n", "k"), ("i", "j")))
    with pytest.raises(UnboundLocalError) as expected:
        original(1)
    with pytest.raises(UnboundLocalError) as raised:
        f(1)
    assert str(expected.value) == str(raised.value)
    assert shown(expected) == shown(raised)


def test_looking_at_locals_keeps_no_value_alive():
    text = """
        def f(make, n):
            a = make()
            if n:
                k = 1
            for i in range(n):
                j = k
            a = None
            return alive()
        """

    class Big:
        pass

    born = []

    def make():
        big = Big()
        born.append(weakref.ref(big))
        return big

    def alive():
        gc.collect()
        return born[-1]() is not None

    namespace = {"alive": alive}
    _, f = rewritten(text, (Recorder(()), ("k",), ("i",)), namespace=namespace)
    assert f(make, 0) is False


def test_unbound_result_stays_unbound():
    text = """
        def f(n):
            for i in range(n):
                pass
            return i
        """
    _, f = rewritten(text, (Recorder(((UNBOUND,),)), ("n",), ("i",)))
    with pytest.raises(UnboundLocalError, match="'i'"):
        f(0)


def test_unbound_result_keeps_the_value_that_the_name_had():
    text = """
        def f(n, i, give):
            if give:
                j = 5
            for i in range(n):
                j = i
            return i, j
        """
    _, f = rewritten(text, (Recorder(((UNBOUND, UNBOUND),)), ("n",), ("i", "j")))
    assert ("old", 5) == f(0, "old", True)
    with pytest.raises(UnboundLocalError, match="'j'"):
        f(0, "old", False)


def test_unbound_result_beside_a_bound_one():
    text = """
        def f(n, i):
            for i in range(n):
                j = i
            return i, j
        """
    _, f = rewritten(text, (Recorder(((UNBOUND, 3),)), ("n",), ("i", "j")))
    assert ("old", 3) == f(0, "old")


@pytest.mark.parametrize(
    ("before", "surely"),
    [
        ("k = 1", True),
        ("k: int = 1", True),
        ("k: int", False),
        ("(k, [*m]) = 1, [2]", True),
        ("import math as k", True),
        ("def k(): pass", True),
        ("class k: pass", True),
        ("k = 1; del k", False),
        ("if n: k = 1\n    else: k = 2", True),
        ("if n: k = 1\n    else: return", True),
        ("if n: k = 1", False),
        ("k = 1\n    while n: n -= 1", True),
        ("k = 1\n    while n:\n        n = 0\n        del k", False),
        ("while n:\n        k = n = 0", False),
        ("for k in [1]: pass", False),
        ("try: k = 1\n    except ValueError: pass", False),
        ("try: k = 1\n    except ValueError: return", True),
        ("try: n\n    except ValueError: pass\n    else: k = 1", False),
        ("try: n\n    finally: k = 1", True),
        ("k = 1\n    try: int('x')\n    except ValueError as k: pass", False),
        ("with null(): k = 1", False),
        ("k = 1\n    with null() as m: pass", True),
        ("match n:\n        case 0: k = 1\n        case _: k = 2", False),
        ("k = 1\n    match n:\n        case 0: k = 2", True),
        ("n or (k := 1)", False),
    ],
)
def test_definite_assignment_decides_how_a_name_is_read(before, surely):
    text = f"def f(n):\n    {before}\n    for i in []: k\n    return n\n"
    site = site_at(text, Recorder(()), ("k",), (), nth=-1, header="for i")
    _, content = run_text(text, null=contextlib.nullcontext)
    f = rewrite_function(content["f"], source_of(content["f"], text), [site])
    assert surely is ("look" not in f.__code__.co_names)
    f(1)
    f(0)


def test_name_that_a_nested_function_deletes_is_never_sure():
    text = """
        def f():
            k = 1
            def forget():
                nonlocal k
                del k
            forget()
            for i in []:
                k
        """
    enter = Recorder(())
    _, f = rewritten(text, (enter, ("k",), ()))
    f()
    assert [(UNBOUND,)] == enter.calls


def test_name_bound_before_a_loop_is_sure_inside_it():
    text = """
        def f(n):
            k = 1
            for t in range(n):
                for i in []:
                    k, t
        """
    enter = Recorder(())
    _, f = rewritten(text, None, (enter, ("k", "t"), ()))
    f(2)
    assert [(1, 0), (1, 1)] == enter.calls
    assert not {"k", "t"} & set(f.__code__.co_consts)


def test_missing_global_is_passed_as_unbound():
    text = """
        def f():
            for i in []:
                nowhere, len
        """
    enter = Recorder(())
    _, f = rewritten(text, (enter, ("nowhere", "len"), ()))
    f()
    assert [(UNBOUND, len)] == enter.calls


def test_rebound_global_is_seen_at_the_next_call():
    text = """
        N = 1
        def f():
            for i in range(N):
                pass
            return N
        """
    enter = Recorder(())
    _, f = rewritten(text, (enter, ("N",), ()))
    f()
    f.__globals__["N"] = 2
    assert 2 == f()
    assert [(1,), (2,)] == enter.calls


def test_unbound_has_a_name_and_is_one():
    import copy
    import pickle

    assert "UNBOUND" == repr(UNBOUND)
    assert UNBOUND is copy.deepcopy(UNBOUND)
    assert UNBOUND is pickle.loads(pickle.dumps(UNBOUND))


# --------------------------------------------------------------------- names and scopes


def test_global_result_is_assigned_in_the_module():
    text = """
        s = 1
        def f(n):
            global s
            for i in range(n):
                s += i
        """
    _, f = rewritten(text, (Recorder(((9, 9),), ((UNBOUND, 8),)), ("s",), ("s", "i")))
    f(1)
    assert 9 == f.__globals__["s"]
    f(1)
    assert 9 == f.__globals__["s"]


def test_unbound_global_result_is_no_builtin():
    text = """
        def f(n):
            global sum
            for i in range(n):
                sum = i
        """
    _, f = rewritten(text, (Recorder(((UNBOUND, 8),)), (), ("sum", "i")))
    f(1)
    assert "sum" not in f.__globals__


def test_nonlocal_result_is_assigned_in_the_enclosing_function():
    text = """
        def outer():
            s = 1
            def f(n):
                nonlocal s
                for i in range(n):
                    s += i
                return i
            return f, lambda: s
        """
    _, content = run_text(textwrap.dedent(text))
    function, read = content["outer"]()
    text = textwrap.dedent(text)
    site = site_at(text, Recorder((), ((50, 1),)), ("s",), ("s", "i"))
    f = rewrite_function(function, source_of(function, text), [site])
    assert (2, 4) == (f(3), read())
    assert (1, 50) == (f(3), read())


def test_closure_shares_the_original_cells():
    text = """
        def outer(k, unused):
            def f(n):
                for i in range(n):
                    pass
                return k, z
            def change(v):
                nonlocal k
                k = v
            z = 3
            return f, change
        """
    text = textwrap.dedent(text)
    _, content = run_text(text)
    function, change = content["outer"](1, 2)
    f = rewrite_function(function, source_of(function, text), [site_at(text, Recorder(()))])
    change(7)
    assert (7, 3) == f(0)


def test_super_and_dunder_class_work():
    text = """
        class Base:
            def f(self, n):
                return "base"
        class C(Base):
            def f(self, n):
                for i in range(n):
                    pass
                return super().f(n), __class__, C
        """
    original, f = rewritten(text, (Recorder(()), ("n",), ("i",)), pick=lambda m: m["C"].f)
    C = original.__globals__["C"]
    assert ("base", C, C) == f(C(), 2)


def test_super_in_a_function_nested_in_a_method_works():
    text = """
        class Base:
            def f(self):
                return "base"
        class C(Base):
            def f(self, n):
                __k = 4
                def g(self):
                    for i in range(3):
                        pass
                    return super().f(), i, __k
                return g
        """
    _, g = rewritten(text, (Recorder(()), (), ("i",)), pick=lambda m: m["C"]().f(1))
    assert ("base", 2, 4) == g(g.__globals__["C"]())


def test_private_names_are_mangled_as_before():
    text = """
        class _Grid:
            def __f(self, n, __m=3):
                self.__x = 0
                if n:
                    __k = 2
                for __i in range(n):
                    self.__x += __i
                return self.__x, __i, __m
        """
    enter = Recorder((), ((8,),))
    request = (enter, ("__m", "__k"), ("__i",))
    _, f = rewritten(text, request, pick=lambda m: m["_Grid"]._Grid__f)
    grid = f.__globals__["_Grid"]()
    assert (3, 2, 3) == f(grid, 3)
    assert (0, 8, 3) == f(grid, 3)
    assert [(3, 2), (3, 2)] == enter.calls
    assert 0 == grid._Grid__x


def test_method_that_names_its_class_and_itself_finds_the_globals():
    text = """
        class C:
            def f(self, n):
                for i in range(n):
                    pass
                return C, f
        f = "global"
        """
    _, f = rewritten(text, (Recorder(()), ("n",), ("i",)), pick=lambda m: m["C"].f)
    assert (f.__globals__["C"], "global") == f(None, 1)


def test_class_local_to_a_function_works():
    text = """
        def outer():
            class C:
                def f(self, n):
                    for i in range(n):
                        pass
                    return C, self.__class__, __class__
            return C
        """
    request = (Recorder(()), ("n",), ("i",))
    original, f = rewritten(text, request, pick=lambda m: m["outer"]().f)
    C = inspect.getclosurevars(original).nonlocals["C"]
    assert (C, C, C) == f(C(), 1)


def test_function_in_a_coroutine_works():
    text = """
        async def outer(k):
            class C:
                async def middle(self):
                    def f(n):
                        for i in range(n):
                            pass
                        return k, self
                    return f
            return await C().middle()
        """

    def pick(content):
        running = content["outer"](5)
        with pytest.raises(StopIteration) as done:
            running.send(None)
        return done.value.value

    original, f = rewritten(text, (Recorder(()), ("n",), ("i",)), pick=pick)
    assert original(1) == f(1)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
@pytest.mark.parametrize("name", ["C", "outer"])
def test_type_parameters_are_found(name):
    text = """
        class C[T]:
            def f[S](self, n: S) -> T:
                for i in range(n):
                    pass
                return T, S, i
        def outer[T](k: T):
            def f[S](self, n: S) -> T:
                for i in range(n):
                    pass
                return T, S, i
            return f
        """

    def pick(content):
        return content["C"].f if name == "C" else content["outer"](0)

    requests = [(Recorder(()), ("n",), ("i",))]
    original, f = rewritten(text, *([None] if name == "outer" else []), *requests, pick=pick)
    assert original(None, 2) == f(None, 2)
    assert original.__type_params__ == f.__type_params__


def test_function_declared_global_by_its_scope_works():
    text = """
        def outer():
            global f
            def f(n):
                for i in range(n):
                    pass
                return f, i
        outer()
        """
    original, f = rewritten(text, (Recorder(()), ("n",), ("i",)))
    assert (original, 1) == f(2)
    assert "f" == f.__code__.co_qualname


def test_recursion_goes_through_the_name_of_the_function():
    text = """
        def f(n):
            s = n
            for i in range(1):
                s += f(n - 1) if n else 0
            return s
        """
    enter = Recorder(())
    original, f = rewritten(text, (enter, ("n",), ()))
    original.__globals__["f"] = f
    assert 6 == f(3)
    assert [(3,), (2,), (1,), (0,)] == enter.calls


def test_recursion_of_a_nested_function_goes_through_its_cell():
    text = """
        def outer():
            def f(n):
                for i in range(n):
                    pass
                return f
            return f
        """
    original, f = rewritten(text, (Recorder(()), (), ()), pick=lambda m: m["outer"]())
    assert original is f(1)


def test_comprehensions_and_walrus_keep_their_scopes():
    text = """
        def f(n, i):
            squares = [i * i for i in range(n)]
            for k in range(n):
                big = [last := j for j in squares if j > k]
            return squares, big, last, i, {x: [y for y in range(x)] for x in range(n)}
        """
    original, f = rewritten(text, (Recorder(()), ("n",), ("k", "big", "last")))
    assert original(3, "i") == f(3, "i")


def test_class_body_and_lambda_inside_the_function_work():
    text = """
        def f(n):
            class Local:
                size = n
                def get(self):
                    return self.size, __class__.__qualname__
            def inner():
                return n
            for i in range(n):
                pass
            return Local().get(), inner.__qualname__, (lambda: n)()
        """
    original, f = rewritten(text, (Recorder(()), ("n",), ("i",)))
    assert original(2) == f(2)


def test_local_deleted_before_and_after_the_loop():
    text = """
        def f(n):
            k = 1
            del k
            for i in range(n):
                k = i
            del i
            return sorted(locals())
        """
    enter = Recorder((), ((4, UNBOUND),))
    original, f = rewritten(text, (enter, ("k",), ("i", "k")))
    assert ["k", "n"] == original(2) == f(2)
    assert ["n"] == f(2)


# ------------------------------------------------------------------ where a site may be


PLACES = """
    def f(n):
        log = []
        if n:
            for a in range(n):
                log.append(a)
        elif not n:
            for b in range(1):
                log.append("b")
        while n:
            n -= 1
            for c in range(1):
                log.append(c)
                for d in range(2):
                    if d: continue
                    log.append("d")
            else:
                for e in range(1):
                    log.append("e")
        try:
            for g in range(1):
                int("x")
        except ValueError:
            for h in range(1):
                log.append("h")
        else:
            pass
        finally:
            for k in range(1):
                log.append("k")
        with null() as m:
            for p in range(1):
                log.append("p")
        match n:
            case 0:
                for q in range(1):
                    log.append("q")
        return log
    """


def test_sites_in_all_compound_statements_are_reached():
    requests = [(Recorder(()), ("n",), (name,)) for name in "abcdeghkpq"]
    namespace = {"null": contextlib.nullcontext}
    original, f = rewritten(PLACES, *requests, namespace=namespace)
    assert original(2) == f(2)
    assert original(0) == f(0)
    assert [] == [name for enter, _, (name,) in requests if not enter.calls]


def test_outer_region_that_is_done_asks_no_inner_guard():
    text = """
        def f(n):
            for i in range(n):
                for j in range(n):
                    pass
            return i, j
        """
    inner = Recorder(())
    _, f = rewritten(text, (Recorder(((1, 2),), ()), (), ("i", "j")), (inner, ("i",), ("j",)))
    assert (1, 2) == f(3)
    assert [] == inner.calls
    assert (2, 2) == f(3)
    assert [(0,), (1,), (2,)] == inner.calls


@pytest.mark.parametrize(
    "inner", ["def g():", "class g:", "async def g():"], ids=["def", "class", "async"]
)
def test_site_in_a_nested_scope_is_an_error(inner):
    text = f"""
        def f(n):
            {inner}
                for i in range(3):
                    pass
        """
    with pytest.raises(ValueError, match="line 4, column 8: no statement of this body"):
        rewritten(text, (Recorder(()), (), ()))


def test_site_outside_of_the_function_is_an_error():
    text = """
        for i in range(3):
            pass
        def f(n):
            pass
        """
    with pytest.raises(ValueError, match="line 2, column 0: no statement of this body"):
        rewritten(text, (Recorder(()), (), ()))


def test_two_sites_at_one_place_are_an_error():
    text = textwrap.dedent(SUM)
    _, content = run_text(text)
    site = site_at(text, Recorder(()))
    with pytest.raises(ValueError, match="two sites at line 4, column 4"):
        rewrite_function(content["f"], source_of(content["f"], text), [site, site])


def test_function_of_another_text_is_an_error():
    _, content = run_text("def f(a):\n    return a\n")
    with pytest.raises(ValueError, match="'f' was not compiled from this source"):
        rewrite_function(content["f"], source_of(content["f"], "def f(b): return b"), [])


def test_line_without_a_definition_is_an_error():
    _, content = run_text("def f(a):\n    return a\n")
    source = source_of(content["f"], "x = 1\ndef f(a): return a")
    with pytest.raises(ValueError, match="nothing is defined at line 1"):
        rewrite_function(
            content["f"],
            SourceFunction(text=source.text, qualified_name="f", line=1, known_names=None),
            [],
        )


def test_result_that_is_no_variable_of_the_function_is_an_error():
    with pytest.raises(ValueError, match="'f' was not compiled from this source"):
        rewritten(SUM, (Recorder(()), (), ("a_new_local",)))


# ---------------------------------------------------------------- what nobody may notice


FULL = """
    def mark(function):
        log.append(function.__name__)
        function.marked = [1]
        return function

    def default():
        log.append("default")
        return 5

    @mark
    @(lambda g: mark(g))
    def f(a, /, b: log.append("annotation") = default(), *args, c=default(), **kw) -> "result":
        \"\"\"What it does.\"\"\"
        for i in range(a):
            pass
        return a, b, args, c, kw
    """


def test_decorators_defaults_and_annotations_are_not_evaluated_again():
    log: list[str] = []
    _, f = rewritten(FULL, (Recorder(()), (), ("i",)), namespace={"log": log})
    assert sorted(["default", "default", "annotation", "f", "f"]) == sorted(log)
    assert (1, 5, (), 5, {}) == f(1)
    assert (1, 2, (3,), 4, {"d": 5}) == f(1, 2, 3, c=4, d=5)


@pytest.mark.parametrize(
    "attribute",
    [
        "__name__",
        "__qualname__",
        "__module__",
        "__doc__",
        "__defaults__",
        "__kwdefaults__",
        "__annotations__",
        "__dict__",
        "__globals__",
    ],
)
def test_attribute_of_the_function_is_kept(attribute):
    original, f = rewritten(FULL, (Recorder(()), (), ("i",)), namespace={"log": []})
    original.__qualname__ = "renamed"
    text = textwrap.dedent(FULL)
    f = rewrite_function(original, source_of(original, text), [])
    assert getattr(original, attribute) == getattr(f, attribute)


@pytest.mark.parametrize(
    "attribute",
    ["co_firstlineno", "co_filename", "co_qualname", "co_name", "co_flags", "co_freevars"],
)
def test_attribute_of_the_code_is_kept(attribute):
    original, f = rewritten(FULL, (Recorder(()), (), ("i",)), namespace={"log": []})
    assert getattr(original.__code__, attribute) == getattr(f.__code__, attribute)


def test_dictionaries_of_the_copy_are_its_own():
    original, f = rewritten(FULL, (Recorder(()), (), ("i",)), namespace={"log": []})
    f.new = 1
    f.__kwdefaults__["c"] = 2
    assert not hasattr(original, "new")
    assert 5 == original.__kwdefaults__["c"]


def test_signature_is_kept():
    original, f = rewritten(FULL, (Recorder(()), (), ("i",)), namespace={"log": []})
    assert inspect.signature(original) == inspect.signature(f)


def test_no_name_is_added():
    original, f = rewritten(SUM, (Recorder(()), ("a", "n", "nowhere"), ("s", "i")))
    assert set(original.__code__.co_varnames) == set(f.__code__.co_varnames)
    assert set(original.__globals__) == set(f.__globals__)


def test_code_is_hashable_and_equal_to_itself():
    _, f = rewritten(SUM, (Recorder(()), (), ("s", "i")))
    assert {f.__code__: 1} == {f.__code__: 1}


def test_future_annotations_are_kept():
    text = """
        from __future__ import annotations
        def f(x: Undefined) -> Undefined:
            for i in range(x):
                pass
            def g(y: Undefined): ...
            return g.__annotations__
        """
    original, f = rewritten(text, (Recorder(()), (), ("i",)))
    assert {"y": "Undefined"} == f(1)
    assert original.__annotations__ == f.__annotations__


def test_strings_like_the_placeholder_are_left_alone():
    text = r"""
        def f(n):
            for i in range(n):
                pass
            return "\0autopar 0", "\0autopar 1", "\0autopar '0"
        """
    original, f = rewritten(text, (Recorder(()), (), ("i",)))
    assert original(1) == f(1)


def test_compiler_warnings_are_not_given_twice(recwarn):
    text = """
        def f(n):
            for i in range(n):
                pass
            return n is 1
        """
    with pytest.warns(SyntaxWarning):
        original, _ = rewritten(text, (Recorder(()), (), ("i",)))
    source = source_of(original, textwrap.dedent(text))
    rewrite_function(original, source, [])
    assert [] == list(recwarn)


def shown(failure):
    """Return the traceback below this file as the user sees it."""
    frames = [
        entry
        for entry in traceback.extract_tb(failure.value.__traceback__)
        if entry.filename != __file__
    ]
    positions = [(f.lineno, f.end_lineno, f.colno, f.end_colno, f.name, f.line) for f in frames]
    return positions, failure.type, str(failure.value)


FAILING = """
    def f(a, n):
        for i in range(
            n
        ):
            for j in range(n):
                a[i] = 1 / (
                    j - 1)
            a[i] = (a
                    [i + 1])
        return g(a)
    def g(a):
        raise ValueError(a)
    """


@pytest.mark.parametrize("n", [0, 1, 2, "x"])
def test_traceback_is_the_undecorated_one(n):
    requests = ((Recorder(()), ("a", "n"), ("i", "j")), (Recorder(()), ("n",), ("j",)))
    original, f = rewritten(FAILING, *requests)
    with pytest.raises((ValueError, ZeroDivisionError, IndexError, TypeError)) as expected:
        original([0], n)
    with pytest.raises(expected.type) as raised:
        f([0], n)
    assert shown(expected)[0][0] is not None
    assert shown(expected) == shown(raised)


def line_events(function, *arguments):
    """Return what a tracer sees: event, line, function, bound names; last the exception, if any."""
    events: list[object] = []

    def tracer(frame, event, argument):
        if frame.f_code.co_filename != function.__code__.co_filename:
            return None
        events.append((event, frame.f_lineno, frame.f_code.co_name, sorted(frame.f_locals)))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        function(*arguments)
    except (LookupError, ArithmeticError, NameError, ValueError) as error:
        events.append(type(error))
    finally:
        sys.settrace(before)
    return events


def test_tracer_sees_the_same_events_when_regions_are_refused():
    requests = ((Recorder(()), ("a", "n"), ("i", "j")), (Recorder(()), ("n",), ("j",)))
    original, f = rewritten(FAILING, *requests)
    assert line_events(original, [0], 2) == line_events(f, [0], 2)
    assert line_events(original, [0], 0) == line_events(f, [0], 0)


def test_tracer_sees_the_header_of_a_region_that_is_done():
    _, f = rewritten(SUM, (Recorder(((1, UNBOUND),)), ("a", "n"), ("s", "i")))
    *events, raised = line_events(f, [1], 1)
    assert [3, 4, 6] == [line for event, line, *_ in events if event == "line"]
    assert UnboundLocalError is raised


def test_tracer_does_not_disturb_unbound_names():
    _, f = rewritten(SUM, (Recorder(((1, UNBOUND),)), ("a", "nowhere", "i"), ("s", "i")))
    assert UnboundLocalError is line_events(f, [1], 1)[-1]


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="since Python 3.12")
def test_monitoring_sees_the_same_lines():
    requests = ((Recorder(()), ("a", "n"), ("i", "j")), (Recorder(()), ("n",), ("j",)))
    functions = rewritten(FAILING, *requests)
    seen = []
    tool, event = 3, sys.monitoring.events.LINE  # type: ignore[attr-defined]
    sys.monitoring.use_tool_id(tool, "test")  # type: ignore[attr-defined]
    try:
        for function in functions:
            lines: list[int] = []
            seen.append(lines)
            sys.monitoring.register_callback(  # type: ignore[attr-defined]
                tool, event, lambda code, line: lines.append(line)
            )
            sys.monitoring.set_local_events(tool, function.__code__, event)  # type: ignore[attr-defined]
            with contextlib.suppress(ZeroDivisionError):
                function([0], 2)
    finally:
        sys.monitoring.free_tool_id(tool)  # type: ignore[attr-defined]
    assert seen[0] == seen[1] != []


def test_keyboard_interrupt_of_a_region_is_raised_at_the_header():
    def enter(*values):
        raise KeyboardInterrupt

    _, f = rewritten(SUM, (enter, (), ("s", "i")))
    with pytest.raises(KeyboardInterrupt) as raised:
        f([], 0)
    lines = [e.lineno for e in traceback.extract_tb(raised.tb) if e.name == "f"]
    assert [4] == lines


def test_threads_do_not_mix_their_values():
    _, f = rewritten(SUM, (lambda n: ((n, UNBOUND),), ("n",), ("s", "i")))
    wrong = []

    def work(k):
        for _ in range(300):
            with contextlib.suppress(UnboundLocalError):
                wrong.append(f(None, k))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == wrong


# -------------------------------------------------------------------------- whole files


def run_module(text, *requests, decorate=(), decorator=None):
    """Run the rewritten `text` and return its namespace."""
    text = textwrap.dedent(text).lstrip("\n")
    path = f"<module test {next(COUNT)}>"
    sites = [
        site_at(text, enter, arguments, results, nth)
        for nth, (enter, arguments, results) in enumerate(requests)
    ]
    decoration = (
        Decoration(positions=frozenset(decorate), decorate=decorator) if decorator else None
    )
    code = rewrite_module(SourceText(path=path, text=text, cell=None), sites, decoration)
    _, namespace = run_text(text, code)
    return namespace


def test_loop_of_a_module_is_guarded():
    text = """
        s = 0
        for i in range(3):
            s += i
        """
    enter = Recorder(())
    namespace = run_module(text, (enter, ("s", "i", "len"), ("s", "i")))
    assert (3, 2) == (namespace["s"], namespace["i"])
    assert [(0, UNBOUND, len)] == enter.calls


def test_done_loop_of_a_module_assigns_globals():
    text = """
        s = 0
        for i in range(3):
            s += i
        """
    namespace = run_module(text, (Recorder(((UNBOUND, 9),)), ("s",), ("s", "i")))
    assert (0, 9) == (namespace["s"], namespace["i"])
    assert "i" not in run_module(text, (Recorder(((5, UNBOUND),)), ("s",), ("s", "i")))


def test_module_gains_no_name():
    text = "for i in range(3):\n    pass\n"
    plain: dict[str, object] = {}
    exec(text, plain)
    assert set(plain) | {"__name__"} == set(run_module(text, (Recorder(()), ("i",), ("i",))))


def test_docstring_and_future_import_stay_first():
    text = '''
        """What the module does."""
        from __future__ import annotations
        for i in range(3):
            pass
        def f(x: Undefined): ...
        '''
    namespace = run_module(
        text, (Recorder(()), (), ()), decorate=[(5, 0)], decorator=lambda function: function
    )
    assert "What the module does." == namespace["__doc__"]
    assert {"x": "Undefined"} == namespace["f"].__annotations__


def test_definition_is_decorated_beneath_the_users_decorators():
    text = """
        log = []
        def mark(function):
            log.append(function)
            return "marked"
        @mark
        def f(): ...
        def g(): ...
        """
    taken = []

    def decorator(function):
        taken.append(function)
        return f"parallel {function.__name__}"

    namespace = run_module(text, decorate=[(6, 0), (7, 0)], decorator=decorator)
    assert ["f", "g"] == [function.__name__ for function in taken]
    assert ["parallel f"] == namespace["log"]
    assert ("marked", "parallel g") == (namespace["f"], namespace["g"])
    assert [5, 7] == [function.__code__.co_firstlineno for function in taken]


def test_methods_and_nested_functions_are_decorated():
    text = """
        class C:
            def f(self):
                def g():
                    return 3
                return g()
        if True:
            def h():
                return 4
        """
    taken = []

    def decorator(function):
        taken.append(function.__qualname__)
        return function

    namespace = run_module(text, decorate=[(2, 4), (3, 8), (7, 4)], decorator=decorator)
    assert (3, 4) == (namespace["C"]().f(), namespace["h"]())
    assert ["C.f", "h", "C.f.<locals>.g"] == taken


def test_rewriting_a_function_keeps_the_decoration_of_those_in_it():
    text = textwrap.dedent("""
        def f(n):
            def g():
                return n
            for i in range(n):
                pass
            return g
        """)
    taken: list[FunctionType] = []
    decoration = Decoration(positions=frozenset({(3, 4)}), decorate=taken.append)
    source = SourceText(path="<nested>", text=text, cell=None)
    namespace: dict[str, object] = {}
    exec(rewrite_module(source, [], decoration), namespace)
    function = namespace["f"]
    site = site_at(text, Recorder(()), (), ("i",))
    f = rewrite_function(function, source_of(function, text), [site], decoration)  # type: ignore[arg-type]
    assert f(2) is None
    assert ["f.<locals>.g"] == [inner.__qualname__ for inner in taken]


def test_site_in_a_function_is_no_site_of_the_module():
    with pytest.raises(ValueError, match="line 2, column 4: no statement of this body"):
        run_module("def f():\n    for i in []:\n        pass\n", (Recorder(()), (), ()))


def test_syntax_error_of_a_module_names_its_file():
    source = SourceText(path="wrong.py", text="for in\n", cell=None)
    with pytest.raises(SyntaxError) as raised:
        rewrite_module(source, [])
    assert "wrong.py" == raised.value.filename
