"""The DDL that Prisma's own engine makes: Node runs it, from packages whose digests are locked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.prisma.packages import installed

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "ddl.mjs")

#: schema.prisma texts in, their DDL out
Engine = Callable[..., list[str]]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory, postgres) -> Engine:
    """Prisma's engine as a function; it fails with the engine's message if that refuses a schema."""
    packages = installed(HERE, FILES, generate=False)
    folder = tmp_path_factory.mktemp("schemas")

    def ddl(*schemas: str) -> list[str]:
        paths = [folder / f"{number}.prisma" for number in range(len(schemas))]
        for path, schema in zip(paths, schemas, strict=True):
            path.write_text(schema)
        done = subprocess.run(
            ["node", "ddl.mjs", *map(str, paths)],
            cwd=packages,
            env={**os.environ, "DATABASE_URL": postgres.url()},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[:4000]
        return list(json.loads(done.stdout))

    return ddl
