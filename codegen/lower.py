"""Lowering: a schedule becomes the loop tree that all code generators print.

Before:  [n] -> { S0[i, j] -> [0, i, 0, j, 0] : 0 <= i < n and 0 <= j < i }
After:   parallel for i in range(0, n):
             parallel for j in range(0, i):
                 S0(i=i, j=j)

The loops are those of isl's AST generator; they get the user's names back where a loop scans
just what the user's loop scanned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model import isl_ast
from autopar.analysis.model.ast_nodes import AstFor, AstIf, AstInstance, AstNode, instances
from autopar.analysis.model.dependence import Renaming
from autopar.analysis.model.loop_ir import Constant, Expression, Name, Unary
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import PrivateArray, Schedule, ScheduleDimension
from autopar.analysis.model.scop import Array, Scop
from autopar.analysis.model.scop import Loop as SourceLoop
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    Cast,
    Check,
    Computed,
    Index,
    Load,
    Number,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    Subscript,
    Trace,
    TypedExpression,
    TypedProgram,
    TypedStatement,
    Variable,
)
from autopar.analysis.model.types import ArrayType
from autopar.analysis.model.unused import unused

from .cells import find_cells, with_scalars
from .data_ranges import narrowed
from .integers import difference, rename, simplify, substitute, without_span
from .kernel import (
    ArrayArgument,
    Branch,
    Instance,
    IntegerArgument,
    Loop,
    Node,
    Program,
    walk_nodes,
)
from .lasting_cells import find_lasting
from .liveness import assigned
from .predicates import Guarded, enclosed, gathered
from .reduced import find_reduced
from .scanned import find_scanned
from .whole_iterations import torn_dimensions

# Turns of a `while` loop that nothing stands around: at a nanosecond each, those of a century.
_ENDLESS = 2**62


def lower(
    scop: Scop,
    schedule: Schedule,
    typed: TypedProgram,
    arrays: Mapping[str, ArrayType],
    *,
    name: str,
    file: str,
) -> Program:
    """Return the loops that run `scop` in the order of `schedule`.

    `name` is an identifier, `file` the user's source. Integer expressions of the result,
    those inside statements included, are over iterators and parameter identifiers only.
    """
    is_split = any(word == "split" for _, word in schedule.transforms)
    places = tuple(at for at, each in enumerate(schedule.dimensions) if each.is_textual)
    unrolled = places if is_split else ()
    tree = isl_ast.scan(schedule.relation, scop.context, scop.span, unrolled)
    torn = torn_dimensions(tree, scop, schedule)
    if torn:
        tree = isl_ast.scan(schedule.relation, scop.context, scop.span, unrolled, torn)
    lowering = _Lowering(scop=scop, schedule=schedule, typed=typed)
    assigned = {
        statement.name for _, statement in typed.statements if isinstance(statement, SetVariable)
    }
    body = gathered(lowering.nodes(tree, {}, _taken(scop, typed)))
    program = Program(
        name=name,
        file=file,
        body=body,
        arrays=_array_arguments(scop, arrays),
        integers=tuple(
            IntegerArgument(name=parameter.name, text=parameter.text)
            for parameter in scop.parameters
        ),
        variables=_variables(scop, typed, body),
        results=tuple(each for each in scop.live_out if each in assigned),
        hazards=typed.hazards,
        local=schedule.local,
    )
    return with_scalars(program)


def _variables(
    scop: Scop, typed: TypedProgram, body: tuple[Node, ...]
) -> tuple[ScalarVariable, ...]:
    """Return the variables without the predicates that no loop asks any more."""
    gone = frozenset(scop.predicates) - assigned(body)
    return tuple(each for each in typed.variables if each.name not in gone)


def _taken(scop: Scop, typed: TypedProgram) -> frozenset[str]:
    return (
        frozenset(parameter.name for parameter in scop.parameters)
        | frozenset(array.name for array in scop.arrays)
        | frozenset(variable.name for variable in typed.variables)
    )


def _array_arguments(scop: Scop, arrays: Mapping[str, ArrayType]) -> tuple[ArrayArgument, ...]:
    accesses = [access for statement in scop.statements for access in statement.accesses]
    read = {access.array for access in accesses if access.kind == "read"}
    written = {access.array for access in accesses if access.kind != "read"}
    return tuple(
        ArrayArgument(
            name=array.name,
            type=arrays[array.name],
            is_read=array.name in read,
            is_written=array.name in written,
            extents=_extents(scop, array),
        )
        for array in scop.arrays
        if array.rank > 0
    )


def _extents(scop: Scop, array: Array) -> tuple[Expression, ...] | None:
    if array.allocation is None:
        return None
    values = _parameters(scop)
    extents = (substitute(each, values) for each in array.allocation.extents)
    return tuple(simplify(each, scop.span) for each in extents)


def _parameters(scop: Scop) -> dict[Expression, Expression]:
    """Return the identifier of each parameter, by the name or extent that it is."""
    return {
        without_span(parameter.expression): Name(
            name=parameter.name, span=parameter.expression.span
        )
        for parameter in scop.parameters
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lowering:
    scop: Scop
    schedule: Schedule
    typed: TypedProgram
    is_in_kernel: bool = False  # a parallel loop stands around what is lowered
    # A loop stands around of which the host does not know the bounds: nothing can be launched.
    is_in_order: bool = False
    is_driven: bool = False  # a loop stands around that the host leaves where its data say so

    def nodes(
        self, tree: tuple[AstNode, ...], values: Mapping[str, Expression], taken: frozenset[str]
    ) -> tuple[Guarded, ...]:
        """Lower `tree`; `values` are the iterators around it, `taken` the names in use."""
        return tuple(lowered for node in tree for lowered in self._node(node, values, taken))

    def _node(
        self, node: AstNode, values: Mapping[str, Expression], taken: frozenset[str]
    ) -> tuple[Guarded, ...]:
        match node:
            case AstFor():
                return self._loop(node, values, taken)
            case AstIf():
                return self._branches(node, values, taken)
            case AstInstance():
                return (self._instance(node, values),)

    def _loop(
        self, node: AstFor, values: Mapping[str, Expression], taken: frozenset[str]
    ) -> tuple[Guarded, ...]:
        shape = self._source_loop(node)
        lower_bound = self._integer(node.lower, values)
        upper_bound = self._integer(node.upper, values)
        if shape is not None and shape.is_driver and shape.leaves == "while":
            upper_bound = Constant(value=_ENDLESS, span=shape.span)
        if difference(upper_bound, lower_bound) == 1:
            return self.nodes(node.body, {**values, node.iterator: lower_bound}, taken)
        iterator = self._iterator_name(node, taken)
        inner = {**values, node.iterator: Name(name=iterator, span=self.scop.span)}
        inside = frozenset(instances(node.body))
        dimension = self.schedule.dimensions[node.dimension]
        data = None if shape is None or shape.data is None or not shape.data.boxes else shape.data
        leaves = shape is not None and shape.leaves is not None
        is_driver = shape is not None and shape.is_driver
        is_ordered = self.is_in_order or (data is not None and not self.is_in_kernel)
        is_ordered = is_ordered or (leaves and not is_driver)
        is_parallel = (
            data is None and not is_ordered and not leaves and dimension.coincident >= inside
        )
        loop = Loop(
            iterator=iterator,
            lower=lower_bound,
            upper=upper_bound,
            step=node.step,
            is_parallel=is_parallel,
            private_arrays=_private(dimension.private_arrays, inside) if is_parallel else (),
            body=(),
            span=self.scop.span if shape is None else shape.span,
            stays=shape.stays if shape is not None else None,
            skew=self._skew(shape),
            dimension=node.dimension,
            is_endless=shape is not None and shape.leaves == "while" and not is_driver,
            is_driver=is_driver,
        )
        below = replace(
            self,
            is_in_kernel=self.is_in_kernel or is_parallel,
            is_in_order=is_ordered,
            is_driven=self.is_driven or is_driver,
        )
        body = below.nodes(node.body, inner, taken | {iterator})
        found = enclosed(loop, body, may_decide=self.is_in_kernel or self.is_driven)
        if data is not None:
            assert shape is not None
            assert isinstance(found.node, Loop)
            narrow = narrowed(found.node, data, rises=shape.step > 0)
            return (replace(found, node=narrow),) if narrow.body else ()
        if is_ordered or leaves:
            return (found,)
        reduced = _with_reductions(found, dimension, inside)
        return (_with_passes(self.scop, reduced, dimension, inside),)

    def _branches(
        self, node: AstIf, values: Mapping[str, Expression], taken: frozenset[str]
    ) -> tuple[Guarded, ...]:
        # The test reads iterators and parameters only, so it may be asked twice.
        test = self._integer(node.test, values)
        otherwise = Unary(operator="not", operand=test, span=self.scop.span)
        arms = ((test, node.body), (otherwise, node.orelse))
        return tuple(
            enclosed(
                Branch(test=condition, body=(), span=self._span(body)),
                self.nodes(body, values, taken),
                may_decide=self.is_in_kernel or self.is_driven,
            )
            for condition, body in arms
            if body
        )

    def _instance(self, node: AstInstance, values: Mapping[str, Expression]) -> Guarded:
        statement = self.scop.statement(node.statement)
        arguments = (self._integer(each, values) for each in node.arguments)
        instance = Instance(
            name=statement.name,
            statement=self._parametrized(self.typed.statement(statement.name)),
            iterators=tuple(zip(statement.domain.dimensions, arguments, strict=True)),
            span=statement.span,
        )
        return Guarded(node=instance, predicates=statement.predicates)

    def _integer(self, expression: Expression, values: Mapping[str, Expression]) -> Expression:
        return simplify(rename(expression, values), self.scop.span)

    def _iterator_name(self, node: AstFor, taken: frozenset[str]) -> str:
        scanned = dict(self.schedule.dimensions[node.dimension].iterators)
        for statement, variable in scanned.items():
            if statement in instances(node.body) and variable not in taken:
                if self._scans_plainly(node, variable):
                    return variable
                break
        blocked = self.schedule.dimensions[node.dimension].blocks_of
        return unused(node.iterator if blocked is None else f"{blocked}_block", taken)

    def _scans_plainly(self, node: AstFor, variable: str) -> bool:
        """Return whether the user's `variable` is the iterator itself wherever it occurs."""
        return all(
            argument == Name(name=node.iterator, span=self.scop.span)
            for instance in _ast_instances(node.body)
            for dimension, argument in zip(
                self.scop.statement(instance.statement).domain.dimensions,
                instance.arguments,
                strict=True,
            )
            if dimension == variable
        )

    def _source_loop(self, node: AstFor) -> SourceLoop | None:
        """Return the loop of the source that `node` runs, or a part of it; None for a new one."""
        scanned = dict(self.schedule.dimensions[node.dimension].iterators)
        for name in instances(node.body):
            for number in self.scop.statement(name).loops:
                if self.scop.loops[number].variable == scanned.get(name):
                    return self.scop.loops[number]
        return None

    def _skew(self, shape: SourceLoop | None) -> int | None:
        """Return how far iterations of a loop of the source have to be apart to overlap."""
        factors = {each.outer: each.factor for each in self.schedule.skews}
        return next((factors[at] for at in factors if self.scop.loops[at] is shape), None)

    def _span(self, body: tuple[AstNode, ...]) -> Span:
        return self.scop.statement(instances(body)[0]).span

    def _parametrized(self, statement: TypedStatement) -> TypedStatement:
        """Return `statement` with extents and names replaced by parameter identifiers."""
        values = _parameters(self.scop)
        match statement:
            case Store():
                value = _with_parameters(statement.value, values)
                return replace(statement, indices=_indices(statement, values), value=value)
            case SetVariable():
                return replace(statement, value=_with_parameters(statement.value, values))
            case Check() | Trace():
                raise AssertionError("checks are made of what is lowered")


def _with_reductions(
    found: Guarded, dimension: ScheduleDimension, statements: frozenset[str]
) -> Guarded:
    """Return a loop with what is all that it carries; with nothing where it carries more."""
    if not dimension.coincident | dimension.reducible >= statements:
        return found
    assert isinstance(found.node, Loop)
    own = [each for each in dimension.reductions if statements & frozenset(each.statements)]
    kept = _private(dimension.kept_arrays, statements)
    private = _private(dimension.private_arrays, statements)
    loop = replace(found.node, private_arrays=private if own or kept else found.node.private_arrays)
    stored = {
        node.statement.array
        for node in walk_nodes(loop.body)
        if isinstance(node, Instance) and isinstance(node.statement, Store)
    }
    counted = [each for each in own if each.target in stored]
    accumulating = frozenset(name for each in counted for name in each.statements)
    elements = [find_cells(loop, each, accumulating) for each in counted]
    cells = tuple(each for each in elements if each is not None)
    scalars = tuple(each for each in own if each.target not in stored)
    reductions = find_reduced(loop.body, scalars)
    if len(cells) < len(elements) or bool(reductions) < bool(scalars):
        return found
    cells += find_lasting(loop, kept)
    return replace(found, node=replace(loop, reductions=reductions, cells=cells))


def _with_passes(
    scop: Scop, found: Guarded, dimension: ScheduleDimension, statements: frozenset[str]
) -> Guarded:
    """Return a loop with the scans, or the renamings, that are all that it asks for."""
    loop = found.node
    if not isinstance(loop, Loop) or loop.is_shared or loop.private_arrays:
        return found
    if dimension.scannable >= statements:
        own = tuple(each for each in dimension.scans if statements & frozenset(each.statements))
        return replace(found, node=replace(loop, scans=find_scanned(loop.body, own)))
    if dimension.renamable >= statements:
        values = _parameters(scop)
        renamings = tuple(
            _renaming_as_lowered(each, values)
            for each in dimension.renamings
            if statements & each.statements
        )
        return replace(found, node=replace(loop, renamings=renamings))
    return found


def _renaming_as_lowered(renaming: Renaming, values: Mapping[Expression, Expression]) -> Renaming:
    """Return a renaming with the subscripts that its statements have here."""
    reads = tuple(
        (statement, tuple(substitute(each, values) for each in indices))
        for statement, indices in renaming.reads
    )
    return replace(renaming, reads=reads)


def _private(
    arrays: tuple[tuple[str, PrivateArray], ...], statements: frozenset[str]
) -> tuple[PrivateArray, ...]:
    """Return what must be private for `statements` to run at the same time, each array once."""
    found: dict[str, PrivateArray] = {}
    for statement, array in arrays:
        if statement in statements and not (
            array.name in found and found[array.name].starts_filled
        ):
            found[array.name] = array
    return tuple(found.values())


def _with_parameters(
    expression: TypedExpression, values: Mapping[Expression, Expression]
) -> TypedExpression:
    match expression:
        case Number() | Variable():
            return expression
        case Index():
            return replace(expression, expression=substitute(expression.expression, values))
        case Load():
            return replace(expression, indices=_indices(expression, values))
        case Cast():
            return replace(expression, operand=_with_parameters(expression.operand, values))
        case Operation():
            operands = tuple(_with_parameters(each, values) for each in expression.operands)
            return replace(expression, operands=operands)


def _indices(place: Load | Store, values: Mapping[Expression, Expression]) -> tuple[Subscript, ...]:
    return tuple(
        replace(each, value=_with_parameters(each.value, values))
        if isinstance(each, Computed)
        else substitute(each, values)
        for each in place.indices
    )


def _ast_instances(body: tuple[AstNode, ...]) -> Iterator[AstInstance]:
    for node in body:
        match node:
            case AstFor():
                yield from _ast_instances(node.body)
            case AstIf():
                yield from _ast_instances(node.body)
                yield from _ast_instances(node.orelse)
            case AstInstance():
                yield node
