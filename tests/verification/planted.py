"""Faults, each in one statement, and how the check that catches it names it."""

from __future__ import annotations

from tests.verification.world import ANA, BOSS, GUS, STUDIO, new

MESSAGE = new("messages", 1)
CONTACT, BACK = new("shows_contacts", 1), new("shows_contacts", "1:back")
PICTURE = new("studio_gallery", 1)
OTHER = new("elsewhere", 1)

#: check, statement, its values, the finding as (table, key, part of the rule)
PLANTED = {
    "a lost message": (
        "reconciliation", "DELETE FROM staging.messages WHERE id = %s", [MESSAGE],
        ("shows_messages", "1", "messages has no row of its own"),
    ),
    "a message that nobody sent": (
        "reconciliation", "INSERT INTO staging.messages VALUES (%s)", [OTHER],
        ("messages", OTHER, "no source row belongs to"),
    ),
    "a message that was rejected and is there": (
        "reconciliation", "INSERT INTO staging.messages VALUES (%s)", [new("messages", 3)],
        ("messages", new("messages", 3), "no source row belongs to"),
    ),
    "a message twice": (
        "reconciliation", "INSERT INTO staging.messages VALUES (%s)", [MESSAGE],
        ("messages", MESSAGE, "no source row belongs to"),
    ),
    "a message without an id": (
        "reconciliation", "INSERT INTO staging.messages VALUES (NULL)", [],
        ("messages", None, "no source row belongs to"),
    ),
    "a lost profile": (
        "reconciliation", "DELETE FROM staging.user_profiles WHERE user_id = %s", [ANA],
        ("shows_usermeta", "1", "user_profiles has no row"),
    ),
    "a profile without a source": (
        "reconciliation", "INSERT INTO staging.user_profiles VALUES (%s, %s)", [OTHER, GUS],
        ("user_profiles", OTHER, "no source row belongs to"),
    ),
    "a profile twice": (
        "reconciliation",
        "INSERT INTO staging.user_profiles SELECT * FROM staging.user_profiles WHERE user_id = %s",
        [ANA], ("user_profiles", new("user_profiles", 2), "no source row belongs to"),
    ),
    "a lost connection": (
        "reconciliation", "DELETE FROM staging.user_connections WHERE id = %s", [CONTACT],
        ("shows_contacts", "1", "user_connections has no row"),
    ),
    "two fates": (
        "reconciliation",
        "INSERT INTO ledger.fate VALUES ('run1', 'shows_users', '9', 'excluded', '', '')",
        [],
        ("shows_users", "9", "more than one outcome"),
    ),
    "a fate for no row": (
        "reconciliation",
        "INSERT INTO ledger.fate VALUES ('run1', 'shows_users', '99', 'excluded', '', '')",
        [],
        ("shows_users", "99", "there is no such row"),
    ),
    "an unknown outcome": (
        "reconciliation", "UPDATE ledger.fate SET fate = 'lost' WHERE source_id = '15'", [],
        ("shows_users", "15", "an unknown outcome"),
    ),
    "a reject that is not in the ledger": (
        "reconciliation", "DELETE FROM ledger.fate WHERE source_table = 'shows_usermeta'", [],
        ("shows_usermeta", "4", "neither an outcome nor a row in the target"),
    ),
    "a fate of a table without account": (
        "reconciliation", "INSERT INTO ledger.fate VALUES ('run1', 'faq', '1', 'excluded', '', '')", [],
        ("faq", None, "has outcomes, but the mapping does not account for it"),
    ),
    "a sender who is nobody": (
        "dangling_keys", "UPDATE staging.messages SET sender_id = 'gone' WHERE id = %s", [MESSAGE],
        ("messages", MESSAGE, "messages_sender_id_fkey: refers to no row of users"),
    ),
    "an e-mail twice": (
        "uniqueness", "UPDATE staging.users SET email = 'ana@example.com' WHERE id = %s", [BOSS],
        ("users", min(ANA, BOSS), "users_email_key"),
    ),
    "a key pair twice": (
        "uniqueness", "UPDATE staging.user_metadata SET key = 'profile_category' WHERE key = 'tiktok'", [],
        (
            "user_metadata", min(new("user_metadata", 2), new("user_metadata", 3)),
            "user_metadata_user_id_key_key",
        ),
    ),
    "an id twice": (
        "uniqueness", "INSERT INTO staging.studios VALUES (%s)", [STUDIO],
        ("studios", STUDIO, "studios_pkey"),
    ),
    "a null": (
        "domains", "UPDATE staging.messages SET content = NULL WHERE id = %s", [MESSAGE],
        ("messages", MESSAGE, "is NULL but required"),
    ),
    "a label outside the enum": (
        "domains", "UPDATE staging.users SET role = 'KING' WHERE id = %s", [GUS],
        ("users", GUS, "not a value of its enum"),
    ),
    "a text too long": (
        "domains", "UPDATE staging.users SET nickname = 'sixsix' WHERE id = %s", [GUS],
        ("users", GUS, "longer than 5 characters"),
    ),
    "a number too large": (
        "domains", "UPDATE staging.users SET points = 100 WHERE id = %s", [GUS],
        ("users", GUS, "out of range of numeric(4,2)"),
    ),
    "a number that is none": (
        "domains", "UPDATE staging.users SET points = 'NaN' WHERE id = %s", [GUS],
        ("users", GUS, "out of range of numeric(4,2)"),
    ),
    "too many decimals": (
        "domains", "UPDATE staging.users SET points = 1.005 WHERE id = %s", [GUS],
        ("users", GUS, "more than 2 decimals"),
    ),
    "an integer too large": (
        "domains", "UPDATE staging.studios SET rank = 32768 WHERE id = %s", [STUDIO],
        ("studios", STUDIO, "out of range of smallint"),
    ),
    "an endless date": (
        "domains", "UPDATE staging.users SET seen = 'infinity' WHERE id = %s", [GUS],
        ("users", GUS, "not a date between the years 1 and 9999"),
    ),
    "an id of another shape": (
        "ids_well_formed", "UPDATE staging.messages SET id = 'C123' WHERE id = %s", [MESSAGE],
        ("messages", "C123", "is not an id of CUID form"),
    ),
    "a legacy id of one person with the id of another": (
        "ids_mapped",
        "UPDATE staging.id_map SET new_id = %s WHERE entity = 'users' AND legacy_id = '9'",
        [BOSS],
        ("id_map", "users 9", "is not the id derived"),
    ),
    "a legacy id that is not in the id map": (
        "ids_mapped", "DELETE FROM staging.id_map WHERE entity = 'users' AND legacy_id = '9'", [],
        ("id_map", "users 9", "is not in the id map"),
    ),
    "a user whom the map does not know": (
        "ids_mapped", "UPDATE staging.users SET id = %s WHERE id = %s", [OTHER, GUS],
        ("users", OTHER, "is not in the id map"),
    ),
    "a map that leads nowhere": (
        "ids_mapped", "DELETE FROM staging.users WHERE id = %s", [GUS],
        ("id_map", "community_users 2", "refers to no row of users"),
    ),
    "a studio under the id of another owner": (
        "ids_mapped",
        "UPDATE staging.id_map SET legacy_id = '1' WHERE entity = 'studios' AND legacy_id = '9'",
        [],
        ("id_map", "studios 1", "a studio of another owner"),
    ),
    "a profile without category": (
        "categories", "DELETE FROM staging.user_metadata WHERE user_id = %s", [BOSS],
        ("user_profiles", new("user_profiles", 1), "has no category"),
    ),
    "a profile with two categories": (
        "categories", "UPDATE staging.user_metadata SET key = 'profile_category' WHERE key = 'tiktok'", [],
        ("user_profiles", new("user_profiles", 2), "more than one category"),
    ),
    "an unknown category": (
        "categories", "UPDATE staging.user_metadata SET value = 'SINGER' WHERE value = 'OTHER'", [],
        ("user_profiles", new("user_profiles", 1), "an unknown category"),
    ),
    "a category of null": (
        "categories", "UPDATE staging.user_metadata SET value = NULL WHERE value = 'OTHER'", [],
        ("user_profiles", new("user_profiles", 1), "an unknown category"),
    ),
    "a category without profile": (
        "categories", "DELETE FROM staging.user_profiles WHERE user_id = %s", [BOSS],
        ("user_metadata", BOSS, "a category but no profile"),
    ),
    "a role that does not go with the category": (
        "categories", "UPDATE staging.users SET role = 'STUDIO_OWNER' WHERE id = %s", [GUS],
        ("users", GUS, "the role does not fit"),
    ),
    "a STUDIO without studio": (
        "studios", "DELETE FROM staging.studios WHERE id = %s", [STUDIO],
        ("user_profiles", ANA, "a STUDIO has no studio"),
    ),
    "a second studio": (
        "studios", "INSERT INTO staging.studios VALUES (%s, %s, 1)", [OTHER, ANA],
        ("studios", ANA, "more than one studio"),
    ),
    "a studio of an OTHER": (
        "studios", "INSERT INTO staging.studios VALUES (%s, %s, 1)", [OTHER, BOSS],
        ("studios", OTHER, "the owner's category is not STUDIO"),
    ),
    "a gap in the order of images": (
        "image_order", "UPDATE staging.studio_images SET sort_order = 2 WHERE id = %s", [PICTURE],
        ("studio_images", STUDIO, "not numbered 0, 1, 2"),
    ),
    "two images in one place": (
        "image_order", "UPDATE staging.studio_images SET sort_order = 0 WHERE id = %s", [PICTURE],
        ("studio_images", STUDIO, "not numbered 0, 1, 2"),
    ),
    "a message to nobody": (
        "live_ends", "UPDATE staging.messages SET receiver_id = NULL WHERE id = %s", [MESSAGE],
        ("messages", MESSAGE, "refers to no existing user"),
    ),
    "a connection with nobody": (
        "live_ends", "UPDATE staging.user_connections SET user_id = 'gone' WHERE id = %s", [BACK],
        ("user_connections", BACK, "refers to no existing user"),
    ),
    "a message of the wrong sender": (
        "message_counts", "UPDATE staging.messages SET sender_id = %s WHERE id = %s", [GUS, MESSAGE],
        ("messages", GUS, "1 sent, of 0 in the source"),
    ),
    "a message to the wrong receiver": (
        "message_counts", "UPDATE staging.messages SET receiver_id = %s WHERE id = %s", [GUS, MESSAGE],
        ("messages", ANA, "1 received, of 2 in the source"),
    ),
    "a message of a stranger": (
        "message_counts", "UPDATE staging.messages SET sender_id = 'cstranger' WHERE id = %s", [MESSAGE],
        ("messages", None, "1 sent by no migrated person"),
    ),
    "a message of nobody that was not rejected": (
        "message_counts",
        "DELETE FROM ledger.fate WHERE source_table = 'shows_messages' AND source_id = '3'",
        [],
        ("shows_messages", None, "received by user 777"),
    ),
    "an accepted connection in one direction": (
        "connections", "DELETE FROM staging.user_connections WHERE id = %s", [BACK],
        ("user_connections", CONTACT, "the other direction is missing"),
    ),
    "a connection accepted by one side": (
        "connections", "UPDATE staging.user_connections SET accepted = false WHERE id = %s", [BACK],
        ("user_connections", BACK, "is pending, but the other direction exists too"),
    ),
    "a connection with oneself": (
        "connections",
        "UPDATE staging.user_connections SET connected_user_id = user_id WHERE id = %s",
        [BACK],
        ("user_connections", BACK, "joins a user with themselves"),
    ),
    "a pending connection from nowhere": (
        "connections", "INSERT INTO staging.user_connections VALUES (%s, %s, %s, false)", [OTHER, GUS, ANA],
        ("user_connections", None, "has 2 connections, the source 1"),
    ),
}  # fmt: skip
