"""The statements for indexes of vectors in a PostgreSQL with pgvector."""

from __future__ import annotations

import pytest

from migrate.introspect.profile.vector_indexes import vector_indexes


@pytest.mark.parametrize(
    ("ddl", "made"),
    [
        ("CREATE INDEX i ON movies(libsql_vector_idx(emb))",
         'CREATE INDEX "i" ON "movies" USING hnsw ("emb" vector_cosine_ops)'),
        ("create index if not exists i on \"my films\" ( libsql_vector_idx(\"the emb\", 'metric=l2',"
         " 'max_neighbors=20') )",
         'CREATE INDEX "i" ON "my films" USING hnsw ("the emb" vector_l2_ops)'),
        ("CREATE INDEX i ON `movies` (libsql_vector_idx([emb], 'metric=cosine')) WHERE emb IS NOT NULL",
         'CREATE INDEX "i" ON "movies" USING hnsw ("emb" vector_cosine_ops)'),
    ],
)  # fmt: skip
def test_the_same_index_is_suggested_with_its_metric(ddl: str, made: str) -> None:
    assert vector_indexes([("i", ddl)]) == (("i", made),)


@pytest.mark.parametrize("ddl", ["CREATE INDEX i ON t (a)", "CREATE UNIQUE INDEX i ON t (lower(a))", ""])
def test_other_indexes_are_none(ddl: str) -> None:
    assert vector_indexes([("i", ddl)]) == ()
