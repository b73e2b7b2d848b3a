"""The catalogue: every reason once, with a whole page, and examples that hold.

`APnnn.py` beside this file has `bad`, whose outermost loop gets exactly that code, and `good`,
which is parallel.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from autopar.analysis.facts import reasons as call_reasons
from autopar.analysis.facts import reasons_fission as call_fission_reasons
from autopar.analysis.facts import reasons_objects as object_reasons
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.source import SourceText, Span
from autopar.analysis.passes import reasons as static_reasons
from autopar.analysis.passes import (
    reasons_calls,
    reasons_data,
    reasons_dependence,
    reasons_draws,
    reasons_fission,
    reasons_loops,
    reasons_model,
    reasons_objects,
    reasons_syntax,
)
from autopar.analysis.stages import explain_text
from autopar.catalogue import CATALOGUE, find_reason, page_of
from autopar.codegen import reasons as target_reasons

MODULES = (
    static_reasons,
    reasons_calls,
    reasons_syntax,
    reasons_loops,
    reasons_model,
    reasons_objects,
    reasons_data,
    reasons_dependence,
    reasons_draws,
    reasons_fission,
    call_fission_reasons,
    call_reasons,
    object_reasons,
    target_reasons,
)
HEADINGS = ("Why it blocks", "Example", "Use instead", "Right to refuse", "References")
EXAMPLES = Path(__file__).parent
HERE = Span(line=1, column=0, end_line=1, end_column=1)
# A value of each type that a field may have.
VALUES = {
    "str": "x",
    "int": 3,
    "bool": True,
    "str | None": None,
    "tuple[str, ...]": ("s", "t"),
    "tuple[int, ...]": (1, 2),
    "tuple[tuple[str, int], ...]": (("k", 1),),
}
# Codes without an example: they need a call, or an analysis that takes its time.
WITHOUT_EXAMPLE = {
    "AP307": "to exhaust the budget takes seconds",
}
by_code = pytest.mark.parametrize("reason", CATALOGUE, ids=lambda reason: reason.code)


def instance_of(reason):
    """Return a reason of the class `reason` with some value in each field."""
    fields = {field.name: field.type for field in dataclasses.fields(reason)}
    del fields["span"]
    return reason(span=HERE, **{name: VALUES[kind] for name, kind in fields.items()})


def test_codes_are_unique_and_in_order():
    codes = [reason.code for reason in CATALOGUE]
    assert sorted(set(codes)) == codes


def test_every_reason_of_the_modules_is_in_the_catalogue():
    defined = {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Reason) and value is not Reason
        if not value.__name__.startswith("_")  # what several of them share
    }
    assert defined == set(CATALOGUE)


@by_code
def test_code_is_ap_and_three_digits(reason):
    assert re.fullmatch(r"AP[0-69]\d\d", reason.code)


@by_code
def test_page_has_a_title_and_the_headings_in_order(reason):
    title, blank, *rest = page_of(reason).splitlines()
    assert title.startswith(f"{reason.code} ")
    assert title.endswith(".")
    assert blank == ""
    found = [line.partition(":")[0] for line in rest if re.match(r"[A-Z][a-z ]+:", line)]
    assert list(HEADINGS) == found


@by_code
def test_no_section_of_a_page_is_empty(reason):
    page = page_of(reason)
    sections = re.split(rf"^(?:{'|'.join(HEADINGS)}):", page, flags=re.M)
    assert all(section.strip() for section in sections)


@by_code
def test_message_is_one_sentence(reason):
    message = instance_of(reason).message
    assert "\n" not in message
    # A verdict without an obstacle is a fragment: it stands behind the verdict in the table.
    if not reason.code.startswith("AP0"):
        assert re.match(r"[A-Z']", message)
        assert message.endswith(".")


@by_code
def test_notes_and_hints_are_sentences(reason):
    made = instance_of(reason)
    for text in (*made.notes, *made.hints):
        assert "\n" not in text
        assert text.endswith(".")


def test_unknown_code_is_no_reason():
    assert find_reason("AP999") is None


def codes_with_examples():
    """Yield every code of a loop that has obstacles."""
    for reason in CATALOGUE:
        if "AP201" <= reason.code < "AP500" and reason.code not in WITHOUT_EXAMPLE:
            yield reason.code


def loops_of(code):
    """Return {function: its loops} of the static report of the examples of `code`."""
    path = EXAMPLES / f"{code}.py"
    text = SourceText(path=path.name, text=path.read_text(encoding="utf-8"), cell=None)
    return {function.name: function.loops for function in explain_text(text)}


@pytest.mark.parametrize("code", list(codes_with_examples()))
def test_bad_example_gets_exactly_this_code(code):
    outermost = loops_of(code)["bad"][0]
    assert code == outermost.code
    assert outermost.verdict in {"sequential", "unsupported"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("AP*.py")), ids=lambda path: path.stem)
def test_good_example_is_parallel(path):
    outermost = loops_of(path.stem)["good"][0]
    assert ("parallel", "AP001") == (outermost.verdict, outermost.code)


def test_every_example_is_of_a_code():
    assert set() == {path.stem for path in EXAMPLES.glob("AP*.py")} - {
        reason.code for reason in CATALOGUE
    }
