CREATE TABLE team (id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, plan TEXT NOT NULL, seats INTEGER NOT NULL,
  created_at TEXT NOT NULL);
CREATE TABLE person (id INTEGER PRIMARY KEY, mail TEXT NOT NULL UNIQUE, team_id INTEGER NOT NULL REFERENCES team,
  skills TEXT, favourites TEXT);
CREATE TABLE todos (id INTEGER PRIMARY KEY, team_id INTEGER NOT NULL REFERENCES team,
  owner_id INTEGER REFERENCES person, title TEXT NOT NULL, price_cents INTEGER NOT NULL);
CREATE TABLE labels (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE todo_labels (todo_id INTEGER NOT NULL REFERENCES todos, label_id INTEGER NOT NULL REFERENCES labels,
  PRIMARY KEY (todo_id, label_id));
CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO team VALUES (1, 'red', 'Free', 3, '2024-01-01 10:00:00'), (2, 'blue', 'pro', 9, '2024-02-01 10:00:00');
INSERT INTO person VALUES (5, 'ann@example.org', 1, 'sql, rust', '[11, 12]'), (6, 'bo@example.org', 2, NULL, '[]');
INSERT INTO todos VALUES (11, 1, 5, 'Pay', 1999), (12, 2, NULL, 'Read', 5);
INSERT INTO labels VALUES (21, 'home'), (22, 'work');
INSERT INTO todo_labels VALUES (11, 21), (11, 22);
INSERT INTO countries VALUES ('de', 'Germany');
