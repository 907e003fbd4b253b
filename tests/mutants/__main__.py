"""`make mutants`: change one place at a time in a copy of the checkout, and see that a test fails.

Prints every mutant that no test noticed, and ends with exit code 1 if one of them is not in
`explained.toml` with its reason.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import click

from tests.mutants.mutations import Mutant, mutants
from tests.mutants.selection import OPTIONS, Selection, environment, selection
from tests.mutants.trial import LIMIT_S, is_in_functions

ROOT: Final = Path(__file__).parents[2]
#: The files whose promises matter most, and the tests that hold each of them.
HELD_BY: Final = {
    "migrate/publish/publish.py": ["tests/publish"],
    "migrate/publish/publication.py": ["tests/publish"],
    "migrate/publish/copy_rows.py": ["tests/publish"],
    "migrate/publish/swap.py": ["tests/publish"],
    "migrate/staging/ledger.py": ["tests/staging"],
    "migrate/staging/ledger_queries.py": ["tests/staging", "tests/pipeline/test_rollback.py"],
    "migrate/staging/batch.py": ["tests/staging"],
    "migrate/staging/numbering.py": ["tests/e2e/test_numbered_columns.py"],
    "migrate/pipeline/state.py": ["tests/pipeline/test_state.py"],
    "migrate/pipeline/resume.py": ["tests/pipeline/test_rollback.py", "tests/e2e/test_other_ends.py"],
    "migrate/pipeline/rollback.py": ["tests/pipeline/test_rollback.py", "tests/e2e/test_other_ends.py"],
    "migrate/pipeline/stages/load.py": ["tests/pipeline/stages", "tests/e2e/test_run.py"],
    "migrate/runtime/files.py": ["tests/runtime", "tests/pipeline/test_state.py"],
    "mappers/row_outcomes.py": ["tests/mappers"],
    "mappers/declarative/row_accounts.py": ["tests/mappers/declarative", "tests/verification"],
    "verification/reconciliation.py": ["tests/verification"],
    "verification/row_outcomes.py": ["tests/verification"],
    "verification/row_proof.py": ["tests/verification"],
    "verification/uniqueness.py": ["tests/verification"],
    "verification/foreign_keys.py": ["tests/verification"],
    "verification/domains.py": ["tests/verification"],
}


def explained() -> dict[str, dict[str, str]]:
    """Return the reasons of the mutants that no test can notice: by file, by the mutant's name."""
    return tomllib.loads((Path(__file__).parent / "explained.toml").read_text(encoding="utf-8"))


def copy_of_the_checkout(folder: Path) -> Path:
    """Copy what git knows, so that neither a mutant nor a kill harms the checkout; return the copy."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def survivors(copy: Path, file: str, chosen: Sequence[Mutant], ran: Selection) -> list[Mutant] | None:
    """Return the mutants that no test notices, or `None` if a test fails without any."""
    source = (copy / file).read_text(encoding="utf-8")
    inside = [mutant for mutant in chosen if is_in_functions(copy / file, source, mutant.text)]
    tried = [{"text": mutant.text, "tests": ran.tests(mutant.line, mutant.last_line)} for mutant in inside]
    answer = copy.parent / "answer.json"
    asked = {"file": str(copy / file), "tried": tried, "whole": ran.whole, "answer": str(answer)}
    subprocess.run(
        [sys.executable, "-m", "tests.mutants.trial"],
        input=json.dumps(asked).encode(), cwd=copy, env=environment(copy),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    survived = json.loads(answer.read_text(encoding="utf-8"))
    if survived is None:
        return None
    left = [inside[number] for number in survived]
    return left + [
        one for one in chosen if one not in inside and not is_noticed_in_a_new_process(copy, file, one, ran)
    ]


def is_noticed_in_a_new_process(copy: Path, file: str, mutant: Mutant, ran: Selection) -> bool:
    """Run all tests of a file in a process that imports the mutant; return whether one of them fails."""
    original = (copy / file).read_text(encoding="utf-8")
    (copy / file).write_text(mutant.text, encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, "-x", *ran.whole],
            cwd=copy, env={**environment(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    finally:
        (copy / file).write_text(original, encoding="utf-8")
    return done.returncode != 0


def try_file(file: str, share: float, seed: int) -> str | tuple[int, int, list[Mutant]]:
    """Try a file's mutants in a copy of the checkout.

    Returns how many were tried, of how many, and which no test noticed; or why none could be tried.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = copy_of_the_checkout(Path(folder) / "checkout")
        every = list(mutants((copy / file).read_text(encoding="utf-8")))
        draw = random.Random(f"{seed} {file}")
        chosen = [mutant for mutant in every if draw.random() < share]
        ran = selection(copy, file, HELD_BY[file], Path(folder))
        if ran is None:
            return "its tests fail without any mutant"
        left = survivors(copy, file, chosen, ran)
        if left is None:
            return "its tests fail in a fork without any mutant"
        return len(chosen), len(every), left


def main() -> int:
    """Run the mutants that the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", default="", help="files whose path contains this")
    parser.add_argument("--share", type=float, default=1.0, help="share of the mutants, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="files at a time")
    asked = parser.parse_args()
    reasons, failed = explained(), 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        files = [name for name in HELD_BY if asked.only in name]
        tried = pool.map(lambda file: try_file(file, asked.share, asked.seed), files)
        for file, found in zip(files, tried, strict=True):
            if isinstance(found, str):
                click.echo(f"{file}: {found}")
                failed += 1
                continue
            chosen, every, left = found
            click.echo(f"{file}: {chosen} of {every} mutants, {len(left)} not noticed")
            for mutant in left:
                reason = reasons.get(file, {}).get(mutant.name)
                failed += reason is None
                click.echo(f"  line {mutant.line}: {mutant.name}: {reason or 'NOT EXPLAINED'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
