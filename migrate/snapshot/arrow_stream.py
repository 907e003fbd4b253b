"""Reads a stream of Arrow's C interface chunk by chunk into Polars, in the caller's thread.

Polars reads such a stream completely, or scans it in its own thread, which outlives the statement if the
reader stops early. pyarrow could read it too, for 50 MB of memory. nanoarrow is as fast and as small, but
holds the interpreter lock while the driver works: every other thread waits.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, Final, Protocol

import polars as pl

#: nine and ten words of 64 bits; in both the function that releases it is the last but one
_Schema = ctypes.c_uint64 * 9
_Array = ctypes.c_uint64 * 10
_RELEASE: Final = -2
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_Message = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)

_capsule: Final = ctypes.pythonapi.PyCapsule_New
_capsule.restype = ctypes.py_object
_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


class StreamError(Exception):
    """The stream broke off."""


class Handle(Protocol):
    """The address of an ArrowArrayStream; its owner releases it."""

    @property
    def address(self) -> int: ...  # noqa: D102


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", _Callback),
        ("get_next", _Callback),
        ("get_last_error", _Message),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _Chunk:
    """One chunk as Polars takes it: the code that imports it moves both structs out and owns them."""

    def __init__(self, schema: Any, array: Any) -> None:
        self._schema, self._array = schema, array

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return (
            _capsule(ctypes.addressof(self._schema), b"arrow_schema", None),
            _capsule(ctypes.addressof(self._array), b"arrow_array", None),
        )


def chunks(handle: Handle) -> Iterator[pl.DataFrame]:
    """Yield the chunks of a stream as frames. Raises StreamError if its source reports an error."""
    stream = _Stream.from_address(handle.address)
    while True:
        schema, array = _Schema(), _Array()
        _call(stream, stream.get_next, handle.address, array)
        if not array[_RELEASE]:
            return
        _call(stream, stream.get_schema, handle.address, schema)
        yield pl.DataFrame(_Chunk(schema, array))


def _call(stream: _Stream, function: Any, address: int, into: Any) -> None:
    if function(address, ctypes.addressof(into)):
        message = stream.get_last_error(address)
        raise StreamError((message or b"no reason given").decode(errors="replace"))
