"""The fast path: RSS 0.9x-2.0, RSS 1.0 (RDF) and Atom 0.3/1.0 from a strict lxml tree.

It reads well-formed documents without DOCTYPE and gives up (Unsure) on whatever it does not know for certain; those go
to feedparser. Names and precedence follow RFC 4287, https://www.rssboard.org/rss-specification and
https://web.resource.org/rss/1.0/spec, and where these are silent what feedparser does.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lxml import etree

from sources.document import Document, Entry
from sources.feed_entry import absolute, as_markup, language, longest, mended, permalink
from sources.text import HTML_NAMES

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
_PREFIXES = dict.fromkeys(_CORE, "") | {
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
_ROOTS = {"rss": "rss", "rdf:rdf": "rdf", "feed": "atom"}
_ENTRIES = frozenset({"item", "entry"})
_TITLES = frozenset({"title", "dc:title"})
_TEXTS = frozenset({"summary", "abstract", "content", "itunes:summary"})  # plain unless a type says otherwise
_MARKUPS = frozenset({"description", "dc:description", "media:description", "content:encoded", "fullitem"})
_BODIES = frozenset({"body", "xhtml:body"})
_CONTENTS = _TEXTS | _MARKUPS | _BODIES
_DIVS = frozenset({"div", "xhtml:div"})  # some wrap escaped HTML in a real <div>
_TEXT_CONSTRUCTS = _CONTENTS | _TITLES
_IDS = frozenset({"guid", "id"})
_PUBLISHED = frozenset({"published", "issued", "pubdate", "dcterms:issued"})
_UPDATED = frozenset({"updated", "modified", "lastbuilddate", "dc:date", "dcterms:modified"})
_CREATED = frozenset({"created", "dcterms:created"})
_AUTHORS = frozenset({"author", "dc:creator", "itunes:author", "dc:author"})
_PUBLISHERS = frozenset({"source", "news:source"})  # Bing has its own
_FIELDS = _TITLES | _CONTENTS | _IDS | _PUBLISHED | _UPDATED | _CREATED | _ENTRIES | {"link", "media:title", "image"}
_GROUPS = frozenset({"media:group", "media:content"})  # their children say things of the entry
_APART = frozenset({"source"})  # its title and link are not the entry's

_XML = "{http://www.w3.org/XML/1998/namespace}"
_RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_HTML_TYPES = frozenset({"html", "text/html", "xhtml", "application/xhtml+xml"})
_XHTML_TYPES = frozenset({"xhtml", "application/xhtml+xml"})


class Unsure(Exception):
    """The document is not well-formed, or holds something that this reader does not know for certain."""


def read_xml(text: str, url: str, *, recover: bool = False) -> Document:
    """Return the feed in a decoded document without XML declaration; links are made absolute against `url`.

    recover: the last resort for documents that are not well-formed, read as far as libxml2 mends them. Raises Unsure.
    """
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise Unsure(str(error)) from error
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        raise Unsure("nothing but a DOCTYPE" if root is None else "a DOCTYPE")
    document = _Reader(root, url, has_bases="base=" in text or "base =" in text).document()
    return replace(document, damaged=recover)


@dataclass(slots=True)
class _Fields:
    """What the children of one entry say, gathered in document order."""

    id: str | None = None
    link: str | None = None
    other_link: str | None = None
    permalink: str | None = None
    title: str = ""
    media_title: str = ""
    published: str | None = None
    updated: str | None = None
    created: str | None = None
    author: str | None = None
    lang: str | None = None
    comments: str | None = None
    reply_to: str | None = None
    publisher: str | None = None


class _Reader:
    """Reads one tree."""

    def __init__(self, root: etree._Element, url: str, *, has_bases: bool) -> None:
        self._root = root
        self._url = url
        self._has_bases = has_bases
        self._names: dict[str, str] = {}
        self._format = _ROOTS.get(self._name(root), "")

    def document(self) -> Document:
        if not self._format:
            raise Unsure(f"<{self._name(self._root)}> is the root")
        found = list(self._entries())  # before any is read: reading takes tags out of the tree
        entries = tuple(map(self._entry, found))
        if self._format == "rdf" and not entries:
            raise Unsure("RDF without items may be anything")
        title = lang = ""
        for child in self._head():
            name = self._name(child)
            title = title or (self._markup(child, is_plain=True) if name == "title" else "")
            lang = lang or (_said(child) if name in ("language", "dc:language") else "")
        return Document(
            format=self._format,
            entries=entries,
            title=title,
            lang=language(self._root.get(f"{_XML}lang")) or language(lang),
        )

    def _name(self, element: etree._Element) -> str:
        """Return the lower-case name with our prefix, or with the one written where nobody knows the namespace."""
        tag = str(element.tag)
        name = self._names.get(tag)
        if name is not None:
            return name
        namespace, _, local = tag.rpartition("}")
        known = _PREFIXES.get(namespace[1:].lower())
        if known is None and namespace:  # the same namespace may stand under several prefixes
            return (f"{element.prefix.lower()}:" if element.prefix else "") + local.lower()
        self._names[tag] = (known or "") + local.lower()
        return self._names[tag]

    def _head(self) -> Iterator[etree._Element]:
        """Yield the children of the feed itself."""
        for child in self._root:
            if self._name(child) == "channel":
                yield from child
            else:
                yield child

    def _entries(self) -> Iterator[etree._Element]:
        """Yield the entries wherever they stand, but for those that are part of some content."""
        for element in self._root.iter():
            if self._name(element) in _ENTRIES:
                if any(self._name(above) in _TEXT_CONSTRUCTS for above in element.iterancestors()):
                    raise Unsure("an entry within content")
                yield element

    def _entry(self, element: etree._Element) -> Entry:
        fields = _Fields(id=element.get(_RDF_ABOUT))
        contents: list[str] = []
        for child, name in self._children(element):
            if name in _CONTENTS:
                contents.append(self._markup(child, is_plain=name in _TEXTS, is_xhtml=name in _BODIES))
            elif name in _TITLES or name == "media:title":
                self._read_title(fields, child, name)
            else:
                self._read(fields, child, name)
        return Entry(
            id=fields.id,
            link=fields.link or absolute(permalink(fields.permalink), self._url) or fields.other_link,
            title=fields.title or fields.media_title,
            content=longest(contents),
            date=fields.published or fields.updated or fields.created,
            author=fields.author,
            lang=language(element.get(f"{_XML}lang")) or language(fields.lang),
            thread=fields.reply_to or fields.comments,
            publisher=fields.publisher,
        )

    def _children(self, element: etree._Element) -> Iterator[tuple[etree._Element, str]]:
        for child in element:
            name = self._name(child)
            if name in _GROUPS:
                yield from self._children(child)
            elif name not in _ENTRIES:
                self._check(child, name)
                yield child, name

    def _check(self, child: etree._Element, name: str) -> None:
        """Raise Unsure where a field stands in an element that we know nothing of."""
        if len(child) == 0 or name in _CONTENTS or name in _TITLES or name in _APART:
            return
        if name in _FIELDS or any(self._name(below) in _FIELDS for below in child.iterdescendants()):
            raise Unsure(f"<{name}> holds elements")

    def _read_title(self, fields: _Fields, child: etree._Element, name: str) -> None:
        value = self._markup(child, is_plain=True)
        if name == "media:title":
            fields.media_title = fields.media_title or value
        else:
            fields.title = fields.title or value

    def _read(self, fields: _Fields, child: etree._Element, name: str) -> None:
        if name == "link":
            self._read_link(fields, child)
        elif name in _IDS:
            fields.id = _said(child) or fields.id
            is_permalink = (_attribute(child, "ispermalink") or "true") == "true"
            fields.permalink = fields.id if is_permalink else fields.permalink
        elif name in _PUBLISHED:
            fields.published = _said(child) or fields.published
        elif name in _UPDATED:
            fields.updated = _said(child) or fields.updated
        elif name in _CREATED:
            fields.created = _said(child) or fields.created
        else:
            self._read_about(fields, child, name)

    def _read_about(self, fields: _Fields, child: etree._Element, name: str) -> None:
        """Read what is said about the entry: author, language, thread."""
        if name in _AUTHORS:
            fields.author = fields.author or self._person(child)
        elif name == "dc:language":
            fields.lang = _said(child)
        elif name == "comments":
            fields.comments = absolute(_said(child), self._base(child))
        elif name == "thr:in-reply-to":
            fields.reply_to = fields.reply_to or child.get("ref")
        elif name in _PUBLISHERS:
            fields.publisher = fields.publisher or self._publisher(child)

    def _read_link(self, fields: _Fields, child: etree._Element) -> None:
        href = _attribute(child, "url") or _attribute(child, "uri") or _attribute(child, "href")
        if not href:
            fields.link = absolute(_said(child), self._base(child)) or fields.link
            return
        if (_attribute(child, "rel") or "alternate").lower() != "alternate":
            return
        link = absolute(href, self._base(child))
        if (_attribute(child, "type") or "text/html").lower() in _HTML_TYPES:
            fields.link = link or fields.link
        else:
            fields.other_link = fields.other_link or link

    def _person(self, element: etree._Element) -> str | None:
        for child in element:
            if self._name(child) in ("name", "itunes:name"):
                return _said(child) or None
        return _said(element) or None

    def _publisher(self, element: etree._Element) -> str | None:
        """Return the name in RSS; in Atom the title among what is said about the other feed."""
        named = element if len(element) == 0 else next((each for each in element if self._name(each) == "title"), None)
        return (_said(named) or None) if named is not None else None

    def _base(self, element: etree._Element) -> str:
        """Return the address that links of element are relative to (https://www.w3.org/TR/xmlbase/)."""
        base = self._url
        if self._has_bases:
            for part in reversed([element, *element.iterancestors()]):
                base = absolute(part.get(f"{_XML}base") or part.get("base"), base) or base
        return base

    def _markup(self, element: etree._Element, *, is_plain: bool, is_xhtml: bool = False) -> str:
        """Return what a text construct says, as HTML or as text. Raises Unsure for types that hold something else."""
        kind = "xhtml" if is_xhtml else "text" if is_plain else "html"
        if element.attrib:
            kind = kind if is_xhtml else (_attribute(element, "type") or kind).lower()
            if _attribute(element, "mode") == "base64" or not _is_text(kind) or _attribute(element, "src"):
                raise Unsure(f"content of type {kind}")
        if len(element) or kind in _XHTML_TYPES:
            if kind.endswith("xml") and kind not in _XHTML_TYPES:
                raise Unsure(f"elements within content of type {kind}")
            if kind in ("html", "text/html") and {self._name(below) for below in element.iterdescendants()} <= _DIVS:
                return mended(_said(element))
            return mended(_inner(element))
        text = mended((element.text or "").strip())
        is_literal = self._format == "atom" and kind in ("text", "text/plain", "plain")
        return as_markup(text) if is_literal else text


def _is_text(kind: str) -> bool:
    return kind in ("text", "html", "xhtml", "plain", "escaped") or kind.startswith("text/") or kind.endswith("xml")


def _inner(element: etree._Element) -> str:
    """Return the content of element as markup; tags that are no HTML are left out, what they hold stays."""
    strange = {str(below.tag) for below in element.iterdescendants()} - HTML_NAMES
    unknown = [tag for tag in strange if tag.rpartition("}")[2].lower() not in HTML_NAMES]
    if unknown:
        etree.strip_tags(element, *unknown)
    parts = [html.escape(element.text or "", quote=False)]
    parts.extend(etree.tostring(child, encoding="unicode", with_tail=True) for child in element)
    return "".join(parts).strip()


def _said(element: etree._Element) -> str:
    if len(element) == 0:
        return (element.text or "").strip()
    return "".join(str(part) for part in element.itertext()).strip()


def _attribute(element: etree._Element, name: str) -> str | None:
    """Return an attribute whatever its case."""
    value = element.get(name)
    if value is not None or not element.attrib:
        return value
    return next((str(found) for key, found in element.attrib.items() if str(key).lower() == name), None)
