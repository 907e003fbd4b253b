"""What the command is doing or waiting for, said from any place in the code to the open reporter.

A reporter listens while it is open. If none is open, work is not announced, and a retry is a note on standard
error.
"""

from __future__ import annotations

from typing import Protocol


class Listener(Protocol):
    """Shows what is announced."""

    def doing(self, what: str) -> None:
        """Show what the command does now, until it does something else."""
        ...

    def note(self, text: str) -> None:
        """Show one line."""
        ...


_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Let the listener hear everything, until `leave`."""
    _listeners.append(listener)


def leave(listener: Listener) -> None:
    """Let the listener hear nothing more."""
    if listener in _listeners:
        _listeners.remove(listener)


def doing(what: str) -> None:
    """Announce what the command does now. Only the thread that runs the stage may call it."""
    if _listeners:
        _listeners[-1].doing(what)


def retrying(label: str, failed: int, attempts: int, reason: object, seconds: float) -> None:
    """Announce that a try has failed, why, and when the next one comes."""
    text = f"{label}: try {failed} of {attempts} failed: {reason}; next try in {seconds:.1f} s"
    if _listeners:
        _listeners[-1].note(text)
        return
    from migrate.runtime.json_lines import write_note

    write_note(text)
