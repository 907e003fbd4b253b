-- What SQLite accepts as a key and a foreign key, all of it migrated as it stands.
-- Prisma's tables between two models: by a unique index, of its own name, of a model with itself, without foreign keys.
CREATE TABLE "Post"("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "title" TEXT);
CREATE TABLE "Tag"("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "name" TEXT);
CREATE TABLE "_PostToTag"("A" INTEGER NOT NULL REFERENCES "Post"("id") ON DELETE CASCADE ON UPDATE CASCADE, "B" INTEGER NOT NULL REFERENCES "Tag"("id") ON DELETE CASCADE ON UPDATE CASCADE);
CREATE UNIQUE INDEX "_PostToTag_AB_unique" ON "_PostToTag"("A","B"); CREATE INDEX "_PostToTag_B_index" ON "_PostToTag"("B");
CREATE TABLE "_Related"("A" INTEGER NOT NULL REFERENCES "Tag"("id") ON DELETE CASCADE ON UPDATE CASCADE, "B" INTEGER NOT NULL REFERENCES "Tag"("id") ON DELETE CASCADE ON UPDATE CASCADE);
CREATE UNIQUE INDEX "_Related_AB_unique" ON "_Related"("A","B");
CREATE TABLE "_CityToPost"("A" INTEGER NOT NULL, "B" INTEGER NOT NULL); CREATE UNIQUE INDEX "_CityToPost_AB_unique" ON "_CityToPost"("A","B");
CREATE TABLE "City"("id" INTEGER NOT NULL PRIMARY KEY, "name" TEXT);
INSERT INTO "Post" VALUES(1,'p'),(2,'q'); INSERT INTO "Tag" VALUES(1,'t'),(2,'u'); INSERT INTO "_PostToTag" VALUES(1,1),(2,1),(2,2);
INSERT INTO "_Related" VALUES(1,2); INSERT INTO "City" VALUES(5,'c'),(6,'d'); INSERT INTO "_CityToPost" VALUES(5,1),(6,2);
-- A key that is another table's, also at second hand.
CREATE TABLE party(id INTEGER PRIMARY KEY, kind TEXT); INSERT INTO party VALUES(1,'person'),(2,'firm'),(3,'person');
CREATE TABLE person(id INTEGER PRIMARY KEY REFERENCES party(id), name TEXT); INSERT INTO person VALUES(1,'Ada'),(3,'Bo');
CREATE TABLE doctor(id INTEGER PRIMARY KEY REFERENCES person(id), ward TEXT); INSERT INTO doctor VALUES(3,'x');
CREATE TABLE invoice(id INTEGER PRIMARY KEY, total INTEGER); INSERT INTO invoice VALUES(1,500),(2,700);
CREATE TABLE line(id INTEGER PRIMARY KEY, invoice_id INTEGER NOT NULL REFERENCES invoice(id), what TEXT); INSERT INTO line VALUES(1,1,'a'),(2,1,'b'),(3,2,'c');
-- A row above is one of the same table.
CREATE TABLE comments(id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES comments(id), body TEXT); INSERT INTO comments VALUES(1,NULL,'a'),(2,1,'b'),(3,1,'c');
CREATE TABLE categories(id INTEGER PRIMARY KEY, parent_id INTEGER, name TEXT); INSERT INTO categories VALUES(1,NULL,'x'),(2,1,'y'),(3,2,'z');
CREATE TABLE folders(id INTEGER PRIMARY KEY, root_id INTEGER REFERENCES comments(id), name TEXT); INSERT INTO folders VALUES(1,2,'f');
CREATE TABLE cliente(id INTEGER PRIMARY KEY, nome TEXT); INSERT INTO cliente VALUES(4,'k'),(5,'l');
CREATE TABLE pedido(id INTEGER PRIMARY KEY, id_cliente INTEGER, id_estado INTEGER); INSERT INTO pedido VALUES(1,5,30),(2,4,31);
-- Malformed foreign keys, which SQLite refuses to write under and reads.
CREATE TABLE comp(a INTEGER, b INTEGER, v TEXT, PRIMARY KEY(a,b)); INSERT INTO comp VALUES(11,12,'v');
CREATE TABLE narrow(id INTEGER PRIMARY KEY, a INTEGER REFERENCES comp); INSERT INTO narrow VALUES(1,11);
CREATE TABLE wide(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, FOREIGN KEY(a,b) REFERENCES invoice); INSERT INTO wide VALUES(1,11,12);
CREATE TABLE nokey(a INTEGER, v TEXT); INSERT INTO nokey VALUES(21,'v');
CREATE TABLE kid(id INTEGER PRIMARY KEY, a INTEGER REFERENCES nokey); INSERT INTO kid VALUES(1,21);
CREATE TABLE lost(id INTEGER PRIMARY KEY, a INTEGER REFERENCES invoice(number), invoice_id INTEGER REFERENCES invoice(no_such)); INSERT INTO lost VALUES(1,21,2);
