"""The names of elements in feeds, in lower case and with our prefixes, by what they say of an entry."""

from __future__ import annotations

_CORE = (
    "http://backend.userland.com/rss2",
    "http://backend.userland.com/rss",
    "http://blogs.law.harvard.edu/tech/rss",
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/rdf/simple/0.9/",
    "http://purl.org/rss/1.0/modules/rss091#",
    "http://purl.org/atom/ns#",
    "http://www.w3.org/2005/atom",
)
PREFIXES = dict.fromkeys(_CORE, "") | {
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dcterms:",
    "http://search.yahoo.com/mrss": "media:",
    "http://search.yahoo.com/mrss/": "media:",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://www.w3.org/1999/xhtml": "xhtml:",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
    "http://purl.org/syndication/thread/1.0": "thr:",
}
ROOTS = {"rss": "rss", "rdf:rdf": "rdf", "feed": "atom"}
ENTRIES = frozenset({"item", "entry"})
TITLES = frozenset({"title", "dc:title"})
TEXTS = frozenset({"summary", "abstract", "content", "itunes:summary"})  # plain unless a type says otherwise
MARKUPS = frozenset({"description", "dc:description", "media:description", "content:encoded", "fullitem"})
BODIES = frozenset({"body", "xhtml:body"})
CONTENTS = TEXTS | MARKUPS | BODIES
DIVS = frozenset({"div", "xhtml:div"})  # some wrap escaped HTML in a real <div>
TEXT_CONSTRUCTS = CONTENTS | TITLES
IDS = frozenset({"guid", "id"})
PUBLISHED = frozenset({"published", "issued", "pubdate", "dcterms:issued"})
UPDATED = frozenset({"updated", "modified", "lastbuilddate", "dc:date", "dcterms:modified"})
CREATED = frozenset({"created", "dcterms:created"})
AUTHORS = frozenset({"author", "dc:creator", "itunes:author", "dc:author"})
PUBLISHERS = frozenset({"source", "news:source"})  # Bing has its own
FIELDS = TITLES | CONTENTS | IDS | PUBLISHED | UPDATED | CREATED | ENTRIES | {"link", "media:title", "image"}
GROUPS = frozenset({"media:group", "media:content"})  # their children say things of the entry
_APART = frozenset({"source"})  # its title and link are not the entry's
HOLDERS = CONTENTS | TITLES | _APART | GROUPS | ENTRIES  # they may hold elements
