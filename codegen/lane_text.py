"""Print a loop over the times of rows that run side by side, each in a lane of vectors.

    time = begin
    if time < end:
        c_0_1_lanes = lanes_of((c[i, ...], c[i + 1, ...], ...))     what the rows stored last
        for time in range(time, end):
            c_1_1_lanes = lanes_shifted(c_0_1_lanes, c[i - 1, ...])    the rows above
            term0_lanes = lanes_greatest(c_1_1_lanes, c_0_1_lanes)
            c[i, ...] = lane(term0_lanes, 0)
            c[i + 1, ...] = lane(term0_lanes, 1)
            ...
            c_0_1_lanes = term0_lanes

`codegen.lane_plan` says where each operand comes from. All stores of a time come last: what they
overwrite has been fetched by then, and what they hold is at hand.

Where nothing of what rows store is read from memory, and they store side by side, eight times are
kept on the stack, turned round, and stored row by row: one store instead of eight for each row.

    for time_times_lanes in range(time, time_rest_lanes, 8):
        for time in range(time_times_lanes, time_times_lanes + 8):
            ...
            lanes_keep(c_room_lanes, time - time_times_lanes, term0_lanes)
        lanes_turn(c_room_lanes)
        lanes_put(c, (i, ...), c_room_lanes, 0)
        lanes_put(c, (i + 1, ...), c_room_lanes, 1)
        ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from autopar.analysis.model.loop_ir import Binary, Constant, Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import Index, Load, SetVariable, Store, TypedExpression

from .integers import difference, rename, simplify
from .kernel import Decision, Instance, LaneBand, Loop, Node, walk_nodes
from .lane_expressions import LanePrinter, told_name
from .lane_plan import TIMES, Fixed, Held, LanePlan, Moving, Own, always_stores, plan_lanes

_INDENT = "    "


@dataclass(slots=True, kw_only=True)
class LaneText:
    """The lines of one such loop, and the functions of `codegen.lanes` that they call."""

    loop: Loop
    names: Mapping[str, str]
    # The text of an element, and of an integer, with values for the loop variables of the source.
    element: Callable[[Load, Mapping[str, Expression]], str]
    integer: Callable[[Expression, Mapping[str, Expression]], str]
    rows: frozenset[str] = frozenset()  # arrays whose last axis lies side by side
    used: set[str] = field(default_factory=set)

    def lines(self, lower: str, upper: str) -> list[str]:
        """Return the loop over the times from `lower` to `upper`."""
        band = self.loop.lanes
        assert band is not None  # the caller looked
        plan = plan_lanes(band, frozenset())
        assert plan is not None  # as when the loop was made
        return _Body(text=self, band=band, plan=plan).lines(lower, upper)


@dataclass(slots=True, kw_only=True)
class _Body:
    text: LaneText
    band: LaneBand
    plan: LanePlan
    _before: list[str] = field(default_factory=list)
    _top: list[str] = field(default_factory=list)
    _bottom: list[str] = field(default_factory=list)
    _kept: dict[str, str] = field(default_factory=dict)  # lanes of elements, by key
    _own: dict[str, str] = field(default_factory=dict)  # lanes of what was stored, by array
    _instance: str = ""  # name of the statement that is printed

    def lines(self, lower: str, upper: str) -> list[str]:
        loop, time = self.text.loop, self.text.names[self.text.loop.iterator]
        printer = LanePrinter(
            count=self.band.count, load=self._load, index=self._index, live_in=self._live_in
        )
        self._histories()
        self._nodes(printer, self.band.body)
        self._moved_on()
        told, zero = sorted(printer.told), printer.same("np.int64(0)")
        self.text.used |= printer.used
        end, inner = f"{time}_lanes_end", 2 * _INDENT
        before = (*(f"{told_name(status)} = {zero}" for status in told), *self._before)
        computed = (*self._top, *printer.lines)
        return [
            f"{time} = {lower}",
            f"{end} = {upper}",
            f"if {time} < {end}:",
            *(_INDENT + each for each in (*before, *self._together(time, end, computed))),
            f"{_INDENT}for {time} in range({time}, {end}):  # line {loop.span.line}",
            *(inner + each for each in (*computed, *self._stores(), *self._bottom)),
            *(_INDENT + self._told(status) for status in told),
        ]

    def _together(self, time: str, end: str, computed: tuple[str, ...]) -> Iterator[str]:
        """Yield a loop over as many times as there are rows, and where the next one goes on."""
        stored = [store.array for store, _ in self.plan.stores]
        if not self.plan.stays_in_lanes or not self.text.rows.issuperset(stored):
            return
        count, first, rest = self.band.count, f"{time}_times_lanes", f"{time}_rest_lanes"
        rooms = {array: f"{self.text.names[array]}_room_lanes" for array in stored}
        for store, _ in self.plan.stores:
            zero = self._call("lanes_all", f"np.{store.value.type.dtype}(0)", str(count))
            yield f"{rooms[store.array]} = {self._call('lanes_room', zero)}"
        yield f"{rest} = {end} - ({end} - {time}) % {TIMES}"
        yield f"for {first} in range({time}, {rest}, {TIMES}):"
        yield f"{_INDENT}for {time} in range({first}, {first} + {TIMES}):"
        kept = [
            self._call("lanes_keep", rooms[array], f"{time} - {first}", self._own[array])
            for array in stored
        ]
        yield from (2 * _INDENT + each for each in (*computed, *kept, *self._bottom))
        for array, room in rooms.items():
            yield _INDENT + self._call("lanes_turn", room)
            for row in range(count):
                place = self._element(*self._place(array), row, age=TIMES - 1)
                name, indices = place.rstrip("]").split("[", 1)
                put = self._call("lanes_put", name, f"({indices},)", room, str(row))
                yield _INDENT + put
        yield f"{time} = {rest}"

    def _told(self, status: int) -> str:
        has_happened = self._call("lanes_negative", told_name(status))
        return f"status |= {status} if {has_happened} else 0"

    # ------------------------------------------------------------------ statements

    def _nodes(self, printer: LanePrinter, nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            match node:
                case Instance():
                    self._statement(printer, node)
                case Decision():
                    self._decision(printer, node)
                case _:
                    raise AssertionError("rows hold neither loops nor branches")

    def _decision(self, printer: LanePrinter, node: Decision) -> None:
        around, holds = printer.mask, printer.variables[node.predicate]
        printer.mask = printer.fresh(printer.masked(holds))
        self._nodes(printer, node.body)
        printer.mask = around
        if node.orelse:
            printer.mask = printer.fresh(printer.masked(printer.call("lanes_not", holds)))
            self._nodes(printer, node.orelse)
            printer.mask = around

    def _statement(self, printer: LanePrinter, instance: Instance) -> None:
        self._instance = instance.name
        match instance.statement:
            case SetVariable(name=name, value=value):
                old = printer.variables.get(name)
                printer.variables[name] = self._assigned(printer, value, old)
            case Store(array=array, value=value):
                old = self._old(array) if printer.mask is not None else None
                self._own[array] = self._assigned(printer, value, old)
            case _:
                raise AssertionError("rows only compute and store")

    @staticmethod
    def _assigned(printer: LanePrinter, value: TypedExpression, old: str | None) -> str:
        """Return lanes with a new value where the statement runs, else the old one, if any."""
        found = printer.value(value)
        if printer.mask is not None and old is not None:
            found = printer.call("lanes_if", printer.mask, found, old)
        return printer.fresh(found)

    def _old(self, array: str) -> str | None:
        """Return what an element is where nothing is stored yet; None where nobody asks."""
        if array in self._own:
            return self._own[array]
        is_read = any(
            isinstance(origin, Own) and origin.array == array for _, _, origin in self.plan.origins
        )
        if always_stores(self.band.body, array) and not is_read:
            return None
        return self._gathered(*self._place(array))

    def _stores(self) -> Iterator[str]:
        for store, _ in self.plan.stores:
            place = self._place(store.array)
            for row in range(self.band.count):
                value = self._call("lane", self._own[store.array], str(row))
                yield f"{self._element(*place, row)} = {value}"

    # ------------------------------------------------------------------ operands

    def _load(self, load: Load) -> str:
        origin, instance = self.plan.origin(self._instance, load), self._instances[self._instance]
        match origin:
            case Held():
                return self._name(origin.array, origin.shift, origin.age)
            case Own() if origin.array in self._own:
                return self._own[origin.array]
            case Moving():
                return self._moving(origin.key, load, instance)
            case Fixed():
                return self._fixed(origin.key, load, instance)
        return self._gathered(load, instance)

    def _gathered(self, load: Load, instance: Instance) -> str:
        source = self._lanes(load, instance)
        if source not in self._kept:
            self._kept[source] = f"kept{len(self._kept)}_lanes"
            self._top.append(f"{self._kept[source]} = {source}")
        return self._kept[source]

    def _fixed(self, key: str, load: Load, instance: Instance) -> str:
        if key not in self._kept:
            self._kept[key] = f"kept{len(self._kept)}_lanes"
            self._before.append(f"{self._kept[key]} = {self._lanes(load, instance)}")
        return self._kept[key]

    def _moving(self, key: str, load: Load, instance: Instance) -> str:
        if key not in self._kept:
            number = len(self._kept)
            kept = [f"kept{number}_{age}_lanes" for age in range(self.band.skew + 1)]
            self._before += [
                f"{each} = {self._lanes(load, instance, age=age)}"
                for age, each in enumerate(kept)
                if age
            ]
            first = self._element(load, instance, 0)
            self._top.append(f"{kept[0]} = {self._call('lanes_shifted', kept[-1], first)}")
            self._move_on(kept)
            self._kept[key] = kept[0]
        return self._kept[key]

    def _histories(self) -> None:
        """Print where what rows stored earlier comes from."""
        for store, _ in self.plan.stores:
            array, place = store.array, self._place(store.array)
            for shift, ages in enumerate(self.plan.ages(array)):
                low = min(ages) if shift else 0
                for age in range(low + 1, max(ages) + 1):
                    start = self._lanes(*place, age=age, shift=shift)
                    self._before.append(f"{self._name(array, shift, age)} = {start}")
                if shift:
                    source = self._name(array, shift - 1, low)
                    first = self._element(*place, -shift, age=low)
                    moved = self._call("lanes_shifted", source, first)
                    self._top.append(f"{self._name(array, shift, low)} = {moved}")

    def _moved_on(self) -> None:
        """Print where it goes at the end of a time."""
        for store, _ in self.plan.stores:
            for shift, ages in enumerate(self.plan.ages(store.array)):
                low = min(ages) if shift else 1
                kept = [self._name(store.array, shift, age) for age in range(low, max(ages) + 1)]
                self._move_on(kept if shift else [self._own[store.array], *kept])

    def _move_on(self, kept: list[str]) -> None:
        self._bottom += [f"{kept[at]} = {kept[at - 1]}" for at in range(len(kept) - 1, 0, -1)]

    def _live_in(self, name: str) -> str:
        if name not in self._kept:
            self._kept[name] = f"kept{len(self._kept)}_lanes"
            lanes = self._call("lanes_all", self.text.names[name], str(self.band.count))
            self._before.append(f"{self._kept[name]} = {lanes}")
        return self._kept[name]

    def _index(self, index: Index) -> str:
        instance = self._instances[self._instance]
        rows = [self._iterators(instance, row) for row in range(self.band.count)]
        one, other = (rename(index.expression, each) for each in rows[:2])
        apart = difference(other, one)
        first, count = self.text.integer(index.expression, rows[0]), str(self.band.count)
        if apart is None:
            others = (self.text.integer(index.expression, each) for each in rows[1:])
            return self._call("lanes_of", _tuple([first, *others]))
        same = self._call("lanes_all", f"np.int64({first})", count)
        if apart == 0:
            return same
        steps = self._call("lanes_of", _tuple([str(apart * row) for row in range(len(rows))]))
        return self._call("lanes_add", same, steps)

    # ------------------------------------------------------------------ words

    @property
    def _instances(self) -> dict[str, Instance]:
        nodes = walk_nodes(self.band.body)
        return {each.name: each for each in nodes if isinstance(each, Instance)}

    def _call(self, name: str, *arguments: str) -> str:
        self.text.used.add(name)
        return f"{name}({', '.join(arguments)})"

    def _name(self, array: str, shift: int, age: int) -> str:
        return f"{self.text.names[array]}_{shift}_{age}_lanes"

    def _place(self, array: str) -> tuple[Load, Instance]:
        """Return where an array is stored, as an element that is read."""
        store, instance = next(each for each in self.plan.stores if each[0].array == array)
        kind = store.value.type
        return Load(array=array, indices=store.indices, type=kind, span=store.span), instance

    def _lanes(self, load: Load, instance: Instance, *, age: int = 0, shift: int = 0) -> str:
        """Return the elements that the rows have `age` times before, `shift` rows further up."""
        rows = range(-shift, self.band.count - shift)
        elements = [self._element(load, instance, row, age=age) for row in rows]
        return self._call("lanes_of", _tuple(elements))

    def _element(self, load: Load, instance: Instance, row: int, *, age: int = 0) -> str:
        return self.text.element(load, self._iterators(instance, row, age))

    def _iterators(self, instance: Instance, row: int, age: int = 0) -> dict[str, Expression]:
        """Return the loop variables of the source in row `rows + row`, `age` times before."""
        span = instance.span
        first = Name(name=self.band.rows, span=span)
        here = Binary(operator="+", left=first, right=_number(row, span), span=span)
        skewed = Binary(operator="*", left=_number(self.band.skew, span), right=here, span=span)
        time = Name(name=self.text.loop.iterator, span=span)
        before = Binary(operator="-", left=time, right=_number(age, span), span=span)
        column = Binary(operator="-", left=before, right=skewed, span=span)
        values: dict[str, Expression] = {self.band.outer: here, self.band.inner: column}
        return {name: simplify(rename(each, values), span) for name, each in instance.iterators}


def _number(value: int, span: Span) -> Constant:
    return Constant(value=value, span=span)


def _tuple(values: list[str]) -> str:
    return f"({', '.join(values)},)"
