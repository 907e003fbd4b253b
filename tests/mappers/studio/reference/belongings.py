"""Images, messages, connections and reviews, as the mapping document says."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.mappers.studio.reference import cleaning
from tests.mappers.studio.reference.people import CONTACTS, MESSAGES, Book, Person, Row
from tests.mappers.studio.reference.profiles import _settle


def images(book: Book) -> None:
    base = book.settings.images.base_url
    for person in book.people:
        _settle(person)
    pictures: dict[int, list[tuple[Any, Row]]] = defaultdict(list)
    with_gallery: set[int] = set()
    for row in book.legacy["studio_gallery"]:
        person = book.who("users", row["#user_id"])
        avatar = (cleaning.text(row["image_type"]) or "").lower() == "avatar"
        address = cleaning.image_url(row["cloudinary_url"], row["image_filename"], base)
        if person is not None:
            with_gallery.add(id(person))
        if person is None:
            book.fate("studio_gallery", row["id"], "rejected", "unknown_user")
        elif not person.studio and not avatar:
            book.fate("studio_gallery", row["id"], "rejected", "no_studio")
        elif address is None:
            book.fate("studio_gallery", row["id"], "rejected", "no_image")
        else:
            if avatar:
                book.fate("studio_gallery", row["id"], "merged", "avatar")
            order = (not cleaning.boolean(row["is_primary"]), row["#display_order"] or 0, row["#id"])
            made = {"avatar": avatar, "url": address, "id": book.ids.derive("studio_gallery", row["id"])}
            pictures[id(person)].append((order, made))
    for person in book.people:
        own = pictures[id(person)]
        if id(person) not in with_gallery:
            own = _from_meta(book, person)
        own.sort(key=lambda pair: pair[0])
        person.avatar = next((made["url"] for _, made in own if made["avatar"]), None)
        shown = [made for _, made in own if not made["avatar"]] if person.studio else []
        for n, made in enumerate(shown):
            suffix = f" ({n + 1})" if n else ""
            book.tables["studio_images"].append(
                {
                    "id": made["id"],
                    "studio_id": book.studio_id(person),
                    "image_url": made["url"],
                    "alt_text": f"Photo of {person.studio_name}{suffix}",
                    "sort_order": n,
                }
            )


def _from_meta(book: Book, person: Person) -> list[tuple[Any, Row]]:
    found: list[tuple[Any, Row]] = []
    for n in range(1, 11):
        key = "avatar_image" if n == 1 else f"avatar_image{n}"
        value = person.fact(key)
        if value is not None:
            space, number = person.ids[0]
            new_id = book.ids.derive("studio_images", f"{space}:{number}:{key}")
            address = cleaning.image_url(value, value, book.settings.images.base_url)
            found.append(((n,), {"avatar": n == 1, "url": address, "id": new_id}))
    return found


def messages(book: Book) -> None:
    first = {row["id"] for row in book.legacy["messages"]}
    for table, space in MESSAGES.items():
        entity = "messages" if space == "users" else table
        for row in book.legacy[table]:
            sender, receiver = book.who(space, row["#from_user"]), book.who(space, row["#to_user"])
            content = cleaning.text(row["message"])
            if table == "shows_messages" and row["id"] in first:
                book.fate(table, row["id"], "merged", "same_id")
            elif sender is None or receiver is None:
                book.fate(table, row["id"], "rejected", "unknown_user")
            elif content is None:
                book.fate(table, row["id"], "rejected", "empty_message")
            elif cleaning.boolean(row["deleted"]) and not book.settings.messages.keep_deleted:
                book.fate(table, row["id"], "excluded", "deleted")
            else:
                book.tables["messages"].append(
                    {
                        "id": book.ids.derive(entity, row["id"]),
                        "sender_id": book.user_id(sender),
                        "receiver_id": book.user_id(receiver),
                        "subject": None,
                        "content": content,
                        "is_read": cleaning.boolean(row["read"]),
                        "created_at": cleaning.timestamp(row["date"])
                        or max(sender.created, receiver.created),
                    }
                )


def connections(book: Book) -> None:
    pairs: dict[frozenset[int], tuple[str, Row, Person, Person]] = {}
    accepted: set[frozenset[int]] = set()
    for table, space in CONTACTS.items():
        for row in book.legacy[table]:
            one, other = book.who(space, row["#user1"]), book.who(space, row["#user2"])
            if one is None or other is None:
                book.fate(table, row["id"], "rejected", "unknown_user")
            elif one is other:
                book.fate(table, row["id"], "merged", "self")
            else:
                pair = frozenset((id(one), id(other)))
                if pair in pairs:
                    book.fate(table, row["id"], "merged", "same_pair")
                else:
                    pairs[pair] = (table, row, one, other)
                if cleaning.boolean(row["accepted"]):
                    accepted.add(pair)
    for pair, (table, row, one, other) in pairs.items():
        ways = [(one, other, row["id"])]
        if pair in accepted:
            ways.append((other, one, f"{row['id']}:back"))
        for user, connected, key in ways:
            book.tables["user_connections"].append(
                {
                    "id": book.ids.derive(table, key),
                    "user_id": book.user_id(user),
                    "connected_user_id": book.user_id(connected),
                    "accepted": pair in accepted,
                    "created_at": max(one.created, other.created),
                }
            )


def reviews(book: Book) -> None:
    table = "shows_comments"
    owners: dict[int, Person] = {}
    replies: dict[int, list[tuple[Any, Row, Person]]] = defaultdict(list)
    for row in book.legacy[table]:
        if _is_review(row):
            author = book.who("users", row["#user_id"])
            page = (row["page"] or "").strip(" ")
            owner = book.who("users", int(page)) if page.isascii() and page.isdigit() else None
            if author is None:
                book.fate(table, row["id"], "rejected", "unknown_user")
            elif owner is None or not owner.studio:
                book.fate(table, row["id"], "rejected", "no_studio")
            else:
                owners[row["#id"]] = owner
                status = {"0": "PENDING", "1": "APPROVED", "2": "REJECTED"}
                book.tables["reviews"].append(
                    {
                        "id": book.ids.derive(table, row["id"]),
                        "studio_id": book.studio_id(owner),
                        "reviewer_id": book.user_id(author),
                        "owner_id": book.user_id(owner),
                        "rating": book.settings.reviews.rating,
                        "content": cleaning.text(row["content"]),
                        "is_anonymous": False,
                        "status": status.get((row["status"] or "").strip(), "PENDING"),
                        **_dates(row, author, owner),
                    }
                )
    for row in book.legacy[table]:
        if _is_review(row):
            continue
        author, owner = book.who("users", row["#user_id"]), owners.get(row["#parent"])
        if author is None:
            book.fate(table, row["id"], "rejected", "unknown_user")
        elif owner is None or author is not owner:
            book.fate(table, row["id"], "excluded", "reply_not_by_owner")
        elif cleaning.text(row["content"]) is None:
            book.fate(table, row["id"], "rejected", "empty_reply")
        else:
            at = cleaning.timestamp(row["date"])
            replies[row["#parent"]].append(((at is None, at or 0, row["#id"]), row, author))
    for review, found in replies.items():
        found.sort(key=lambda reply: reply[0])
        for n, (_, row, author) in enumerate(found):
            if n:
                book.fate(table, row["id"], "excluded", "reply_not_by_owner")
                continue
            book.tables["review_responses"].append(
                {
                    "id": book.ids.derive(table, row["id"]),
                    "review_id": book.ids.derive(table, review),
                    "author_id": book.user_id(author),
                    "content": cleaning.text(row["content"]),
                    **_dates(row, author, author),
                }
            )


def _is_review(row: Row) -> bool:
    return row["parent"] is None or row["#parent"] == 0


def _dates(row: Row, one: Person, other: Person) -> Row:
    created = cleaning.timestamp(row["date"]) or max(one.created, other.created)
    return {"created_at": created, "updated_at": cleaning.timestamp(row["updated"]) or created}
