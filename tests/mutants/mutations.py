"""The changes: what a slip of the hand could make of a line, one at a time.

Found in the syntax tree, made in the text: a mutant differs from its file in one place.
Annotations, docstrings and messages are left alone, since no test should depend on them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_COMPARED: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: its lines (from 1), what it does, the first line before it, and the file's new text."""

    line: int
    last_line: int
    change: str
    before: str
    text: str

    @property
    def name(self) -> str:
        """What names it whatever lines stand above it."""
        return f"{self.before.strip()}  [{self.change}]"


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a file's text, in the order of its lines."""
    lines = source.splitlines(keepends=True)
    found = [
        (node, change, new) for node in _code(ast.parse(source)) for change, new in _changes(node, source)
    ]
    for node, change, new in sorted(found, key=lambda one: (one[0].lineno, one[0].col_offset)):
        yield Mutant(
            node.lineno,
            node.end_lineno or node.lineno,
            change,
            lines[node.lineno - 1],
            _replaced(lines, node, new),
        )


Place = ast.expr | ast.stmt


def _code(tree: ast.AST) -> Iterator[Place]:
    """Yield the nodes that run: no annotation, no default of a type, nothing for the type checker alone."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(tree, ast.AnnAssign) and child is tree.annotation:
            continue
        if isinstance(tree, ast.ClassDef) and child in tree.decorator_list:
            continue  # what a class promises to its readers alone, as that it is frozen
        if isinstance(child, ast.arg) or (isinstance(tree, ast.FunctionDef) and child is tree.returns):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, (ast.expr, ast.stmt)):
            yield child
        yield from _code(child)


def _changes(node: Place, source: str) -> Iterator[tuple[str, str]]:
    def text(part: ast.AST) -> str:
        return ast.get_source_segment(source, part) or ""

    match node:
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield "left out", "pass"
        case ast.If(test=test) | ast.IfExp(test=test):
            yield "negated", text(node).replace(text(test), f"(not ({text(test)}))", 1)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            new = _COMPARED[type(op)]
            yield f"compared by {new}", f"({text(left)} {new} {text(right)})"
        case ast.BoolOp(op=op, values=values):
            other = " or " if isinstance(op, ast.And) else " and "
            yield f"joined by{other}".rstrip(), f"({other.join(f'({text(value)})' for value in values)})"
        case ast.Constant(value=bool() as value):
            yield f"{not value}", f"{not value}"
        case ast.Constant(value=int() as value):
            yield f"{value + 1}", f"{value + 1}"


def _replaced(lines: list[str], node: Place, new: str) -> str:
    """Return the text with the node's part of it replaced; columns of the syntax tree are UTF-8 bytes."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    head = lines[node.lineno - 1].encode()[: node.col_offset].decode()
    tail = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
    return "".join([*lines[: node.lineno - 1], head, new, tail, *lines[node.end_lineno :]])
