"""Every command that is printed works as it is printed, in any folder."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import sqlite3
from pathlib import Path

import click
import psycopg
import pytest

from migrate.cli.main import COMMANDS, cli
from migrate.runtime.next_command import TAKES, complete
from tests.tools.commands import ROOT, Done, migrate

_PRINTED = re.compile(r"(?:`|next:   )(migrate [a-z]+[^`\n]*)")
#: They ask before they replace rows; a person types the answer.
_ASKING = ("run", "rollback", "clean")
_ROWS = """
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people(id), total INTEGER);
INSERT INTO people VALUES (1, 'ada@example.com'), (2, 'bob@example.com');
INSERT INTO orders VALUES (1, 1, 250), (2, 2, 990);
"""


def printed(done: Done) -> list[str]:
    return _PRINTED.findall(done.out + done.err)


class Operator:
    """Somebody who types, in a folder of their own, what is printed."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.variables = (
            folder,
            {"DATABASE_URL": url, "MIGRATE__NOTIFY__URL": "http://127.0.0.1:9/"},
        )

    def type(self, command: str, code: int = 0) -> Done:
        words = shlex.split(command)[1:]
        answer = ["--yes"] if words[0] in _ASKING and "--yes" not in words else []
        return migrate(*words, *answer, cwd=self.folder, code=code, **self.variables)


def of(commands: list[str], name: str) -> str:
    return next(command for command in commands if command.startswith(f"migrate {name}"))


def test_what_is_printed_is_run_in_another_folder(tmp_path: Path, database: str) -> None:
    source, drafts, work = tmp_path / "old shop.db", tmp_path / "my mapping", tmp_path / "a folder"
    with sqlite3.connect(source) as connection:
        connection.executescript(_ROWS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    operator = Operator(elsewhere, database)
    options = f"--config {shlex.quote(f'{drafts}/config.toml')} --work {shlex.quote(str(work))}"

    drafted = operator.type(
        f"migrate init --source {shlex.quote(str(source))} --out {shlex.quote(str(drafts))} "
        "--target env:DATABASE_URL"
    )
    assert f"--config {shlex.quote(f'{drafts}/config.toml')}" in of(printed(drafted), "run")
    early = printed(operator.type(f"migrate verify --published {options}", code=2))
    assert early == [f"migrate run {options}"]
    operator.type(of(printed(operator.type(f"migrate doctor {options}")), "plan"))
    rehearsed = printed(operator.type(f"migrate verify {options}"))
    assert set(rehearsed) == {f"migrate run {options}"}
    for command in printed(operator.type(rehearsed[0])):
        operator.type(command)  # the checks, then the rollback

    (drafts / "config.toml").rename(drafts / "moved.toml")  # a rollback needs no configuration
    state = operator.type(f"migrate status --work {shlex.quote(str(work))}")
    assert "which has been changed since the run began" in state.out
    undone = operator.type(of(printed(state), "rollback --undo"))
    (drafts / "moved.toml").rename(drafts / "config.toml")
    with psycopg.connect(database) as connection:  # the application goes on
        connection.execute("DELETE FROM orders WHERE total = (SELECT max(total) FROM orders)")
    refused = operator.type(of(printed(undone), "rollback"), code=1)
    back = operator.type(of(printed(refused), "rollback --discard-changes"))
    assert all(f"done {step}" in back.err for step in ("compare", "backup", "restore", "publish"))
    again = operator.type(of(printed(back), "run"))
    assert "The live tables have no rows yet." in again.out  # the plan, again
    silent = operator.type(f"migrate verify --published --quiet {options}")
    assert (silent.out, silent.err) == ("", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_completed_with_the_options_that_it_takes(name: str) -> None:
    found: click.Command = importlib.import_module(f"migrate.cli.{name}").command
    commands = [found]
    if isinstance(found, click.Group):
        context = click.Context(found)
        commands = [found.get_command(context, one) or found for one in found.list_commands(context)]
    own = set.intersection(
        *({word for parameter in one.params for word in parameter.opts} for one in commands)
    )
    for option, takers in TAKES.items():
        assert (name in takers) == (option in own), option


def said(path: Path) -> list[str]:
    """Return every command between backticks in the texts of a module; what is filled in is a word."""
    tree = ast.parse(path.read_text())
    documents = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = []
    for node in ast.walk(tree):
        if node in documents:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "1" for part in node.values)
            texts.append("".join(str(part) for part in parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
    return [words for text in texts for words in re.findall(r"`(migrate [a-z][^`]*)`", text)]


def test_every_command_that_any_message_names_can_be_typed() -> None:
    """Also those of errors that no test here raises: the command exists, and takes these options."""
    typed = {"--config": "a/config.toml", "--work": "a folder"}
    found = {words for path in (ROOT / "migrate").rglob("*.py") for words in said(path)}
    assert len(found) > 20
    for words in sorted(found):
        whole = complete(f"`{' '.join(words.split())}`", typed)[1:-1]
        _, name, *rest = shlex.split(whole.replace("FOLDER", "."))
        if name in COMMANDS:
            command: click.Command = importlib.import_module(f"migrate.cli.{name}").command
            try:
                command.make_context(name, rest, parent=click.Context(cli))
            except click.UsageError as error:
                pytest.fail(f"{whole}: {error.message}")
        else:
            assert name == "fleet", whole


def test_options_stand_before_the_words_that_are_passed_on() -> None:
    typed = {"--work": "a folder"}
    assert complete("`migrate psql -- -c 'x'`", typed) == "`migrate psql --work 'a folder' -- -c 'x'`"
    assert (
        complete("`migrate run --work b` or `migrate init`", typed)
        == "`migrate run --work b` or `migrate init`"
    )
