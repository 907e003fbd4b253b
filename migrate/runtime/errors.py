"""The errors of the project, one small tree.

    MigrateError                  something the operator must hear about        exit 1
    ├── UsageError                the command line, the config, a URL           exit 2
    ├── CheckError                a check of the data failed                    exit 1
    ├── SourceError               the legacy database refused or misbehaved     exit 1
    │   └── SourceUnavailable     transient: worth trying again                 exit 3
    ├── TargetError               PostgreSQL refused or misbehaved              exit 1
    │   └── TargetUnavailable     transient: worth trying again                 exit 3
    ├── StateMismatch             a recorded artifact is missing or altered     exit 1
    ├── LiveChanged               the live tables moved after the backup        exit 1
    ├── AlreadyRunning                  another run holds the target or the folder    exit 1
    ├── OutputLost                standard output takes nothing more            exit 1
    └── Stopped                   stopped on request, resumable                 exit 3

Every message says what happened and to which thing; `hint` says what the
operator can do now. Errors of libraries are mapped to these once, at the
boundary, with `from`. No message carries a password, a token, an e-mail or
the text of a row.
"""

from __future__ import annotations


class MigrateError(Exception):
    """Base of all errors that an operator may see.

    `hint` is the next step to type or to check, `exit_code` what the command
    line ends with.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(MigrateError):
    """A mistake in the command line, the configuration or a URL."""

    exit_code = 2


class CheckError(MigrateError):
    """A check of the data failed; nothing was published."""


class SourceError(MigrateError):
    """The legacy database refused a request or gave an answer that cannot be trusted."""


class SourceUnavailable(SourceError):
    """The legacy database did not answer within the limit of retries; the same command resumes."""

    exit_code = 3


class TargetError(MigrateError):
    """PostgreSQL refused a statement, or lacks what the run needs."""


class TargetUnavailable(TargetError):
    """PostgreSQL did not answer, or a lock was not to be had; the same command resumes."""

    exit_code = 3


class StateMismatch(MigrateError):
    """A recorded artifact (state file, snapshot, dump) is missing, damaged or of another run."""


class LiveChanged(MigrateError):
    """Rows of the live tables changed after they were backed up."""


class AlreadyRunning(MigrateError):
    """Another run holds the target database or the work folder."""


class OutputLost(MigrateError):
    """Standard output takes nothing more: the disk is full, or the program that read it has ended.

    `reader_gone` is true for the second, which is no fault if the command only shows something.
    """

    def __init__(self, reason: str, *, reader_gone: bool) -> None:
        super().__init__(f"the output cannot be written: {reason}")
        self.reader_gone = reader_gone


class Stopped(MigrateError):
    """Stopped on request after the current batch; the same command resumes."""

    exit_code = 3
