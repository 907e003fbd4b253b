"""Names, docstrings and comments use the field's words in plain English."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("migrate", "mappers", "verification", "backups", "benchmarks", "tests")
FILES = [
    path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if path != Path(__file__)
]
#: Words of no technical English, in names and in text.
BANNED = re.compile(
    r"(?<![a-z`])(told|tells|tell whether|besides?|whoever|nobody|everybody|thereof|furnish\w*|outfit"
    r"|dressing|lest)(?![a-z`])",
    re.IGNORECASE,
)
#: A condition is said with "if"; "where" is for places and for SQL.
CONDITION = re.compile(
    r"(?<!file )(?<!from )(?<!continues )(?<!and )(?<!server, )"
    r"\b[Ww]here (there|it|they|one|no|nothing|none|a|an|all|some|any|that|this|these|those|neither)\b"
)


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def texts(source: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def split(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).lower()


def test_names_and_texts_use_plain_words() -> None:
    wrong = []
    for path in FILES:
        source = path.read_text()
        tree = ast.parse(source)
        found = [(line, split(name)) for line, name in names(tree)] + list(texts(source, tree))
        wrong += [
            f"{path.relative_to(ROOT)}:{line}: {hit[0]}"
            for line, text in found
            for hit in BANNED.finditer(text)
        ]
    assert not wrong, "\n".join(wrong)


def test_a_condition_begins_with_if() -> None:
    wrong = []
    for path in FILES:
        source = path.read_text()
        wrong += [
            f"{path.relative_to(ROOT)}:{line}: {hit[0]}"
            for line, text in texts(source, ast.parse(source))
            for hit in CONDITION.finditer(text)
        ]
    assert not wrong, "\n".join(wrong)
