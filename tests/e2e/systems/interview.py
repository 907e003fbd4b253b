"""The interview-question site: text and UUID keys, JSON columns, views, triggers, large tables."""

from __future__ import annotations

from tests.e2e.systems.recipe import Inside, Recipe, Trap, slugs, uuids
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
    "users": 500, "questions": 12_000, "channel_mappings": 24_000, "work_queue": 6_000, "bot_ledger": 12_000,
    "bot_runs": 1_500, "question_relationships": 9_000, "voice_sessions": 400, "certifications": 60,
    "question_history": 14_000, "user_sessions": 3_000, "learning_paths": 300,
}  # fmt: skip

_CHANNELS = ("algorithms", "system-design", "devops", "frontend", "behavioural")
_ITEMS = {"question": "questions", "certification": "certifications", "path": "learning_paths"}
_HISTORY = {"question": "questions", "certification": "certifications", "voice": "voice_sessions"}
_LEVELS = ("beginner", "intermediate", "advanced")
_SNAPSHOT = ('{"status":"active","tags":["trees"]}', '{"status":"flagged"}', None)

WORDS = {
    "difficulty": _LEVELS, "channel": _CHANNELS, "channel_id": _CHANNELS, "sub_channel": ("basics",
    "caching"),
    "questions.status": ("active", "active", "active", "flagged", "deleted"),
    "questions.tags": ('["trees","graphs"]', '["caching"]', "trees, graphs", "[]"),
    "questions.companies": ('["Acme","Globex"]', "[]", None), "questions.voice_suitable": None,
    "questions.videos": ('{"shortVideo":"https://video.example.org/1","longVideo":null}', "{}", None),
    "relevance_details": ('{"score":7,"why":"common"}', None),
    "job_title_relevance": ('{"backend":0.9,"frontend":0.1}', None),
    "experience_level_tags": ('["junior","senior"]', None), "voice_keywords": ('["balance","rotate"]', None),
    "work_queue.status": ("pending", "processing", "completed", "failed"),
    "work_queue.result": ('{"ok":true}', "done", None, ""), "action": ("create", "update", "delete",
    "verify"),
    "bot_name": ("creator", "verifier", "processor"), "bot_runs.status": ("running", "completed", "failed"),
    "bot_runs.summary": ('{"created":3}', "3 created", None),
    "before_state": _SNAPSHOT, "after_state": _SNAPSHOT, "before_snapshot": _SNAPSHOT,
    "after_snapshot": _SNAPSHOT, "changed_fields": ('["answer","tags"]', '["status"]', None),
    "question_history.metadata": ('{"run":12}', None), "relationship_type": ("prerequisite", "related",
    "harder"),
    "event_type": ("created", "updated", "flagged"), "event_source": ("bot", "user", "import"),
    "provider": ("Acme", "Globex"), "category": ("cloud", "data", "security"),
    "certifications.status": ("active", "draft"), "certifications.tags": ('["cloud"]', "[]"),
    "domains": ('[{"name":"Networking","weight":30}]', "[]"),
    "certifications.channel_mappings": ('[{"channelId":"devops","subChannels":["basics"]}]', None),
    "session_type": ("test", "voice", "certification"), "user_sessions.status": ("active", "completed",
    "abandoned"),
    "path_type": ("company", "job-title", "skill"), "channels": ('["algorithms"]', '["devops","frontend"]'),
    "learning_paths.tags": ('["interview"]', None), "learning_objectives": ('["pass"]', None),
    "milestones": ('[{"at":10,"title":"first"}]', None), "learning_paths.metadata": ('{"v":2}', None),
    "learning_paths.status": ("active", "archived"),
}  # fmt: skip
WORDS = {name: words for name, words in WORDS.items() if words}

_VIEWS = (
    "CREATE VIEW v_active_questions AS SELECT id, question, channel, difficulty FROM questions"
    " WHERE status = 'active'",
    "CREATE VIEW v_bot_activity AS SELECT bot_name, action, count(*) AS actions, max(created_at) AS"
    " last_action"
    " FROM bot_ledger GROUP BY bot_name, action",
    "CREATE VIEW v_active_sessions AS SELECT s.*, u.username FROM user_sessions s"
    " LEFT JOIN users u ON u.id = s.user_id WHERE s.status = 'active'",
)
_TRIGGERS = (
    "CREATE TRIGGER trg_questions_update AFTER UPDATE ON questions BEGIN"
    " UPDATE questions SET last_updated = CURRENT_TIMESTAMP WHERE id = new.id; END",
    "CREATE TRIGGER trg_user_sessions_access AFTER UPDATE OF progress ON user_sessions BEGIN"
    " UPDATE user_sessions SET last_accessed_at = CURRENT_TIMESTAMP WHERE id = new.id; END",
)

TRAPS = (
    Trap(
        "UUID keys, one of them in capitals",
        "SELECT count(*) FROM user_sessions WHERE length(id) = 36 AND id = upper(id) AND id <> lower(id)",
        ["UPDATE user_sessions SET id = upper(id) WHERE rowid = 3"],
    ),
    Trap(
        "text keys that differ in case alone",
        "SELECT count(*) FROM questions a JOIN questions b ON b.id = upper(a.id) WHERE a.id <> b.id",
        ["UPDATE questions SET id = (SELECT upper(id) FROM questions WHERE rowid = 1) WHERE rowid = 12000"],
    ),
    five_clocks("bot_ledger"),
    literal_clock(
        "questions", "created_at", "UPDATE questions SET created_at = 'CURRENT_TIMESTAMP' WHERE rowid %"
                                   " 500 = 9"
    ),
    refused_json("question_history", "before_snapshot"),
    refused_json("questions", "relevance_details"),
    mixed_json("questions", "tags"),
    mixed_json("work_queue", "result"),
    Trap(
        "JSON with a key twice and a number that no float holds",
        "SELECT count(*) FROM question_history WHERE json_valid(metadata) AND instr(metadata,"
        " '9007199254740993')",
        ["""UPDATE question_history SET metadata = '{"run":1,"run":2,"n":9007199254740993}' WHERE id = 5"""],
    ),
    Trap(
        "text that looks like JSON and is none",
        "SELECT count(*) FROM questions WHERE videos LIKE '{%' AND NOT json_valid(videos)",
        ["UPDATE questions SET videos = '{''shortVideo'': None}' WHERE rowid = 21"],
    ),
    dangling("channel_mappings", "question_id", "questions", "'no-such-question'"),
    dangling("question_relationships", "target_question_id", "questions", "'gone-1'"),
    dangling("user_sessions", "user_id", "users", "'00000000-0000-4000-a000-000000000000'"),
    contained("a JSON list", "voice_sessions", "question_ids", "questions", """'"' || p.id || '"'"""),
    contained("a JSON list", "learning_paths", "question_ids", "questions", """'"' || p.id || '"'"""),
    contained("a JSON object", "user_sessions", "session_data", "questions",
    """'"current":"' || p.id || '"'"""),
    contained("a comma list", "certifications", "prerequisites", "certifications", "p.id || ','"),
    contained("a URL", "questions", "source_url", "questions", "'/question/' || p.id"),
    Trap(
        "an id inside JSON that no row has",
        "SELECT count(*) FROM voice_sessions v, json_each(v.question_ids) e"
        " WHERE e.value NOT IN (SELECT id FROM questions)",
        ["""UPDATE voice_sessions SET question_ids = '["no-such-question"]' WHERE rowid = 7"""],
    ),
    either("work_queue", "item_type", "item_id", _ITEMS),
    either("bot_ledger", "item_type", "item_id", _ITEMS),
    either("question_history", "question_type", "question_id", _HISTORY),
    Trap(
        "a question related to itself, and two to each other",
        "SELECT count(*) >= 3 FROM question_relationships a JOIN question_relationships b"
        " ON a.source_question_id = b.target_question_id AND a.target_question_id = b.source_question_id",
        [
            "UPDATE question_relationships SET target_question_id = source_question_id WHERE id = 1",
            "UPDATE question_relationships SET (source_question_id, target_question_id) ="
            " (SELECT r.target_question_id, r.source_question_id FROM question_relationships r WHERE"
            " r.id = 3)"
            " WHERE id = 2",
        ],
    ),
    Trap(
        "a word in a column of numbers",
        "SELECT count(*) FROM question_relationships WHERE typeof(strength) = 'text'",
        ["UPDATE question_relationships SET strength = 'high' WHERE id = 12"],
    ),
    Trap(
        "two rows under a key that should be unique",
        "SELECT count(*) FROM (SELECT 1 FROM channel_mappings GROUP BY channel_id, sub_channel, question_id"
        " HAVING count(*) > 1)",
        ["INSERT INTO channel_mappings (channel_id, sub_channel, question_id)"
         " SELECT channel_id, sub_channel, question_id FROM channel_mappings WHERE id = 1"],
    ),
)  # fmt: skip

RECIPE = Recipe(
    rows=ROWS,
    clock="%Y-%m-%dT%H:%M:%S%.3fZ",
    words=WORDS,
    traps=TRAPS,
    keys={
        "users": uuids("user"), "user_sessions": uuids("session"),
        "questions": slugs("alg", "sys", "ops", "fe"), "voice_sessions": slugs("voice"),
        "certifications": slugs("cert-cloud", "cert-data"), "learning_paths": slugs("path"),
    },
    references={"user_sessions.user_id": "users", "user_sessions.certification_id": "certifications"},
    either={
        "work_queue": ("item_type", "item_id", _ITEMS),
        "bot_ledger": ("item_type", "item_id", _ITEMS),
        "question_history": ("question_type", "question_id", _HISTORY),
    },
    inside={
        "voice_sessions.question_ids": Inside('["{}","{}","{}"]', ("questions",) * 3),
        "learning_paths.question_ids": Inside('["{}","{}","{}","{}"]', ("questions",) * 4),
        "learning_paths.prerequisites": Inside('["{}"]', ("learning_paths",)),
        "certifications.prerequisites": Inside("{},{}", ("certifications",) * 2),
        "questions.source_url": Inside("https://app.example.org/question/{}", ("questions",)),
        "user_sessions.session_data": Inside('{"current":"{}","done":["{}"]}', ("questions",) * 2),
    },
    before_traps=_VIEWS,
    after_traps=_TRIGGERS,
)  # fmt: skip
