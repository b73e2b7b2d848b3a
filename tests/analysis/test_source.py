"""Places in a text: whether one lies around another is known without a look at each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autopar.analysis.model.source import Places, Span

# Few places, so that spans begin, end and cross where others do.
_POSITIONS = st.tuples(st.integers(1, 4), st.integers(0, 3))
_SPANS = st.tuples(_POSITIONS, _POSITIONS).map(
    lambda ends: Span(
        line=min(ends)[0],
        column=min(ends)[1],
        end_line=max(ends)[0],
        end_column=max(ends)[1],
    )
)


@given(st.lists(_SPANS), _SPANS)
def test_places_are_found_as_by_a_look_at_each(spans: list[Span], asked: Span) -> None:
    places = Places(spans)
    assert any(each.contains(asked) for each in spans) == places.around(asked)
    larger = any(each.contains(asked) for each in spans if each != asked)
    assert larger == places.strictly_around(asked)
