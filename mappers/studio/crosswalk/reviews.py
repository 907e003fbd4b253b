"""Which comments are reviews of a studio, and which replies are its owner's answer."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.reasons import CODES
from mappers.sqlite_sql import sql
from mappers.studio.legacy_tables import Legacy

#: `owner` is the reviewed person if there is a studio, `missing` the cause for an operator.
_COMMENT: Final = """
CREATE TABLE x.comment (
  id INTEGER PRIMARY KEY, parent INTEGER, reviewer INTEGER, owner INTEGER, review INTEGER, kind TEXT,
  fate TEXT, reason TEXT, detail TEXT
)"""
_REVIEWS: Final = """
INSERT INTO x.comment
SELECT c.id, 0, a.person, p.person, NULL, 'review',
       CASE WHEN a.person IS NULL OR p.person IS NULL THEN 'rejected' END,
       CASE WHEN a.person IS NULL THEN $unknown_user WHEN p.person IS NULL THEN $no_studio END,
       CASE WHEN a.person IS NULL THEN 'reviewer ' || coalesce(CAST(c.user_id AS INTEGER), '')
            WHEN o.person IS NULL THEN 'the page is nobody''s'
            WHEN p.person IS NULL THEN 'the page''s owner has no studio' END
FROM shows_comments AS c
LEFT JOIN x.member_users AS a ON a.legacy_id = c.user_id
LEFT JOIN x.member_users AS o ON o.legacy_id = CASE
  WHEN trim(CAST(c.page AS TEXT)) <> '' AND trim(CAST(c.page AS TEXT)) NOT GLOB '*[^0-9]*'
  THEN CAST(trim(CAST(c.page AS TEXT)) AS INTEGER) END
LEFT JOIN x.person AS p ON p.person = o.person AND p.studio
WHERE coalesce($parent, 0) = 0 ORDER BY c.id"""
_REPLIES: Final = """
INSERT INTO x.comment
SELECT c.id, $parent, a.person, r.owner, CASE WHEN r.fate IS NULL THEN r.id END, 'reply', NULL,
       CASE WHEN a.person IS NULL THEN $unknown_user WHEN r.id IS NULL OR r.fate IS NOT NULL THEN 'no_review'
            WHEN a.person <> r.owner THEN 'another' END, NULL
FROM shows_comments AS c
LEFT JOIN x.member_users AS a ON a.legacy_id = c.user_id
LEFT JOIN x.comment AS r ON r.id = $parent AND r.kind = 'review'
WHERE coalesce($parent, 0) <> 0 ORDER BY c.id"""
_ANSWER: Final = """
CREATE TABLE x.answer AS
SELECT id, row_number() OVER (PARTITION BY review ORDER BY empty, at IS NULL, at, id) AS n, empty
FROM x.reply JOIN x.comment USING (id)"""
_RANK: Final = """
UPDATE x.comment SET reason = CASE WHEN a.empty THEN $empty_reply WHEN a.n > 1 THEN 'later' END
FROM x.answer AS a WHERE a.id = comment.id"""
_FATES: Final = """
UPDATE x.comment SET
  fate = CASE WHEN reason IN ($unknown_user, $empty_reply) THEN 'rejected' ELSE 'excluded' END,
  detail = CASE reason WHEN $unknown_user THEN 'author of a reply'
    WHEN $empty_reply THEN 'nothing left of it'
    WHEN 'no_review' THEN 'its review was not migrated' WHEN 'later' THEN 'a later reply of the owner' END,
  reason = CASE WHEN reason IN ($unknown_user, $empty_reply) THEN reason ELSE $reply_not_by_owner END
WHERE kind = 'reply' AND reason IS NOT NULL"""


def classify_comments(workspace: Workspace, legacy: Legacy) -> None:
    """Create x.comment: every comment with its people and its outcome."""
    workspace.execute(_COMMENT)
    if not legacy.has("shows_comments", "user_id"):
        return
    parent = legacy.column("shows_comments", "parent", of="c")
    workspace.execute(sql(_REVIEWS, **CODES, parent=parent))
    workspace.execute(sql(_REPLIES, **CODES, parent=parent))
    workspace.write("reply", pl.DataFrame(schema={"id": pl.Int64, "at": pl.Int64, "empty": pl.Int64}))
    for rows in workspace.read(_OWNERS_REPLIES):
        found = rows.select(
            "id",
            cleaning.timestamp(pl.col("date")).to_physical().alias("at"),
            cleaning.text(pl.col("content")).is_null().cast(pl.Int64).alias("empty"),
        )
        workspace.write("reply", found)
    workspace.execute(_ANSWER)
    workspace.execute("CREATE UNIQUE INDEX x.answer_id ON answer (id)")
    workspace.execute(sql(_RANK, **CODES))
    workspace.execute(sql(_FATES, **CODES))


_OWNERS_REPLIES: Final = Query(
    sql="SELECT c.id AS id, c.date AS date, c.content AS content"
    " FROM x.comment AS r CROSS JOIN shows_comments AS c ON c.id = r.id"
    " WHERE r.kind = 'reply' AND r.reason IS NULL AND r.id > ?1 ORDER BY r.id LIMIT ?2",
    key="id",
    columns={"id": "integer", "date": "text", "content": "text"},
    count="SELECT count(*) FROM x.comment WHERE kind = 'reply' AND reason IS NULL",
)
