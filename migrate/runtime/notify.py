"""Notifies a webhook of how a command ended, and that it waits for an answer; never stops the command.

The address may hold a secret (chat services put one into the path), so it is not shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal

from migrate.runtime.errors import MigrateError, Stopped
from migrate.runtime.json_lines import write_note
from migrate.runtime.next_command import complete
from migrate.runtime.redaction import redact

if TYPE_CHECKING:
    from migrate.runtime.config import Config

Event = Literal["done", "failed", "stopped", "waiting"]
VERSION: Final = 1
#: Seconds that the webhook may take in all its steps.
_PATIENCE: Final = 5.0


def notify(config: Config, command: str, event: Event, message: str, hint: str | None = None) -> None:
    """Send one JSON object to `[notify] url`, if there is one; if that fails, a note says so.

    Its `text` is what chat services show; the other fields are for programs.
    """
    if config.notify.url is None:
        return
    import httpx

    said, advice = redact(complete(message)), redact(complete(hint or "")) or None
    document: dict[str, Any] = {
        "version": VERSION,
        "command": command,
        "event": event,
        "message": said,
        "next": advice,
        "text": f"migrate {command}: {event}. {said}",
    }
    try:
        answer = httpx.post(config.notify.url.get_secret_value(), json=document, timeout=_PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        write_note(f"[notify] url could not be reached ({type(error).__name__}); the command is not affected")
        return
    if answer.is_error or answer.is_redirect:
        write_note(f"[notify] url answered {answer.status_code}; the command is not affected")


@contextlib.contextmanager
def notified(config: Config, command: str, done: str) -> Iterator[None]:
    """Notify at the end of the block: with the text of `done`, or with the error that ends it."""
    try:
        yield
    except Stopped as error:
        notify(config, command, "stopped", error.message, error.hint)
        raise
    except MigrateError as error:
        notify(config, command, "failed", error.message, error.hint)
        raise
    except KeyboardInterrupt:
        notify(config, command, "stopped", "interrupted", "run the same command again to continue")
        raise
    except Exception as error:
        notify(config, command, "failed", f"unexpected {type(error).__name__}", "see `migrate status`")
        raise
    notify(config, command, "done", done)
