"""A file as an application makes it that registers a collation, with R-trees and vectors."""

import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1])
connection.create_collation("unicase", lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
connection.executescript("""
    CREATE TABLE tags(tag TEXT NOT NULL PRIMARY KEY COLLATE unicase, usn INTEGER) WITHOUT ROWID;
    INSERT INTO tags VALUES('Zoo',1),('ant',2),('Bee',3);
    CREATE TABLE decks(id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE "unicase" UNIQUE,
        kind TEXT DEFAULT 'COLLATE x');
    INSERT INTO decks VALUES(1,'a','COLLATE unicase'),(2,'B','y');
    CREATE INDEX decks_name ON decks (kind COLLATE unicase);
    CREATE TABLE pairs(a TEXT COLLATE NOCASE, b INTEGER, PRIMARY KEY (a COLLATE unicase, b)) WITHOUT ROWID;
    INSERT INTO pairs VALUES('x',1),('y',2);
    CREATE VIRTUAL TABLE geo USING rtree(id, minX, maxX, minY, maxY, +label TEXT);
    INSERT INTO geo VALUES(1,1,2,3,4,'a'),(7,5,6.5,7,8,'b');
    CREATE VIRTUAL TABLE grid USING rtree_i32(n, low, high); INSERT INTO grid VALUES(3,-5,5);
    CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO place VALUES(1,'a');
    CREATE TABLE movies(id INTEGER PRIMARY KEY, title TEXT, emb F32_BLOB(1));
    INSERT INTO movies VALUES(1,'a',x'0000803f'),(2,'b',NULL);
""")
connection.commit()
