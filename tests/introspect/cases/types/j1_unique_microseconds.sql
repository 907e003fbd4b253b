-- RIGHT: init says that two unique values become the same at milliseconds (and how to keep them apart)
CREATE TABLE ev(id INTEGER PRIMARY KEY, created_at DATETIME UNIQUE); INSERT INTO ev VALUES(1,'2024-01-01 10:00:00.123456'),(2,'2024-01-01 10:00:00.123457'),(3,'2024-01-02 00:00:00');
