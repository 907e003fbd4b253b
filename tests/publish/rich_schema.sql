-- A live schema with everything that an exchange carries over.
CREATE EXTENSION btree_gist;
CREATE SCHEMA "Types";
CREATE SCHEMA plain;
CREATE ROLE rich_owner_%(name)s;
CREATE ROLE rich_reader_%(name)s;
CREATE ROLE "Rich Clerk_%(name)s";
GRANT CREATE, USAGE ON SCHEMA public, plain TO rich_owner_%(name)s;
CREATE TYPE "Types"."Mood" AS ENUM ('so so', 'Fine');
CREATE DOMAIN "Types".positive AS int CHECK (VALUE > 0);
CREATE COLLATION "Types".plain (locale = 'C');
CREATE FUNCTION plain.shout(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(t) $$;
CREATE TABLE seen (what text);
CREATE FUNCTION plain.see() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.seen VALUES (TG_OP); RETURN NULL; END $$;

CREATE TABLE "Person" (
    gone int,
    "Id" text NOT NULL,
    "eMail" varchar(254) NOT NULL,
    mood "Types"."Mood" NOT NULL DEFAULT 'so so',
    shoe "Types".positive,
    loud text GENERATED ALWAYS AS (plain.shout("eMail")) STORED,
    "when" tsrange,
    room int,
    nick text COLLATE "Types".plain,
    " ON public.""Person"" (" text,
    CONSTRAINT "Person_pkey" PRIMARY KEY ("Id") INCLUDE (mood) WITH (fillfactor = 70),
    CONSTRAINT "Person_eMail_key" UNIQUE ("eMail") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "no overlap" EXCLUDE USING gist (room WITH =, "when" WITH &&) WHERE (room > 0),
    CONSTRAINT "short" CHECK (length(nick) < 30)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_enabled = off);
ALTER TABLE "Person" DROP COLUMN gone;
ALTER TABLE "Person" ADD CONSTRAINT old_check CHECK (room < 1000) NOT VALID;
CREATE UNIQUE INDEX "Person_nick_key" ON "Person" (nick) NULLS NOT DISTINCT WHERE room IS NOT NULL;
CREATE INDEX "Person expr" ON "Person" (lower("eMail"), (plain.shout(nick)) DESC NULLS LAST);
CREATE INDEX " ON public.""Person"" x" ON "Person" (" ON public.""Person"" (") WHERE nick <> ' ON public."Person" ';
CREATE INDEX person_brin ON "Person" USING brin (room) WITH (pages_per_range = 4);
CREATE UNIQUE INDEX person_ident ON "Person" ("eMail", "Id");
ALTER TABLE "Person" REPLICA IDENTITY USING INDEX person_ident;
ALTER TABLE "Person" CLUSTER ON person_ident;
ALTER INDEX "Person expr" ALTER COLUMN 1 SET STATISTICS 500;
ALTER TABLE "Person" ALTER COLUMN mood SET STATISTICS 33, ALTER COLUMN nick SET (n_distinct = -0.5),
    ALTER COLUMN nick SET STORAGE EXTERNAL, ALTER COLUMN "eMail" SET COMPRESSION pglz;
CREATE STATISTICS person_stats (ndistinct) ON room, nick FROM "Person";
CREATE STATISTICS plain."expr stats" ON (lower(nick)), room FROM "Person";
ALTER STATISTICS person_stats SET STATISTICS 77;
COMMENT ON TABLE "Person" IS 'it''s a table; with 100% "quotes"';
COMMENT ON COLUMN "Person".nick IS 'a nick; name';
COMMENT ON STATISTICS plain."expr stats" IS 'numbers';
COMMENT ON INDEX "Person expr" IS 'it''s an index';
COMMENT ON CONSTRAINT "Person_pkey" ON "Person" IS 'it''s a key';
COMMENT ON CONSTRAINT "no overlap" ON "Person" IS 'nobody twice';
COMMENT ON CONSTRAINT "short" ON "Person" IS 'it is short';

CREATE TABLE letter (
    id serial PRIMARY KEY,
    counter bigserial,
    sender text NOT NULL,
    receiver text,
    parent int,
    body text,
    CONSTRAINT "letter sender" FOREIGN KEY (sender) REFERENCES "Person" ("Id")
        ON DELETE RESTRICT ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT letter_parent_fkey FOREIGN KEY (parent) REFERENCES letter (id) ON DELETE SET NULL
);
ALTER TABLE letter ADD CONSTRAINT letter_receiver_fkey FOREIGN KEY (receiver) REFERENCES "Person" ("Id") NOT VALID;
COMMENT ON CONSTRAINT "letter sender" ON letter IS 'who wrote';
COMMENT ON SEQUENCE letter_id_seq IS 'the numbers of letters';
ALTER TABLE letter REPLICA IDENTITY FULL;

CREATE TABLE seat (id text PRIMARY KEY, person text REFERENCES "Person" ("Id"), next text REFERENCES seat (id));
INSERT INTO "Person" ("Id", "eMail", room, nick) VALUES ('p1', 'one@example.com', 1, 'one'), ('p2', 'two@example.com', 2, 'two');
INSERT INTO letter (sender, receiver) VALUES ('p1', 'p2'), ('p2', NULL);
INSERT INTO seat VALUES ('s1', 'p1', 's1');
SET CONSTRAINTS ALL IMMEDIATE;

CREATE TRIGGER "on "" ON public.letter " AFTER INSERT OR DELETE OR UPDATE OF body, receiver OR TRUNCATE ON letter
    EXECUTE FUNCTION plain.see();
CREATE TRIGGER "always" AFTER INSERT ON letter EXECUTE FUNCTION plain.see();
CREATE TRIGGER "replica" AFTER INSERT ON letter EXECUTE FUNCTION plain.see();
CREATE TRIGGER "off" AFTER UPDATE ON letter FOR EACH ROW WHEN (NEW.id > 0 AND OLD.body = ' ON public.letter ')
    EXECUTE FUNCTION plain.see();
CREATE TRIGGER "tables" AFTER INSERT ON letter REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION plain.see();
CREATE CONSTRAINT TRIGGER "late" AFTER INSERT ON letter DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION plain.see();
ALTER TABLE letter ENABLE ALWAYS TRIGGER "always";
ALTER TABLE letter ENABLE REPLICA TRIGGER "replica";
ALTER TABLE letter DISABLE TRIGGER "off";
COMMENT ON TRIGGER "always" ON letter IS 'it''s always there';

ALTER TABLE "Person" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "Person" FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON "Person" FOR SELECT USING ("Id" = current_user);
CREATE POLICY "never ever" ON "Person" AS RESTRICTIVE FOR ALL TO rich_reader_%(name)s, "Rich Clerk_%(name)s"
    USING (room > 0) WITH CHECK (nick IS NOT NULL);
COMMENT ON POLICY own ON "Person" IS 'one''s own';

ALTER TABLE letter OWNER TO rich_owner_%(name)s;
ALTER STATISTICS person_stats OWNER TO rich_owner_%(name)s;
GRANT SELECT ON "Person" TO rich_reader_%(name)s;
GRANT INSERT, DELETE ON "Person" TO "Rich Clerk_%(name)s" WITH GRANT OPTION;
GRANT SELECT ON "Person" TO "Rich Clerk_%(name)s";
GRANT UPDATE (nick), SELECT (nick) ON "Person" TO rich_reader_%(name)s WITH GRANT OPTION;
REVOKE TRUNCATE ON letter FROM rich_owner_%(name)s;
GRANT SELECT ON letter TO PUBLIC;
GRANT REFERENCES (id) ON seat TO rich_reader_%(name)s;
GRANT USAGE ON SEQUENCE letter_counter_seq TO rich_reader_%(name)s;
