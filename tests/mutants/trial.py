"""Tries a file's mutants in one process: each in a fork that starts with the tests collected and a server up.

A fork gets the mutant's code in place of the code of the functions that are loaded, in every module that
imported them. Commands in processes of their own read the file, so the file is a mutant's too as long as it
is tried.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

import pytest

from tests.mutants.selection import OPTIONS

#: Seconds that the tests of one mutant may take: one that waits for ever is noticed by that.
LIMIT_S: Final = 300
_IN_A_FUNCTION: Final = 0x1 | 0x2  # CO_OPTIMIZED | CO_NEWLOCALS: neither a module's nor a class's code


class Trial:
    """A plugin of pytest that runs, instead of all tests once, each mutant's tests in a fork."""

    def __init__(self, file: Path, tried: Sequence[Mapping[str, Any]]) -> None:
        self._file = file
        self._original = file.read_text(encoding="utf-8")
        self._tried = tried
        self.survived: list[int] = []
        self.sound = True

    @pytest.hookimpl
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every mutant; return that no other loop is needed."""
        items = {item.nodeid: item for item in session.items}
        _start_server(session)
        every = [test for one in self._tried for test in one["tests"]]
        self.sound = self._passes(self._original, items, list(dict.fromkeys(every)), LIMIT_S * 10)
        if self.sound:
            try:
                for number, one in enumerate(self._tried):
                    if self._passes(one["text"], items, one["tests"], LIMIT_S):
                        self.survived.append(number)
            finally:
                self._write(self._original)
        return True

    def _passes(self, text: str, items: Mapping[str, Any], tests: Sequence[str], limit: float) -> bool:
        """Return whether the tests pass with this text of the file."""
        self._write(text)
        process = os.fork()
        if process == 0:
            os.setpgid(0, 0)  # what it starts is killed with it
            replace_code(self._file, self._original, text)
            os._exit(_run([items[test] for test in tests if test in items]))
        status = _end(process, limit)
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        if status is None:
            os.waitpid(process, 0)
        return status == 0

    def _write(self, text: str) -> None:
        """Write the file with a time of its own: Python finds its bytecode by size and second."""
        after = self._file.stat().st_mtime + 1
        self._file.write_text(text, encoding="utf-8")
        os.utime(self._file, (after, after))


def _end(process: int, limit: float) -> int | None:
    """Wait for a process; return its exit code, or `None` if it takes longer than so many seconds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return None


def replace_code(file: Path, before: str, after: str) -> None:
    """Give all loaded functions of a file the code that they have in its new text."""
    new = dict(zip(map(_name, _functions(before, file)), _functions(after, file), strict=True))
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == str(file):
            function.__code__ = new[_name(function.__code__)]


def is_in_functions(file: Path, before: str, after: str) -> bool:
    """Return whether two texts differ in the code of functions alone, not in what an import runs."""
    one, two = (compile(text, str(file), "exec") for text in (before, after))
    same = [code.co_qualname for code in _within(one)] == [code.co_qualname for code in _within(two)]
    return same and _imported(one) == _imported(two)


def _imported(code: CodeType) -> list[object]:
    """Return what an import runs: the code of the module and of its classes, without that of functions."""
    parts: list[object] = [code.co_code, code.co_names]
    for part in code.co_consts:
        if not isinstance(part, CodeType):
            parts.append((type(part), part))
        elif not part.co_flags & _IN_A_FUNCTION:
            parts.append(_imported(part))
    return parts


def _functions(text: str, file: Path) -> Iterator[CodeType]:
    return _within(compile(text, str(file), "exec"))


def _within(code: CodeType) -> Iterator[CodeType]:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            if part.co_flags & _IN_A_FUNCTION:
                yield part
            yield from _within(part)


def _name(code: CodeType) -> object:
    return code.co_qualname, code.co_firstlineno, tuple(code.co_positions())


def _start_server(session: pytest.Session) -> None:
    """Set up the fixtures of the whole session, so that every fork finds the server running."""
    users = [item for item in session.items if "postgres" in getattr(item, "fixturenames", ())]
    if len(session.items) > 1 and users:
        first: Any = min(users, key=lambda item: len(getattr(item, "fixturenames", ())))
        other = next(item for item in session.items if item is not first)
        session._setupstate.setup(first)
        first._request._fillfixtures()
        session._setupstate.teardown_exact(other)
        first._request, first.funcargs = False, None  # as pytest leaves a test that has run


def _run(items: Sequence[pytest.Item]) -> int:
    """Run tests until one fails; return 1 if one did."""
    for item, following in zip(items, [*items[1:], items[0]], strict=True):
        reports = item.ihook.pytest_runtest_protocol
        reports(item=item, nextitem=following)
        if item.session.testsfailed:
            return 1
    return 0


def main() -> int:
    """Try what standard input asks for; write the numbers of those that no test noticed."""
    asked = json.load(sys.stdin)
    trial = Trial(Path(asked["file"]), asked["tried"])
    pytest.main([*OPTIONS, *asked["whole"]], plugins=[trial])
    Path(asked["answer"]).write_text(json.dumps(trial.survived if trial.sound else None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
