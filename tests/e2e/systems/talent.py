"""The talent platform: SQLAlchemy's shapes, decimals in NUMERIC columns, alembic, full text."""

from __future__ import annotations

from tests.e2e.systems.recipe import Inside, Recipe, Trap, fixed
from tests.e2e.systems.traps import (
    contained,
    dangling,
    either,
    five_clocks,
    literal_clock,
    mixed_json,
    refused_json,
)

ROWS = {
    "users": 1500, "skills": 120, "categories": 40, "tags": 150, "analytics_events": 3000,
    "external_projects": 400, "user_skills": 3000, "projects": 1200, "portfolio_items": 600,
    "notifications": 2500, "user_sessions": 800, "audit_logs": 1500, "favorites": 900, "support_tickets": 200,
    "user_embeddings": 1000, "user_verifications": 700, "gigs": 500, "seller_stats": 400, "referrals": 200,
    "proposals": 3000, "conversations": 900, "project_tags": 2000, "project_embeddings": 800,
    "gig_orders": 900, "gig_faqs": 600, "talent_invitations": 500, "contracts": 800, "messages": 4000,
    "gig_reviews": 500, "gig_revisions": 300, "gig_deliveries": 600, "reviews": 600, "disputes": 60,
    "milestones": 1500, "escrow": 500, "time_entries": 1500, "scope_change_requests": 150, "payments": 1500,
    "invoices": 700, "refunds": 80, "alembic_version": 1, "revoked_tokens": 300, "wallet_balances": 900,
    "wallet_transactions": 2000, "payout_schedules": 300, "blog_posts": 60,
}  # fmt: skip

_ENTITIES = {"project": "projects", "gig": "gigs", "user": "users"}
_LIST = ('["python","sql"]', '["design"]', "[]")

WORDS = {
    "role": ("freelancer", "freelancer", "client", "admin"), "user_type": ("freelancer", "client"),
    "projects.status": ("open", "in_progress", "completed", "cancelled"),
    "projects.skills": _LIST, "projects.visibility": ("public", "private"),
    "contracts.status": ("draft", "active", "completed", "terminated"),
    "contract_type": ("fixed", "hourly", "retainer"), "currency": ("USD", "EUR", "KES"),
    "payments.status": ("pending", "processing", "completed", "failed", "refunded"),
    "payment_type": ("milestone", "full", "hourly", "escrow"), "payment_method": ("card", "wallet", "crypto"),
    "proposals.status": ("submitted", "accepted", "rejected", "withdrawn"),
    "status": ("pending", "active", "closed"), "priority": ("low", "normal", "high"),
    "payment_status": ("pending", "paid"), "package_tier": ("basic", "standard", "premium"),
    "reviews.rating": None, "level": ("new", "level_1", "level_2", "top"), "seller_level": ("new", "top"),
    "users.skills": ('["python","sql"]', "python, sql", "[]", "", '["design"]'),
    "users.languages": ('["en"]', '["en","fr"]'), "profile_visibility": ("public", "private"),
    "availability_status": ("available", "busy"), "experience_level": ("entry", "intermediate", "expert"),
    "event_data": ('{"page":"/"}', '{"page":"/projects","ms":31}'),
    "old_values": ('{"status":"open"}', None), "new_values": ('{"status":"completed"}',),
    "attachments": ('[{"name":"brief.pdf","size":1200}]', "[]"), "milestones": ("[]", '[{"n":1}]'),
    "rating_breakdown": ('{"quality":5,"speed":4}', '{"quality":3}'), "message_type": ("text", "file"),
    "category": ("design", "development", "writing"), "tags.type": ("skill", "topic"),
    "budget_type": ("fixed", "hourly"), "blog_posts.tags": ("[]", '["news"]'), "items": ('[{"sku":1}]', "[]"),
    "wallet_transactions.type": ("deposit", "withdrawal", "fee"), "frequency": ("weekly", "monthly"),
    "profile_data": ('{"headline":"x"}', "{}"), "notification_preferences": ('{"email":true}', "{}"),
}  # fmt: skip
WORDS = {name: words for name, words in WORDS.items() if words}

_FULL_TEXT = (
    "CREATE VIRTUAL TABLE projects_fts USING fts5(title, description, content=projects, content_rowid=id)",
    "INSERT INTO projects_fts (projects_fts) VALUES ('rebuild')",
    "CREATE TRIGGER projects_ai AFTER INSERT ON projects BEGIN INSERT INTO projects_fts"
    " (rowid, title, description) VALUES (new.id, new.title, new.description); END",
)
_LATE_PROJECT = (
    "INSERT INTO projects SELECT 5001, 'Formerly heliotrope', description, category, budget_type, budget_min,"
    " budget_max, experience_level, estimated_duration, skills, client_id, status, visibility, is_featured,"
    " is_urgent, attachments, screening_questions, preferred_qualifications, max_proposals, proposals_count,"
    " views_count, created_at, updated_at, deadline FROM projects WHERE id = 1"
)

TRAPS = (
    Trap(
        "a primary key that is a foreign key, with gaps of its own",
        "SELECT count(*) FROM user_embeddings e JOIN users u ON u.id = e.user_id"
        " WHERE (SELECT count(*) FROM user_embeddings) < (SELECT count(*) FROM users)",
    ),
    Trap(
        "a primary key that is another table's, though no constraint says so",
        "SELECT (SELECT count(*) FROM wallet_balances w JOIN users u ON u.id = w.user_id)"
        " = (SELECT count(*) FROM wallet_balances)",
    ),
    Trap(
        "money as integer, real and text from row to row",
        "SELECT count(DISTINCT typeof(amount)) = 3 FROM payments",
        [
            "UPDATE payments SET amount = id * 10 WHERE id % 7 = 0",
            "UPDATE payments SET amount = '1,250.00' WHERE id = 4",
            "UPDATE payments SET amount = '$75.50' WHERE id = 5",
        ],
    ),
    five_clocks("notifications"),
    literal_clock(
        "wallet_transactions", "created_at",
        "UPDATE wallet_transactions SET created_at = 'CURRENT_TIMESTAMP' WHERE id % 100 = 7",
    ),
    Trap(
        "rating is 1 to 5 as integer in one table and real in another",
        "SELECT count(DISTINCT rating <> round(rating)) = 2 FROM reviews",
        ["UPDATE reviews SET rating = 4 WHERE id % 3 = 0"],
    ),
    refused_json("messages", "attachments"),
    mixed_json("users", "skills"),
    Trap(
        "full text gone stale: it finds words that the row no longer has",
        "SELECT count(*) FROM projects_fts f JOIN projects p ON p.id = f.rowid"
        " WHERE projects_fts MATCH 'heliotrope' AND p.title NOT LIKE '%heliotrope%'",
        [_LATE_PROJECT, "UPDATE projects SET title = 'Renamed since' WHERE id = 5001"],
    ),
    Trap(
        "rows that a CHECK forbids",
        "SELECT count(*) FROM reviews WHERE NOT (rating >= 1 AND rating <= 5)",
        ["UPDATE reviews SET rating = 7 WHERE id = 11", "UPDATE reviews SET rating = 0 WHERE id = 12"],
    ),
    dangling("proposals", "project_id", "projects", "777777"),
    dangling("messages", "conversation_id", "conversations", "888888"),
    dangling("wallet_transactions", "user_id", "users", "999999"),
    contained("JSON", "notifications", "data", "projects", """'"project_id":' || p.id || ','"""),
    contained("a comma list", "users", "industry_focus", "categories", "',' || p.id"),
    contained("a URL", "notifications", "action_url", "projects", "'/projects/' || p.id"),
    either("favorites", "target_type", "target_id", _ENTITIES),
    either("audit_logs", "entity_type", "entity_id", _ENTITIES),
    Trap(
        "categories in a circle",
        "SELECT count(*) FROM categories a JOIN categories b ON a.parent_id = b.id"
        " JOIN categories c ON b.parent_id = c.id WHERE c.parent_id = a.id",
        [
            "UPDATE categories SET parent_id = 3 WHERE id = 2",
            "UPDATE categories SET parent_id = 4 WHERE id = 3",
            "UPDATE categories SET parent_id = 2 WHERE id = 4",
        ],
    ),
    Trap(
        "messages that answer messages, and one that answers a later one",
        "SELECT count(*) FROM messages WHERE parent_message_id > id",
        ["UPDATE messages SET parent_message_id = 51 WHERE id = 3"],
    ),
    Trap(
        "unique over three columns",
        "SELECT count(*) = (SELECT count(*) FROM favorites) FROM"
        " (SELECT DISTINCT user_id, target_type, target_id FROM favorites)",
    ),
    Trap(
        "pairs of ids with a date alone: a many-to-many table",
        "SELECT (SELECT count(*) FROM project_tags) = (SELECT count(*) FROM project_tags t"
        " JOIN projects p ON p.id = t.project_id JOIN tags g ON g.id = t.tag_id)",
    ),
    Trap(
        "a text longer than its column says",
        "SELECT count(*) FROM users WHERE length(tagline) > 200",
        ["UPDATE users SET tagline = substr(hex(zeroblob(150)), 1, 260) WHERE id = 9"],
    ),
    Trap(
        "a boolean that is a word in a few rows",
        "SELECT count(*) FROM gig_faqs f, external_projects e WHERE f.id = 1 AND typeof(e.is_flagged) ="
        " 'text'",
        ["UPDATE external_projects SET is_flagged = 'true' WHERE id = 8"],
    ),
)  # fmt: skip

RECIPE = Recipe(
    rows=ROWS,
    clock="%Y-%m-%d %H:%M:%S%.6f",
    words=WORDS,
    traps=TRAPS,
    keys={"alembic_version": fixed("9f3b2c1d0e4a")},
    references={
        "wallet_balances.user_id": "users", "wallet_transactions.user_id": "users",
        "payout_schedules.user_id": "users", "analytics_events.user_id": "users",
        "talent_invitations.proposal_id": "proposals", "gig_orders.dispute_id": "disputes",
        "gig_orders.conversation_id": "conversations", "gig_orders.escrow_id": "escrow",
    },
    either={
        "favorites": ("target_type", "target_id", _ENTITIES),
        "audit_logs": ("entity_type", "entity_id", _ENTITIES),
        "analytics_events": ("entity_type", "entity_id", _ENTITIES),
    },
    inside={
        "notifications.data": Inside('{"project_id":{},"by":{}}', ("projects", "users")),
        "notifications.action_url": Inside("/projects/{}", ("projects",)),
        "users.industry_focus": Inside("{},{},{}", ("categories",) * 3),
        "wallet_transactions.reference_id": Inside("payment-{}", ("payments",)),
    },
    checks={"reviews": ("rating >= 1 AND rating <= 5",)},
    before_traps=_FULL_TEXT,
)  # fmt: skip
