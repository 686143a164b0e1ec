"""The fast path: RSS 0.9x-2.0, RSS 1.0 (RDF) and Atom 0.3/1.0 from a strict lxml tree.

It reads well-formed documents without DOCTYPE and gives up (Unsure) on whatever it does not know for certain; those go
to feedparser. Names and precedence follow RFC 4287, https://www.rssboard.org/rss-specification and
https://web.resource.org/rss/1.0/spec, and where these are silent what feedparser does.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import replace

from lxml import etree

from sources.document import Document, Entry
from sources.feed_entry import absolute, as_markup, is_absolute, language, longest, mended, permalink
from sources.feed_names import (
    AUTHORS,
    BODIES,
    CREATED,
    DIVS,
    ENTRIES,
    FIELDS,
    GROUPS,
    HOLDERS,
    IDS,
    MARKUPS,
    PREFIXES,
    PUBLISHED,
    PUBLISHERS,
    ROOTS,
    TEXT_CONSTRUCTS,
    TEXTS,
    TITLES,
    UPDATED,
)
from sources.text import HTML_NAMES

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
    return replace(_Reader(root, url).document(), damaged=recover)


class _Fields:
    """What the children of one entry say, gathered in document order."""

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

    def __init__(self, id: str | None) -> None:
        self.id = id
        self.contents: list[str] = []


class _Reader:
    """Reads one tree."""

    def __init__(self, root: etree._Element, url: str) -> None:
        self._root = root
        self._url = url
        self._names: dict[str, str] = {}  # of the tags that mean the same under every prefix
        self._format = ROOTS.get(self._name(root), "")

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
        known = PREFIXES.get(namespace[1:].lower())
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
        names, known = self._names, None
        for element in self._root.iter():
            if (names.get(element.tag) or self._name(element)) in ENTRIES:
                if (parent := element.getparent()) is not known:
                    self._check_place(element)
                    known = parent
                yield element

    def _check_place(self, element: etree._Element) -> None:
        if any(self._name(above) in TEXT_CONSTRUCTS for above in element.iterancestors()):
            raise Unsure("an entry within content")

    def _entry(self, element: etree._Element) -> Entry:
        fields = _Fields(element.get(_RDF_ABOUT))
        self._read_children(fields, element)
        return Entry(
            id=fields.id,
            link=fields.link or absolute(permalink(fields.permalink), self._url) or fields.other_link,
            title=fields.title or fields.media_title,
            content=longest(fields.contents),
            date=fields.published or fields.updated or fields.created,
            author=fields.author,
            lang=language(element.get(f"{_XML}lang")) or language(fields.lang),
            thread=fields.reply_to or fields.comments,
            publisher=fields.publisher,
        )

    def _read_children(self, fields: _Fields, element: etree._Element) -> None:
        names = self._names
        for child in element:
            name = names.get(child.tag) or self._name(child)
            if len(child) and name not in HOLDERS:
                self._check(child, name)
            if read := _READERS.get(name):
                read(self, fields, child)

    def _check(self, child: etree._Element, name: str) -> None:
        """Raise Unsure where a field stands in an element that we know nothing of."""
        if name in FIELDS or any(self._name(below) in FIELDS for below in child.iterdescendants()):
            raise Unsure(f"<{name}> holds elements")

    def _read_text(self, fields: _Fields, child: etree._Element) -> None:
        fields.contents.append(self._markup(child, is_plain=True))

    def _read_markup(self, fields: _Fields, child: etree._Element) -> None:
        fields.contents.append(self._markup(child, is_plain=False))

    def _read_body(self, fields: _Fields, child: etree._Element) -> None:
        fields.contents.append(self._markup(child, is_plain=False, is_xhtml=True))

    def _read_title(self, fields: _Fields, child: etree._Element) -> None:
        value = self._markup(child, is_plain=True)  # read even where there is one: it may be unsure
        fields.title = fields.title or value

    def _read_media_title(self, fields: _Fields, child: etree._Element) -> None:
        value = self._markup(child, is_plain=True)
        fields.media_title = fields.media_title or value

    def _read_id(self, fields: _Fields, child: etree._Element) -> None:
        fields.id = _said(child) or fields.id
        is_permalink = (_attributes(child).get("ispermalink") or "true") == "true"
        fields.permalink = fields.id if is_permalink else fields.permalink

    def _read_published(self, fields: _Fields, child: etree._Element) -> None:
        fields.published = _said(child) or fields.published

    def _read_updated(self, fields: _Fields, child: etree._Element) -> None:
        fields.updated = _said(child) or fields.updated

    def _read_created(self, fields: _Fields, child: etree._Element) -> None:
        fields.created = _said(child) or fields.created

    def _read_author(self, fields: _Fields, child: etree._Element) -> None:
        fields.author = fields.author or self._person(child)

    def _read_language(self, fields: _Fields, child: etree._Element) -> None:
        fields.lang = _said(child)

    def _read_comments(self, fields: _Fields, child: etree._Element) -> None:
        fields.comments = self._absolute(_said(child), child)

    def _read_reply(self, fields: _Fields, child: etree._Element) -> None:
        fields.reply_to = fields.reply_to or child.get("ref")

    def _read_publisher(self, fields: _Fields, child: etree._Element) -> None:
        fields.publisher = fields.publisher or self._publisher(child)

    def _read_link(self, fields: _Fields, child: etree._Element) -> None:
        attributes = _attributes(child)
        href = attributes.get("url") or attributes.get("uri") or attributes.get("href")
        if not href:
            fields.link = self._absolute(_said(child), child) or fields.link
            return
        if (attributes.get("rel") or "alternate").lower() != "alternate":
            return
        link = self._absolute(href.strip(), child)
        if (attributes.get("type") or "text/html").lower() in _HTML_TYPES:
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

    def _absolute(self, link: str, element: etree._Element) -> str | None:
        return link if is_absolute(link) else absolute(link, self._base(element))

    def _base(self, element: etree._Element) -> str:
        """Return the address that links of element are relative to (https://www.w3.org/TR/xmlbase/)."""
        base = self._url
        for part in reversed([element, *element.iterancestors()]):
            base = absolute(part.get(f"{_XML}base") or part.get("base"), base) or base
        return base

    def _markup(self, element: etree._Element, *, is_plain: bool, is_xhtml: bool = False) -> str:
        """Return what a text construct says, as HTML or as text. Raises Unsure for types that hold something else."""
        kind = "xhtml" if is_xhtml else "text" if is_plain else "html"
        if attributes := _attributes(element):
            kind = kind if is_xhtml else (attributes.get("type") or kind).lower()
            if attributes.get("mode") == "base64" or not _is_text(kind) or attributes.get("src"):
                raise Unsure(f"content of type {kind}")
        if len(element) or kind in _XHTML_TYPES:
            if kind.endswith("xml") and kind not in _XHTML_TYPES:
                raise Unsure(f"elements within content of type {kind}")
            if kind in ("html", "text/html") and {self._name(below) for below in element.iterdescendants()} <= DIVS:
                return mended(_said(element))
            return mended(_inner(element))
        text = mended((element.text or "").strip())
        is_literal = self._format == "atom" and kind in ("text", "text/plain", "plain")
        return as_markup(text) if is_literal else text


_READERS: dict[str, Callable[[_Reader, _Fields, etree._Element], None]] = {
    **dict.fromkeys(GROUPS, _Reader._read_children),
    **dict.fromkeys(TEXTS, _Reader._read_text),
    **dict.fromkeys(MARKUPS, _Reader._read_markup),
    **dict.fromkeys(BODIES, _Reader._read_body),
    **dict.fromkeys(TITLES, _Reader._read_title),
    "media:title": _Reader._read_media_title,
    "link": _Reader._read_link,
    **dict.fromkeys(IDS, _Reader._read_id),
    **dict.fromkeys(PUBLISHED, _Reader._read_published),
    **dict.fromkeys(UPDATED, _Reader._read_updated),
    **dict.fromkeys(CREATED, _Reader._read_created),
    **dict.fromkeys(AUTHORS, _Reader._read_author),
    "dc:language": _Reader._read_language,
    "comments": _Reader._read_comments,
    "thr:in-reply-to": _Reader._read_reply,
    **dict.fromkeys(PUBLISHERS, _Reader._read_publisher),
}


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


def _attributes(element: etree._Element) -> dict[str, str]:
    """Return the attributes by name in lower case; of several spellings that one, else the first."""
    written = [(str(name), str(value)) for name, value in element.items()]
    return {name.lower(): value for name, value in reversed(written)} | dict(written) if written else {}
