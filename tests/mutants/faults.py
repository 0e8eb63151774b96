"""Small faults in Python code: each is one change of one place in a function."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
# Methods and functions whose other half does the opposite.
OPPOSITE = {"min": "max", "max": "min", "argmin": "argmax", "argmax": "argmin", "any": "all"}
OPPOSITE |= {"all": "any", "floor": "ceil", "ceil": "floor", "minimum": "maximum"}
OPPOSITE |= {"maximum": "minimum", "isf": "ppf", "sf": "cdf", "cdf": "sf"}


@dataclass(frozen=True)
class Fault:
    """line: where; was, became: the expression or statement; source: of the whole file."""

    line: int
    was: str
    became: str
    source: str


def faults(source: str) -> list[Fault]:
    """Every fault of a file, in the order of its lines. What only words a message is left out."""
    tree = ast.parse(source)
    found = []
    for node, changed in _changes(tree):
        was = ast.unparse(node)
        kept = dict(vars(node)), type(node)
        node.__class__ = type(changed)  # in place: its parents go on holding it
        vars(node).update(vars(changed))
        became = ast.unparse(node)
        found.append(Fault(node.lineno, _short(was), _short(became), ast.unparse(tree)))
        node.__class__ = kept[1]
        vars(node).clear()
        vars(node).update(kept[0])
    return sorted(found, key=lambda fault: fault.line)


def _changes(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.AST]]:
    for node in list(_behaviour(tree, inside=False)):
        yield from ((node, changed) for changed in _changed(node))


def _behaviour(node: ast.AST, inside: bool) -> Iterator[ast.AST]:
    """The nodes within functions, but for annotations, defaults, messages and docstrings.

    And for what states that nothing is wrong: assertions, and that a zip is ``strict``.
    """
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.arguments | ast.Assert):
        return
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return
    if inside:
        yield node
    inside = inside or isinstance(node, ast.FunctionDef)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _behaviour(child, inside)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in SWAPPED:
            yield _with(node, op=SWAPPED[type(op)]())
        case ast.Compare(ops=[op]) if type(op) in SWAPPED:
            yield _with(node, ops=[SWAPPED[type(op)]()])
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert()):
            yield node.operand
        case ast.Constant(value=bool(value)):
            yield _with(node, value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield _with(node, value=value + 1)
        case ast.If() | ast.IfExp():
            negated = ast.UnaryOp(ast.Not(), node.test)
            yield _with(node, test=ast.copy_location(negated, node.test))
        case ast.Name(id=name, ctx=ast.Load()) if name in OPPOSITE:
            yield _with(node, id=OPPOSITE[name])
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in OPPOSITE:
            yield _with(node, attr=OPPOSITE[name])
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Continue() | ast.Break():
            yield ast.copy_location(ast.Pass(), node)
    if isinstance(node, ast.AugAssign):
        yield ast.copy_location(ast.Pass(), node)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    vars(changed).update(fields)
    return changed


def _short(code: str) -> str:
    line = code.splitlines()[0]
    return line if len(line) <= 90 else f"{line[:90]}…"
