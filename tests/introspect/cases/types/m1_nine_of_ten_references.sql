-- RIGHT: no value of area.crs_code is lost: the parent's key holds 'NTF', so the column that refers to it is text too
CREATE TABLE crs(auth TEXT NOT NULL, code INTEGER_OR_TEXT NOT NULL, name TEXT, PRIMARY KEY(auth, code));
CREATE TABLE area(id INTEGER PRIMARY KEY, crs_auth TEXT NOT NULL, crs_code INTEGER_OR_TEXT NOT NULL, FOREIGN KEY(crs_auth, crs_code) REFERENCES crs(auth, code));
INSERT INTO crs VALUES('E',4326,'a'),('E',4327,'b'),('I','NTF','c'),('I','WGS','d');
INSERT INTO area(crs_auth,crs_code) VALUES('E',4326),('E',4327),('E',4326),('E',4327),('E',4326),('E',4327),('E',4326),('E',4327),('E',4326),('E',4327),('E',4326),('I','NTF');
