CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE,
  is_admin BOOLEAN NOT NULL DEFAULT 0, balance DECIMAL(10,2), born DATE,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, boss_id INTEGER REFERENCES users(id), settings JSON);
CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  title TEXT, score REAL, published INTEGER);
CREATE TABLE tags (slug TEXT PRIMARY KEY, label TEXT);
CREATE TABLE post_tags (post_id INTEGER NOT NULL REFERENCES posts(id), tag TEXT NOT NULL REFERENCES tags(slug),
  PRIMARY KEY (post_id, tag));
CREATE TABLE comments (id INTEGER PRIMARY KEY, subject_type TEXT, subject_id INTEGER, body TEXT, liked_by TEXT);
CREATE INDEX posts_author ON posts (author_id);
INSERT INTO users VALUES
  (1, 'ann@example.org', 1, 12.5, '1990-02-28', '2024-01-01 10:00:00', NULL, '{"lang":"de"}'),
  (2, 'bob@example.org', 0, NULL, NULL, '2024-01-02 10:00:00', 1, NULL);
INSERT INTO posts VALUES (10, 1, 'First', 0.5, 1704103200), (11, 2, 'Second', 1.25, NULL);
INSERT INTO tags VALUES ('a', 'A'), ('b', 'B');
INSERT INTO post_tags VALUES (10, 'a'), (10, 'b'), (11, 'b');
INSERT INTO comments VALUES (1, 'post', 10, 'nice', '1,2'), (2, 'user', 2, 'hello', '2'),
  (3, 'post', 11, NULL, '');
