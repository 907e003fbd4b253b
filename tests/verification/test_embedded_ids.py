"""Old ids that are left inside of documents and lists are found."""

from __future__ import annotations

import pytest

from mappers.base import HiddenIds
from tests.verification.world import ANA, BOSS, World

DOCUMENT = HiddenIds("messages", "content", 'strict $."people"[*]', ",", "shows_users", "users", "id")
LIST = HiddenIds("messages", "content", None, ",", "shows_users", "users", "id")


def fill(world: World, content: str) -> None:
    world.target.execute("UPDATE staging.messages SET content = %s", (content,))


def test_new_ids_and_ids_of_no_row_are_no_fault_in_a_document(world: World) -> None:
    world.changes["hidden"] = [DOCUMENT]
    fill(world, f'{{"people": ["{ANA}", "{BOSS}", "777", 15, true], "n": 5}}')
    result = world.check("hidden_ids")
    assert (result.applies, result.passed, result.looked_at) == (True, True, 4)


@pytest.mark.parametrize("survivor", ['"5"', "5"])
def test_an_old_id_that_survives_in_a_document_is_found(world: World, survivor: str) -> None:
    world.changes["hidden"] = [DOCUMENT]
    fill(world, f'{{"people": ["{ANA}"]}}')
    world.plant(
        "UPDATE staging.messages SET content = %s WHERE content <> 'x' AND is_read",
        f'{{"people": ["{ANA}", {survivor}]}}',
    )
    result = world.check("hidden_ids")
    assert (result.passed, result.total) == (False, 1)
    assert "old id of a migrated row of shows_users" in str(result.findings[0])


def test_an_old_id_that_survives_in_a_list_is_found(world: World) -> None:
    world.changes["hidden"] = [LIST]
    fill(world, f"{ANA}, {BOSS},")
    assert world.check("hidden_ids").passed
    fill(world, f"{ANA}, 5,")
    assert world.check("hidden_ids").total == 4


def test_without_hidden_ids_there_is_nothing_to_ask(world: World) -> None:
    assert not world.check("hidden_ids").applies
