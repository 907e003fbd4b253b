"""Every defect of the legacy data, and the query that counts it; the sample has each at least once."""

from __future__ import annotations

DEFECTS = {
    "second account of one address": (
        "SELECT count(*) - count(DISTINCT lower(trim(email))) FROM shows_users WHERE is_email(email)"
    ),
    "no valid address": "SELECT count(*) FROM shows_users WHERE NOT is_email(email)",
    "address with upper case": "SELECT count(*) FROM shows_users WHERE email <> lower(email)",
    "address with blanks around": "SELECT count(*) FROM shows_users WHERE email <> trim(email)",
    "same id in users and shows_users": "SELECT count(*) FROM users JOIN shows_users USING (id)",
    "one id, two addresses": (
        "SELECT count(*) FROM users u JOIN shows_users s USING (id) WHERE is_email(u.email)"
        " AND is_email(s.email) AND lower(trim(u.email)) <> lower(trim(s.email))"
    ),
    "one address on both sites": (
        "SELECT count(*) FROM community_users c JOIN shows_users s"
        " ON lower(trim(c.email)) = lower(trim(s.email))"
    ),
    "one person over all three tables, by id and address in turn": (
        "SELECT count(*) FROM shows_users a JOIN users b"
        " ON lower(trim(a.email)) = lower(trim(b.email)) AND a.id <> b.id JOIN shows_users c"
        " ON c.id = b.id JOIN community_users d ON lower(trim(d.email)) = lower(trim(c.email))"
    ),
    "a stub for a real person": (
        "SELECT count(*) FROM users JOIN shows_users USING (id) WHERE users.status = 'stub'"
    ),
    "a stub for nobody": (
        "SELECT count(*) FROM users WHERE status = 'stub' AND id NOT IN (SELECT id FROM shows_users)"
    ),
    "only in users": (
        "SELECT count(*) FROM users WHERE status = 'active' AND id NOT IN (SELECT id FROM shows_users)"
    ),
    "taken user name": (
        "SELECT count(*) - count(DISTINCT lower(username)) FROM shows_users WHERE trim(username) <> ''"
    ),
    "no user name": "SELECT count(*) FROM shows_users WHERE trim(coalesce(username, '')) = ''",
    "user name of digits": "SELECT count(*) FROM shows_users WHERE username GLOB '[0-9][0-9][0-9]'",
    "user name of no letters": (
        "SELECT count(*) FROM shows_users WHERE username <> '' AND username NOT GLOB '*[a-zA-Z0-9]*'"
    ),
    "user name of one letter": "SELECT count(*) FROM shows_users WHERE length(username) = 1",
    "user name of 40 characters": "SELECT count(*) FROM shows_users WHERE length(username) = 40",
    "plain-text password": "SELECT count(*) FROM shows_users WHERE password LIKE 'synthetic-%'",
    "MD5 password": "SELECT count(*) FROM shows_users WHERE length(password) = 32",
    "bcrypt of the newer name": "SELECT count(*) FROM shows_users WHERE password LIKE '$2b$%'",
    "expiry in the future": "SELECT count(*) FROM shows_users WHERE expiry_date > '2025'",
    "message from nobody": (
        "SELECT count(*) FROM shows_messages WHERE from_user NOT IN (SELECT id FROM shows_users)"
    ),
    "message to nobody": (
        "SELECT count(*) FROM shows_messages WHERE to_user NOT IN (SELECT id FROM shows_users)"
    ),
    "empty message": (
        "SELECT count(*) FROM shows_messages WHERE trim(message, ' ' || char(9, 10, 13, 160)) = ''"
    ),
    "message of blanks in entities": (
        "SELECT count(*) FROM shows_messages WHERE message LIKE '&nbsp;' || char(32) || '%'"
    ),
    "deleted message": "SELECT count(*) FROM shows_messages WHERE deleted = 1",
    "message with CR LF": "SELECT count(*) FROM shows_messages WHERE instr(message, char(13, 10))",
    "message with CR": (
        "SELECT count(*) FROM shows_messages WHERE instr(replace(message, char(13, 10), ''), char(13))"
    ),
    "message with NUL": "SELECT count(*) FROM shows_messages WHERE instr(CAST(message AS BLOB), x'00')",
    "contact with oneself": "SELECT count(*) FROM shows_contacts WHERE user1 = user2",
    "contact with nobody": (
        "SELECT count(*) FROM shows_contacts WHERE user2 NOT IN (SELECT id FROM shows_users)"
    ),
    "contact twice": (
        "SELECT count(*) FROM shows_contacts a JOIN shows_contacts b ON a.user1 = b.user1"
        " AND a.user2 = b.user2 AND a.id < b.id"
    ),
    "contact there and back": (
        "SELECT count(*) FROM shows_contacts a JOIN shows_contacts b ON a.user1 = b.user2"
        " AND a.user2 = b.user1 AND a.id < b.id"
    ),
    "pending contact": "SELECT count(*) FROM shows_contacts WHERE accepted = 0",
    "meta of nobody": (
        "SELECT count(*) FROM shows_usermeta WHERE user_id NOT IN (SELECT id FROM shows_users)"
    ),
    "profile of nobody": "SELECT count(*) FROM profile WHERE user_id NOT IN (SELECT id FROM users)",
    "image of nobody": (
        "SELECT count(*) FROM studio_gallery WHERE user_id NOT IN (SELECT id FROM shows_users)"
    ),
    "image on Cloudinary": (
        "SELECT count(*) FROM studio_gallery WHERE cloudinary_url LIKE 'https://res.cloudinary.com/%'"
    ),
    "image by its file alone": (
        "SELECT count(*) FROM studio_gallery WHERE coalesce(cloudinary_url, '') = '' AND image_filename <> ''"
    ),
    "image file that needs encoding": (
        "SELECT count(*) FROM studio_gallery WHERE image_filename GLOB '*[ %#?ü]*'"
    ),
    "image without any name": (
        "SELECT count(*) FROM studio_gallery WHERE coalesce(cloudinary_url, '') = '' AND image_filename = ''"
    ),
    "image address that is none": (
        "SELECT count(*) FROM studio_gallery WHERE cloudinary_url NOT LIKE 'http%'"
    ),
    "image address without TLS": ("SELECT count(*) FROM studio_gallery WHERE cloudinary_url LIKE 'http://%'"),
    "avatar in the gallery": "SELECT count(*) FROM studio_gallery WHERE image_type = 'avatar'",
    "images in meta alone": (
        "SELECT count(*) FROM shows_usermeta WHERE meta_key = 'avatar_image2' AND meta_value <> ''"
        " AND user_id NOT IN (SELECT user_id FROM studio_gallery)"
    ),
    "review of nobody": (
        "SELECT count(*) FROM shows_comments WHERE page GLOB '[0-9]*'"
        " AND CAST(page AS INTEGER) NOT IN (SELECT id FROM shows_users)"
    ),
    "review by nobody": (
        "SELECT count(*) FROM shows_comments WHERE user_id NOT IN (SELECT id FROM shows_users)"
    ),
    "comment on a page that is no user": ("SELECT count(*) FROM shows_comments WHERE page NOT GLOB '[0-9]*'"),
    "reply to nothing": (
        "SELECT count(*) FROM shows_comments WHERE parent <> 0 AND parent NOT IN (SELECT id"
        " FROM shows_comments)"
    ),
    "reply by the owner": (
        "SELECT count(*) FROM shows_comments c JOIN shows_comments p ON c.parent = p.id"
        " WHERE p.page = c.user_id"
    ),
    "reply by another": (
        "SELECT count(*) FROM shows_comments c JOIN shows_comments p ON c.parent = p.id"
        " WHERE p.page <> c.user_id"
    ),
    "second reply by the owner": (
        "SELECT count(*) - count(DISTINCT c.parent) FROM shows_comments c JOIN shows_comments p"
        " ON c.parent = p.id WHERE p.page = c.user_id"
    ),
    "comment never updated": ("SELECT count(*) FROM shows_comments WHERE updated = '0000-00-00 00:00:00'"),
}
