-- Pairs of a type and an id, as frameworks write them. Every key is an integer and becomes a new id.
CREATE TABLE posts(id INTEGER PRIMARY KEY AUTOINCREMENT, title VARCHAR); INSERT INTO posts VALUES(1,'a'),(2,'b');
CREATE TABLE videos(id INTEGER PRIMARY KEY AUTOINCREMENT, title VARCHAR); INSERT INTO videos VALUES(1,'a'),(2,'b');
CREATE TABLE admin_users(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO admin_users VALUES(1,'r'),(2,'s');
CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users VALUES(1,'u'),(2,'v'),(3,'w');
CREATE TABLE jobs(id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES users(id)); INSERT INTO jobs VALUES(1,2),(2,3);
CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO items VALUES(1,'i');
-- Laravel and Rails
CREATE TABLE taggables(taggable_type VARCHAR NOT NULL, taggable_id INTEGER NOT NULL);
INSERT INTO taggables VALUES('App\Models\Post',1),('App\Models\Video',2),('Admin::User',2),('App\Gone',1);
-- Django
CREATE TABLE django_content_type(id INTEGER PRIMARY KEY, app_label VARCHAR(100) NOT NULL, model VARCHAR(100) NOT NULL);
INSERT INTO django_content_type VALUES(7,'blog','entry'),(8,'auth','user'),(9,'shop','basket');
CREATE TABLE blog_entry(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO blog_entry VALUES(4,'x'),(5,'y');
CREATE TABLE blog_like(id INTEGER PRIMARY KEY, content_type_id INTEGER NOT NULL REFERENCES django_content_type(id), object_id INTEGER NOT NULL);
INSERT INTO blog_like VALUES(1,7,4),(2,7,5),(3,8,3);
-- Strapi
CREATE TABLE articles(id INTEGER PRIMARY KEY, title TEXT); INSERT INTO articles VALUES(1,'a'),(2,'b');
CREATE TABLE files_related_morphs(file_id INTEGER, related_id INTEGER, related_type TEXT, field TEXT);
INSERT INTO files_related_morphs VALUES(9,1,'api::article.article','cover'),(9,2,'api::article.article','cover'),(8,1,'plugin::users-permissions.user','avatar');
-- Directus
CREATE TABLE directus_activity(id INTEGER PRIMARY KEY, collection VARCHAR(64), item VARCHAR(255));
INSERT INTO directus_activity VALUES(1,'articles','1'),(2,'posts','2'),(3,'posts','99');
-- words that are roles, a column that could be a table's own, codes
CREATE TABLE favorites(id INTEGER PRIMARY KEY, target_type TEXT NOT NULL, target_id INTEGER NOT NULL);
INSERT INTO favorites VALUES(1,'client',1),(2,'freelancer',2),(3,'job',2),(4,'moon',1);
CREATE TABLE queue(id INTEGER PRIMARY KEY, item_type TEXT, item_id INTEGER); INSERT INTO queue VALUES(1,'posts',2),(2,'item',1);
CREATE TABLE ratings(id INTEGER PRIMARY KEY, subject_kind INTEGER NOT NULL, subject_id INTEGER NOT NULL); INSERT INTO ratings VALUES(1,1,1),(2,2,2);
CREATE TABLE audit(id INTEGER PRIMARY KEY, table_name TEXT, record_id TEXT, by INTEGER); INSERT INTO audit VALUES(1,'posts','1',7),(2,'users','3',8);
-- Payload, lists of ids in a text, and columns of ids and instants that hold nothing
CREATE TABLE blocks(id INTEGER PRIMARY KEY, rich TEXT, watchers TEXT, user_ids TEXT, sizes TEXT, seller_id INTEGER, foo_id INTEGER, deleted_at TEXT, seen_at REAL);
INSERT INTO blocks(id, rich, watchers, user_ids, sizes) VALUES
  (1,'{"root":[{"type":"upload","relationTo":"posts","value":2},{"type":"link","relationTo":"users","value":3}]}','1;2','1|3','S,M'),
  (2,'{"root":[{"type":"text","value":1}]}','3','2','L');
