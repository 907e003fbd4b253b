"""The freelance-work marketplace: drizzle's shapes, integer keys, money as REAL, left-over copies."""

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
    "accounts": 4, "domains": 3, "system_settings": 9, "invitations": 5, "users": 29, "user_stats": 31,
    "freelancer_profiles": 12, "editor_profiles": 4, "client_profiles": 10, "managers": 3,
    "user_categories": 13, "user_badges": 14, "jobs": 23, "bids": 61, "job_attachments": 30, "job_files": 26,
    "order_files": 31, "job_messages": 70, "job_status_logs": 55, "payments": 16, "invoices": 17,
    "payment_requests": 9, "payment_transactions": 22, "writer_balances": 12, "manager_earnings": 14,
    "payout_requests": 8, "messages": 48, "notifications": 120, "email_logs": 18, "email_notifications": 25,
    "ratings": 19, "badges": 8, "writer_tiers": 4, "manager_invitations": 3, "editor_assignments": 12,
    "client_manager": 10, "conversations": 15, "email_verification_codes": 20, "password_reset_tokens": 6,
    "pending_registrations": 0, "admin_audit_logs": 40, "revisions": 11, "order_history": 60,
    "system_logs": 80,
}  # fmt: skip

_COPIED = {
    "__old_push_payments": "payments", "__old_push_invoices": "invoices",
    "__new_job_attachments": "job_attachments", "__old_users": "users", "__old_jobs": "jobs",
    "__old_bids": "bids", "__old_notifications": "notifications", "payoutRequests": "payout_requests",
    "orderFiles": "order_files", "jobAttachments": "job_attachments",
}  # fmt: skip
_BACKED_UP = (
    "users", "jobs", "bids", "payments", "invoices", "messages", "notifications", "ratings", "job_messages",
    "job_files", "user_stats", "email_logs", "managers",
)  # fmt: skip

_STATES = ("pending", "assigned", "in_progress", "delivered", "approved", "completed", "cancelled")
_SETTINGS = (
    "site_name", "commission", "theme", "Theme", "min_payout", "mail.from", "smtp host", "flags", "limits",
)  # fmt: skip
_TARGETS = {"user": "users", "job": "jobs", "payment": "payments"}

WORDS = {
    "role": ("freelancer", "freelancer", "client", "client", "editor", "manager", "admin"),
    "users.status": ("active", "active", "active", "suspended", "blacklisted", "rejected"),
    "users.presence_status": ("offline", "online", "away"),
    "users.client_tier": ("basic", "silver", "gold"),
    "users.client_priority": ("regular", "vip"),
    "users.freelancer_badge": ("bronze", "silver", "gold", ""),
    "users.suspension_reason": (None, None, "", "late delivery"),
    "jobs.status": _STATES, "job_status_logs.old_status": _STATES, "job_status_logs.new_status": _STATES,
    "order_history.old_status": _STATES, "order_history.new_status": _STATES,
    "jobs.work_type": ("essay", "slides", "problem set", "editing"),
    "approval_status": ("pending", "approved", "rejected"),
    "bids.status": ("pending", "accepted", "rejected"),
    "invoices.status": ("pending", "paid", "overdue"),
    "payments.status": ("pending", "confirmed", "failed"),
    "payment_transactions.transaction_type": ("credit", "debit", "refund"),
    "payout_requests.status": ("pending", "approved", "rejected", "paid"),
    "method": ("mpesa", "bank", "paypal"), "payment_method": ("mpesa", "paystack"),
    "job_messages.message_type": ("text", "file", "system"),
    "notifications.type": ("bid", "job_assigned", "payment", "message"),
    "badges.status": ("active", "retired"), "upload_type": ("initial", "draft", "final", "revision"),
    "file_type": ("application/pdf", "image/png", "text/plain"), "mime_type": ("application/pdf",
    "image/png"),
    "system_logs.type": ("info", "warning", "error"),
    "system_logs.context": ('{"path":"/api/jobs","ms":12}', '{"path":"/api/bids","ms":7}', None, ""),
    "system_settings.type": ("string", "number", "boolean", "json"),
    "system_settings.value": ("true", "12", '{"a":1}', "plain"),
    "freelancer_profiles.skills": ('["essays","nursing"]', "essays, nursing", "[]", '["statistics"]'),
    "freelancer_profiles.languages": ('["en","sw"]', '["en"]'),
    "ratings.metadata": ('{"onTime":true}', '{"onTime":false,"tags":["polite"]}', None),
    "writer_tiers.benefits": ('["priority"]', '["priority","badge"]'),
    "badges.criteria": ('{"jobs":10}', '{"rating":4.5}'),
}  # fmt: skip

TRAPS = (
    literal_clock(
        "invitations", "created_at",
        "INSERT INTO invitations (id, email, role, token, expires_at) VALUES"
        " (77, 'late@example.com', 'client', 'token-77', '2025-05-01T00:00:00.000Z')",
    ),
    Trap(
        "revisions_requested is a count in one table and a boolean in another",
        "SELECT count(*) FROM user_stats WHERE revisions_requested > 1"
        " AND NOT EXISTS (SELECT 1 FROM editor_assignments WHERE revisions_requested NOT IN (0, 1))",
    ),
    five_clocks("notifications"),
    Trap(
        "money as text in a REAL column",
        "SELECT count(*) FROM payments WHERE typeof(amount) = 'text'",
        ["UPDATE payments SET amount = '1,250.00' WHERE id = 2", "UPDATE payments SET amount = '' WHERE"
                                                                 " id = 3"],
    ),
    Trap(
        "whole and broken sums of money in one REAL column",
        "SELECT count(DISTINCT amount = round(amount)) = 2 FROM jobs",
        ["UPDATE jobs SET amount = 1200 WHERE id = 1"],
    ),
    refused_json("ratings", "metadata"),
    mixed_json("freelancer_profiles", "skills"),
    dangling("bids", "job_id", "jobs", "999"),
    dangling("messages", "receiver_id", "users", "4040"),
    contained("a JSON list", "users", "badge_list", "badges", "'[' || p.id || ','"),
    contained("a comma list", "email_logs", "failed_recipients", "users", "',' || p.id"),
    contained("a URL", "order_files", "file_url", "jobs", "'/jobs/' || p.id || '/'"),
    either("admin_audit_logs", "target_type", "target_id", _TARGETS),
    Trap(
        "two users manage each other, and one himself",
        "SELECT count(*) FROM users a JOIN users b ON a.assigned_manager_id = b.id"
        " WHERE b.assigned_manager_id = a.id",
        [
            "UPDATE users SET assigned_manager_id = 3 WHERE id = 2",
            "UPDATE users SET assigned_manager_id = 2 WHERE id = 3",
            "UPDATE users SET assigned_manager_id = 5 WHERE id = 5",
        ],
    ),
    Trap(
        "text keys that differ in case alone",
        'SELECT count(*) FROM system_settings a JOIN system_settings b ON lower(a."key") = lower(b."key")'
        ' WHERE a."key" < b."key"',
    ),
    Trap(
        "a left-over table whose name is a live one's in another case",
        "SELECT count(*) FROM sqlite_master a JOIN sqlite_master b ON a.type = 'table' AND b.type = 'table'"
        " AND a.name < b.name AND lower(replace(a.name, '_', '')) = lower(replace(b.name, '_', ''))",
    ),
    Trap(
        "a left-over copy holds rows that the live table has lost",
        "SELECT count(*) FROM users_backup WHERE id NOT IN (SELECT id FROM users)",
        ["INSERT INTO users_backup SELECT * FROM users_backup WHERE id = 1",
         "UPDATE users_backup SET id = 9999 WHERE rowid = (SELECT max(rowid) FROM users_backup)"],
    ),
    Trap(
        "a left-over copy with the same row twice",
        "SELECT count(*) FROM (SELECT id FROM bids_backup GROUP BY id HAVING count(*) > 1)",
        ["INSERT INTO bids_backup SELECT * FROM bids_backup WHERE id = 1"],
    ),
    Trap(
        "two rows under a key that should be unique",
        "SELECT count(*) FROM (SELECT user_id FROM user_stats GROUP BY user_id HAVING count(*) > 1)",
    ),
    Trap(
        "e-mail addresses that differ in case alone",
        "SELECT count(*) FROM users a JOIN users b ON lower(a.email) = lower(b.email) AND a.id < b.id",
        ["UPDATE users SET email = (SELECT upper(email) FROM users WHERE id = 4) WHERE id = 6"],
    ),
    Trap(
        "NULL and the empty text in one column",
        "SELECT count(DISTINCT coalesce(suspension_reason, 'NULL')) >= 2 FROM users"
        " WHERE suspension_reason = '' OR suspension_reason IS NULL",
    ),
)  # fmt: skip

RECIPE = Recipe(
    rows=ROWS,
    clock="%Y-%m-%dT%H:%M:%S%.3fZ",
    words=WORDS,
    traps=TRAPS,
    keys={"system_settings": fixed(*_SETTINGS)},
    either={"admin_audit_logs": ("target_type", "target_id", _TARGETS)},
    inside={
        "users.badge_list": Inside("[{},{}]", ("badges", "badges")),
        "email_logs.failed_recipients": Inside("{},{},{}", ("users", "users", "users")),
        "order_files.file_url": Inside("https://files.example.org/jobs/{}/final.pdf", ("jobs",)),
    },
    copies=_COPIED | {f"{name}_backup": name for name in _BACKED_UP},
)
