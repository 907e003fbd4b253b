-- RIGHT: no row rejected, every amount exact (Decimal with scale 2, as declared)
CREATE TABLE acct(id INTEGER PRIMARY KEY, balance DECIMAL(8,2) NOT NULL);
INSERT INTO acct(balance) VALUES(9.99),(700000000),(0.1),(12.5);
