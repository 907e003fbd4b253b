"""Prisma's own client for any schema.prisma: generated from it, and asked in Node."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.prisma.packages import OFFLINE, installed

_CONFIG = (
    "import { defineConfig } from 'prisma/config'\nexport default defineConfig({ schema: 'schema.prisma' })\n"
)
_ASK = """
const { PrismaClient } = require('./client')
const { PrismaPg } = require('@prisma/adapter-pg')
const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) })
async function main() { %s }
main().then((found) => { console.log(JSON.stringify(found)); process.exit(0) },
  (error) => { console.error(error); process.exit(1) })
"""


def ask_client(folder: Path, schema: str, url: str, script: str) -> Any:
    """Return what a script in JavaScript returns, which has `prisma`: the client of `schema` for `url`."""
    folder.mkdir()
    (folder / "node_modules").symlink_to(installed() / "node_modules")
    provider = 'provider = "prisma-client-js"\n'
    (folder / "schema.prisma").write_text(schema.replace(provider, f'{provider}  output = "./client"\n'))
    (folder / "prisma.config.ts").write_text(_CONFIG)
    (folder / "ask.cjs").write_text(_ASK % script)
    _node(folder, "node_modules/.bin/prisma", "generate", **OFFLINE)
    return json.loads(_node(folder, "node", "ask.cjs", DATABASE_URL=url))


def _node(folder: Path, *words: str, **variables: str) -> str:
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout
