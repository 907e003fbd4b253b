CREATE TABLE __drizzle_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, hash text NOT NULL, created_at numeric);
CREATE TABLE accounts (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, email text NOT NULL, first_name text NOT NULL,
  last_name text NOT NULL, tier text DEFAULT 'Free' NOT NULL, admin integer DEFAULT false NOT NULL, tags text,
  created_at integer DEFAULT (unixepoch()) NOT NULL, deleted_at integer);
CREATE UNIQUE INDEX accounts_email_unique ON accounts (email);
CREATE TABLE invoices (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, account_id integer NOT NULL,
  total_cents integer NOT NULL, issued_at integer NOT NULL,
  FOREIGN KEY (account_id) REFERENCES accounts(id) ON UPDATE no action ON DELETE cascade);
CREATE TABLE debug_log (id integer PRIMARY KEY, line text);
INSERT INTO __drizzle_migrations VALUES (1, 'abc', 1704067200000);
INSERT INTO accounts VALUES
  (4, 'ann@example.org', 'Ann', 'Lee', 'Free', 1, '["a","b"]', 1704067200, NULL),
  (7, 'bo@example.org', 'Bo', 'Day', 'free', 0, NULL, 1704067201, NULL),
  (9, 'cy@example.org', 'Cy', 'Orr', 'pro', 0, '[]', 1704067202, 1717200000);
INSERT INTO invoices VALUES (1, 4, 1999, 1706745600), (2, 7, 5, 1706745600), (3, 9, 7, 1706745600);
INSERT INTO debug_log VALUES (1, 'x');
