-- Poor rows for all 18 tables of an embedded target: what a first, careless import and a few
-- months of trying things out leave behind. No clock and no chance: every run makes the same.
-- Ids have the shape of Prisma's: c and 24 of [0-9a-z].

INSERT INTO "users" ("id", "email", "username", "display_name", "avatar_url", "role", "email_verified", "password", "created_at", "updated_at")
SELECT 'c' || left(md5('old user ' || n), 24), 'old' || n || '@example.org', 'old_user_' || n,
       CASE WHEN n % 5 = 0 THEN 'unknown' ELSE 'Old User ' || n || ' &amp; Co' END,
       CASE WHEN n % 4 = 0 THEN 'https://img.example.org/old/' || n || '.png' END,
       (CASE WHEN n = 1 THEN 'ADMIN' WHEN n % 3 = 0 THEN 'STUDIO_OWNER' ELSE 'USER' END)::"Role",
       n % 2 = 0, CASE WHEN n % 7 = 0 THEN '' END,
       timestamp '2023-01-01 08:00:00.125' + n * interval '1 day', timestamp '2023-06-01 08:00:00' + n * interval '1 hour'
FROM generate_series(1, 48) AS n;

INSERT INTO "user_profiles" ("id", "user_id", "first_name", "last_name", "phone", "about", "rate_tier_1", "show_rates", "is_featured", "verification_level", "created_at", "updated_at")
SELECT 'c' || left(md5('old profile ' || n), 24), 'c' || left(md5('old user ' || n), 24), 'Old', '', NULL,
       CASE WHEN n % 6 = 0 THEN E'tbc\r\n"quoted", and \\ a backslash' ELSE '' END, CASE WHEN n % 3 = 0 THEN '0' END,
       n % 3 = 0, n % 10 = 0, 'none', timestamp '2023-01-01 08:00:00' + n * interval '1 day', timestamp '2023-06-01 08:00:00'
FROM generate_series(1, 40) AS n;

INSERT INTO "user_metadata" ("id", "user_id", "key", "value", "created_at", "updated_at")
SELECT 'c' || left(md5('old metadata ' || n || ' ' || k), 24), 'c' || left(md5('old user ' || n), 24), k,
       CASE k WHEN 'import' THEN 'first try' WHEN 'empty' THEN '' END, timestamp '2023-01-02 00:00:00', timestamp '2023-01-02 00:00:00'
FROM generate_series(1, 30) AS n, unnest(ARRAY['import', 'empty', 'nothing']) AS k;

INSERT INTO "studios" ("id", "owner_id", "name", "description", "studio_type", "address", "latitude", "longitude", "website_url", "status", "created_at", "updated_at")
SELECT 'c' || left(md5('old studio ' || n), 24), 'c' || left(md5('old user ' || (n * 3)), 24), 'Untitled studio ' || n, NULL,
       (ARRAY['HOME', 'RECORDING', 'PODCAST', 'PRODUCTION', 'MOBILE'])[1 + n % 5]::"StudioType", '',
       CASE WHEN n % 2 = 0 THEN 51.5 + n / 1000.0 END, CASE WHEN n % 2 = 0 THEN -0.1 - n / 1000.0 END,
       'http://studio' || n || '.example.org', (ARRAY['DRAFT', 'ACTIVE', 'INACTIVE', 'PENDING'])[1 + n % 4]::"StudioStatus",
       timestamp '2023-02-01 00:00:00' + n * interval '1 day', timestamp '2023-02-01 00:00:00' + n * interval '1 day'
FROM generate_series(1, 16) AS n;

INSERT INTO "studio_services" ("id", "studio_id", "service")
SELECT 'c' || left(md5('old service ' || n || ' ' || s), 24), 'c' || left(md5('old studio ' || n), 24), s::"ServiceType"
FROM generate_series(1, 16) AS n, unnest(ARRAY['ZOOM', 'SKYPE']) AS s;

INSERT INTO "studio_images" ("id", "studio_id", "image_url", "alt_text", "sort_order")
SELECT 'c' || left(md5('old image ' || n), 24), 'c' || left(md5('old studio ' || (1 + n % 16)), 24),
       'http://img.example.org/placeholder.png', NULL, 0
FROM generate_series(1, 20) AS n;

INSERT INTO "messages" ("id", "sender_id", "receiver_id", "subject", "content", "is_read", "created_at")
SELECT 'c' || left(md5('old message ' || n), 24), 'c' || left(md5('old user ' || (1 + n % 48)), 24),
       'c' || left(md5('old user ' || (1 + n * 7 % 48)), 24), 'test', 'test message ' || n || ' &amp;', n % 2 = 0,
       timestamp '2023-03-01 00:00:00' + n * interval '1 minute'
FROM generate_series(1, 60) AS n;

INSERT INTO "user_connections" ("id", "user_id", "connected_user_id", "accepted", "created_at")
SELECT 'c' || left(md5('old connection ' || n), 24), 'c' || left(md5('old user ' || n), 24),
       'c' || left(md5('old user ' || (n + 1)), 24), n % 2 = 0, timestamp '2023-03-02 00:00:00'
FROM generate_series(1, 20) AS n;

INSERT INTO "reviews" ("id", "studio_id", "reviewer_id", "owner_id", "rating", "content", "status", "created_at", "updated_at")
SELECT 'c' || left(md5('old review ' || n), 24), 'c' || left(md5('old studio ' || n), 24), 'c' || left(md5('old user ' || (n + 20)), 24),
       'c' || left(md5('old user ' || (n * 3)), 24), 1 + n % 5, 'test', 'PENDING', timestamp '2023-04-01 00:00:00', timestamp '2023-04-01 00:00:00'
FROM generate_series(1, 12) AS n;

INSERT INTO "review_responses" ("id", "review_id", "author_id", "content", "created_at", "updated_at")
SELECT 'c' || left(md5('old response ' || n), 24), 'c' || left(md5('old review ' || n), 24), 'c' || left(md5('old user ' || (n * 3)), 24),
       'thanks', timestamp '2023-04-02 00:00:00', timestamp '2023-04-02 00:00:00'
FROM generate_series(1, 5) AS n;

INSERT INTO "accounts" ("id", "user_id", "type", "provider", "provider_account_id", "expires_at", "token_type", "scope")
SELECT 'c' || left(md5('old account ' || n), 24), 'c' || left(md5('old user ' || n), 24), 'oauth', 'example', 'synthetic-' || n,
       1700000000 + n, 'bearer', 'profile'
FROM generate_series(1, 10) AS n;

INSERT INTO "sessions" ("id", "session_token", "user_id", "expires")
SELECT 'c' || left(md5('old session ' || n), 24), 'synthetic-session-' || n, 'c' || left(md5('old user ' || n), 24),
       timestamp '2023-07-01 00:00:00' + n * interval '1 day'
FROM generate_series(1, 10) AS n;

INSERT INTO "saved_searches" ("id", "user_id", "name", "filters", "created_at", "updated_at")
SELECT 'c' || left(md5('old search ' || n), 24), 'c' || left(md5('old user ' || n), 24), 'near me', '{"radius": ' || n || '}',
       timestamp '2023-05-01 00:00:00', timestamp '2023-05-01 00:00:00'
FROM generate_series(1, 6) AS n;

INSERT INTO "notifications" ("id", "user_id", "type", "title", "message", "data", "read", "read_at", "created_at", "updated_at")
SELECT 'c' || left(md5('old notification ' || n), 24), 'c' || left(md5('old user ' || n), 24),
       (ARRAY['MESSAGE_RECEIVED', 'REVIEW_RECEIVED', 'STUDIO_VERIFIED'])[1 + n % 3]::"NotificationType", 'Test', 'test',
       CASE WHEN n % 2 = 0 THEN jsonb_build_object('n', n, 'text', 'caf' || chr(233)) END, n % 2 = 0,
       CASE WHEN n % 2 = 0 THEN timestamp '2023-05-03 00:00:00' END, timestamp '2023-05-02 00:00:00', timestamp '2023-05-02 00:00:00'
FROM generate_series(1, 12) AS n;

INSERT INTO "subscriptions" ("id", "user_id", "stripe_subscription_id", "paypal_subscription_id", "payment_method", "status", "current_period_start", "created_at", "updated_at")
SELECT 'c' || left(md5('old subscription ' || n), 24), 'c' || left(md5('old user ' || n), 24),
       CASE WHEN n % 2 = 0 THEN 'sub_synthetic_' || n END, CASE WHEN n % 2 = 1 THEN 'I-SYNTHETIC' || n END,
       (CASE WHEN n % 2 = 0 THEN 'STRIPE' ELSE 'PAYPAL' END)::"PaymentMethod", 'CANCELLED', timestamp '2023-01-01 00:00:00',
       timestamp '2023-01-01 00:00:00', timestamp '2023-01-01 00:00:00'
FROM generate_series(1, 5) AS n;

INSERT INTO "pending_subscriptions" ("id", "user_id", "studio_id", "stripe_session_id", "payment_method", "created_at", "updated_at")
SELECT 'c' || left(md5('old pending ' || n), 24), 'c' || left(md5('old user ' || (n * 3)), 24), 'c' || left(md5('old studio ' || n), 24),
       'cs_synthetic_' || n, 'STRIPE', timestamp '2023-02-02 00:00:00', timestamp '2023-02-02 00:00:00'
FROM generate_series(1, 3) AS n;

INSERT INTO "refunds" ("id", "stripe_refund_id", "stripe_payment_intent_id", "amount", "currency", "reason", "status", "processed_by", "created_at", "updated_at")
SELECT 'c' || left(md5('old refund ' || n), 24), 're_synthetic_' || n, 'pi_synthetic_' || n, 100 * n, 'gbp', 'test',
       'SUCCEEDED', 'c' || left(md5('old user 1'), 24), timestamp '2023-03-03 00:00:00', timestamp '2023-03-03 00:00:00'
FROM generate_series(1, 3) AS n;

INSERT INTO "content_reports" ("id", "reporter_id", "content_type", "content_id", "reported_user_id", "reason", "custom_reason", "reviewed_by_id", "reviewed_at", "created_at", "updated_at")
SELECT 'c' || left(md5('old report ' || n), 24), 'c' || left(md5('old user ' || n), 24), 'MESSAGE', 'c' || left(md5('old message ' || n), 24),
       'c' || left(md5('old user ' || (n + 1)), 24), 'SPAM', NULL, CASE WHEN n % 2 = 0 THEN 'c' || left(md5('old user 1'), 24) END,
       CASE WHEN n % 2 = 0 THEN timestamp '2023-04-05 00:00:00' END, timestamp '2023-04-04 00:00:00', timestamp '2023-04-04 00:00:00'
FROM generate_series(1, 4) AS n;
