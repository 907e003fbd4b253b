-- References that only a name tells of, in the ways that old databases write it.
CREATE TABLE dept(no INTEGER PRIMARY KEY, title TEXT); INSERT INTO dept VALUES(1,'x'),(2,'y');
CREATE TABLE emp(no INTEGER PRIMARY KEY, dept_no INTEGER, parent INTEGER, userid INTEGER, reply_to INTEGER);
INSERT INTO emp VALUES(10,2,NULL,5,NULL),(11,1,10,6,10),(12,2,11,7,11);
CREATE TABLE users(id INTEGER PRIMARY KEY, "group" INTEGER, valid INTEGER, age INTEGER); INSERT INTO users VALUES(5,1,1,1),(6,2,0,2),(7,2,1,2);
CREATE TABLE groups(id INTEGER PRIMARY KEY, "order" INTEGER); INSERT INTO groups VALUES(1,2),(2,1);
CREATE TABLE orders(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO orders VALUES(1,'o'),(2,'p');
CREATE TABLE node(nid INTEGER PRIMARY KEY, uid INTEGER); INSERT INTO node VALUES(1,5),(2,7);
CREATE TABLE node_body(nid INTEGER, delta INTEGER); INSERT INTO node_body VALUES(1,0),(2,0),(2,5);
CREATE TABLE "用户"("编号" INTEGER PRIMARY KEY); INSERT INTO "用户" VALUES(1),(2);
CREATE TABLE "订单"("编号" INTEGER PRIMARY KEY, "用户编号" INTEGER); INSERT INTO "订单" VALUES(1,2);
-- What a suffix of its own table's name is called is no reference to itself.
CREATE TABLE order_items(id INTEGER PRIMARY KEY, item_id INTEGER); INSERT INTO order_items VALUES(1,2),(2,1),(3,1);
-- Strapi's components, and a type that is called as its id is.
CREATE TABLE components_shared_seos(id INTEGER PRIMARY KEY, meta TEXT); INSERT INTO components_shared_seos VALUES(1,'m');
CREATE TABLE groups_cmps(id INTEGER PRIMARY KEY, cmp_id INTEGER, component_type TEXT); INSERT INTO groups_cmps VALUES(1,1,'shared.seo');
CREATE TABLE likes(id INTEGER PRIMARY KEY, likeable TEXT, likeable_id INTEGER); INSERT INTO likes VALUES(1,'node',1),(2,'groups',2);
-- A key that is '' is a key like another.
CREATE TABLE shops(code TEXT PRIMARY KEY); INSERT INTO shops VALUES(''),('a');
CREATE TABLE sales(id INTEGER PRIMARY KEY, shop TEXT REFERENCES shops(code)); INSERT INTO sales VALUES(1,''),(2,'a');
-- Names with what parts names.
CREATE TABLE "a.b, c"(id INTEGER PRIMARY KEY, "d.e" TEXT, "f]g" TEXT, "h'i" TEXT, "j\k" TEXT); INSERT INTO "a.b, c" VALUES(1,'a','b','c','d');
-- Ids in paths and URLs.
CREATE TABLE notes(id INTEGER PRIMARY KEY, href TEXT, body TEXT); INSERT INTO notes VALUES(1,'/orders/2','x'),(2,'https://app.example.com/o?order=1&x=1','y'),(3,'/orders/9/edit',NULL);
