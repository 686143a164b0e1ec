"""What a query is once it is read: the nodes of its tree, and the exact meaning of each.

Words used below:

- A *text* of a post is its title or its text. A term without a field is looked for in both, each by itself: nothing
  (no phrase, NEAR, wildcard or regular expression) reaches from one text into the other.
- Tokens are those of `rules.folding.tokenize`. A *word* that is counted (NEAR, `~n`) is a token of the kind WORD or
  UNSPACED; symbols such as `#`, `&` and emoji are not counted.
- An *occurrence* of a term is where it stands: characters start..end of one text, from the start of its first token to
  the end of its last. All occurrences count, overlapping ones too.
- A query that matches has *spans*: the occurrences, in title and text, of every term that makes it true. For AND and
  OR these are the spans of the parts that are true. Two NOTs cancel; under one NOT nothing has spans.
- It also names its *terms found*, in the order of the query, each once (by `rules.query.term_of`): every term that has
  spans, also within NEAR and in the fields `title` and `text`; and, without spans, every other Field (`site:acme.com`)
  and Range (`rating:[1 TO 2]`) that is true.
- Brackets leave no node, and the nodes nest at most some 200 deep, so recursion over them is safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

# Their texts are searched for any kind of term: words, phrases, NEAR ... `links` are the addresses that a post links
# to: what matches (?i)\bhttps?://[^\s"'<>\\]+ in title, text and raw, without .,;:!?)]} at the end; each is a text by
# itself. A post without `url` or links does not match.
TEXT_FIELDS = ("title", "text", "url", "links")

# Compared as a whole, any case (NFKC, case folded, without surrounding space); a post without the value does not match.
#   author     also without `@`, `u/` or `/u/` at the beginning, in the query and in the post
#   site       the host of the post's url or a parent domain of it: `acme.com` finds blog.acme.com. In the url `[.]`,
#              `(.)`, `[dot]`, `(dot)` and ` dot ` stand for a dot, and hxxp for http. The value is in lower case,
#              without scheme, `www.`, path and port
#   source     the configured name of the source
#   lang       ISO 639-1; of the post's value what stands before `-` or `_`
#   kind       post, comment, review, article or message
#   thread     as the source states it
#   subreddit  the NAME in a url of reddit.com or a subdomain of it, with a path /r/NAME or /r/NAME/...; the value is
#              without `r/`
WHOLE_FIELDS = ("author", "site", "source", "lang", "kind", "thread", "subreddit")

RANGE_FIELDS = ("rating", "followers", "engagement")


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word as written, no whitespace: `acme`, `wi-fi`, `C++`, `#tag`, `@handle`, `$ACME`, `🔥`.

    Its tokens must stand side by side. Symbols are looked for literally; other punctuation only separates, so `wi-fi`
    is also found in `wi fi` and, its words run together, in `#wifi`. After `#` or `@` the name goes on over `_`.
    Case, accents and German spelling fold as `rules.folding` says.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A bare domain: `acme.com`, also where the query writes `acme[.]com`.

    What Word finds, and the same with the word `dot` for each of its dots, so also `acme[.]com` and `acme dot com`;
    `www.acme.com` and `https://acme.com/x` hold the words of the domain anyhow.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """What stands between quotes, as written, without them.

    slop None: its tokens in this order, side by side (symbols of the text between its words are passed over); the
    words run together after `#` are found too: `"acme phone"` finds #AcmePhone.

    slop n (`"acme phone"~3`): the text cut at whitespace gives at least two terms, each found as a Word. The phrase is
    found where one occurrence of each, in any order, in one text, lie so close that from the start of the first to
    the end of the last there are at most n words more than the phrase itself has. Its spans are all occurrences that
    are part of such a choice. No two of the terms fold to the same.
    """

    text: str
    slop: int | None = None  # 0-1000


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A pattern for one whole word: `*` any letters and digits, also none; `?` exactly one.

    Letters and digits are those of the word's folded forms: a pattern without accents is held against the plain and
    the German form of a token of the kind WORD, one with accents against the exact form, where an accent kept as a
    combining mark belongs to its letter. At least three letters or digits stand fixed. Only letters, digits, marks, `*`
    and `?`; never `**`. As the value of a field of WHOLE_FIELDS: the whole value, `*` any characters, `?` exactly one,
    at least one character fixed.
    """

    pattern: str


@dataclass(frozen=True, slots=True)
class Exact:
    """`{BT}`: the tokens of the text in this order, side by side, each exactly as written in case and accents.

    Compared without folding: composed (NFC), without the characters that folding ignores. Joints, symbols and word
    boundaries as for Word and Phrase; words run together after `#` are not found.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """`` `C++` ``: exactly these characters, case, spaces and punctuation included, nothing folded or normalised.

    Where the literal begins (ends) with a letter, digit or mark, none may stand directly before (after) it.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Regex:
    """`/pattern/`: RE2, any case, searched in the text as it is; `\\/` is kept as written.

    It does not match the empty text. Its occurrences are its matches from left to right, not overlapping, without
    those of no character.
    """

    pattern: str


@dataclass(frozen=True, slots=True)
class Near:
    """`left NEAR/n right`: an occurrence of each in one text, not overlapping, with at most n words between them.

    The words between are those that lie wholly between the end of the earlier and the start of the later one.
    `is_ordered` (`NEAR/nf`): left stands before right. Its spans are all occurrences that are part of such a pair.

    A NEAR within a NEAR stands where its spans stand: `(a NEAR/3 b) NEAR/9 c` wants c near an a or a b of such a pair.
    Once one of its spans in a text takes part, all its spans in that text count.
    """

    left: Operand
    right: Operand
    distance: int  # 0-1000
    is_ordered: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a field of WHOLE_FIELDS, as written (site, lang and kind in lower case)."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """`title:acme`: a term in one field only. AND, OR and NOT never stand within: `title:(a OR b)` is an Or of Fields.

    The part is a Value, Wildcard or Regex for WHOLE_FIELDS, anything but a Value for TEXT_FIELDS.
    """

    name: str  # of TEXT_FIELDS or WHOLE_FIELDS
    part: Term | Near | Value


@dataclass(frozen=True, slots=True)
class Range:
    """`rating:[1 TO 2]`, both ends included; None is open (`*`). A post without the value never matches."""

    field: str  # of RANGE_FIELDS
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Not:
    """True where the part is not."""

    part: Query


@dataclass(frozen=True, slots=True)
class And:
    """True where all parts are. An And may stand within an And, as written with brackets."""

    parts: tuple[Query, ...]  # at least two


@dataclass(frozen=True, slots=True)
class Or:
    """True where at least one part is."""

    parts: tuple[Query, ...]  # at least two


# What NEAR may hold: a plain term (of phrases only those without slop), another Near, or an Or of operands.
Plain: TypeAlias = "Word | Domain | Phrase | Wildcard | Exact | Literal"
Operand: TypeAlias = "Plain | Near | Or"
Term: TypeAlias = "Plain | Regex"
Query: TypeAlias = "Term | Near | Field | Range | Not | And | Or"
