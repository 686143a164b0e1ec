"""Guidelines: per label, language and watchlist a reply to start from and advice, in templates of the operator's.

A template is a text with Jinja2's `{{ variable }}`, `{% if %}` and a few filters, nothing that repeats, multiplies or
calls: so its cost and length are bounded by what stands in it. What strangers wrote comes in as values only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

from pydantic import AfterValidator, Field

from alerts.base import Context, Proposal
from alerts.excerpt import clean, cut, web_link
from alerts.guideline_texts import OWN_KINDS, TEXTS, GuidelineTexts
from alerts.words import WORDS
from rules.base import Label, Mention, WatchlistKind
from sources.base import Clock, Name, Settings

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

LONGEST_TEMPLATE: Final = 10_000  # characters
LONGEST_REPLY: Final = 4_000
OTHER_LANGUAGES: Final = "en"  # what ships for languages that nothing ships for

NOTHING_KNOWN: Final = Context()

# What a template may name, and what it is.
VARIABLES: Final[Mapping[str, str]] = {
    "author": 'as the source states it; "" where it does not',
    "brand": "the first of the watchlist's names, else its name",
    "product": 'the same where the watchlist is of the kind product, else ""',
    "watchlist": "its name",
    "label": "the most severe label, in words",
    "source": "its name",
    "url": 'of the post; "" where it has none',
    "days": "since the post was published, whole ones",
    "rating": "on the portal's own scale; none where there is none",
    "earlier": "cases of the same person before this one, how many",
    "personal": "whether the post holds personal data",
    "private": "the sentence that asks to go on in private",
    "facts": "what is true, of the guideline's `facts`",
}
FILTERS: Final = ("capitalize", "default", "int", "lower", "round", "title", "trim", "truncate", "upper")


def _check_language(value: str) -> str:
    if not (len(value) == 2 and value.isascii() and value.isalpha() and value.islower()):
        raise ValueError("a language by its two letters, such as de or en")
    return value


Lang = Annotated[str, AfterValidator(_check_language)]
TemplateText = Annotated[str, Field(max_length=LONGEST_TEMPLATE)]


class GuidelineSettings(Settings):
    """One guideline. Without a label it holds for every one but a crisis, without watchlist and kind for brands and
    products."""

    label: Label | None = Field(
        None, description="for mentions whose most severe label this is; left out: any but crisis"
    )
    lang: Lang | None = Field(None, description="for posts in this language; left out: any")
    watchlist: Name | None = Field(None, description="for mentions of this watchlist; left out: any")
    watchlist_kind: WatchlistKind | None = Field(
        None, description="for watchlists of this kind; left out: brand and product"
    )
    reply: TemplateText | None = Field(None, description='the reply to start from, a template; "": none')
    advice: TemplateText | None = Field(None, description='how to go about it, a template; "": none')
    facts: str | None = Field(None, max_length=LONGEST_REPLY, description="what is true, where an untruth is corrected")


class TemplateError(Exception):
    """A template that cannot be used; `line` counts from 1 within it."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Guidelines:
    """The operator's guidelines before those that ship; of each the most specific one that says something wins."""

    def __init__(self, settings: Sequence[GuidelineSettings], clock: Clock) -> None:
        self._entries = [*sorted(settings, key=_generality), *sorted(_shipped(), key=_generality)]
        self._clock = clock

    def propose(self, mention: Mention, context: Context = NOTHING_KNOWN) -> Proposal:
        """A reply and advice for one mention; an empty Proposal where there is nothing to say."""
        fitting = [one for one in self._entries if _fits(one, mention)]
        reply = next((one.reply for one in fitting if one.reply is not None), "")
        advice = next((one.advice for one in fitting if one.advice is not None), "")
        facts = next((one.facts for one in fitting if one.facts is not None), "")
        earlier = context.case.earlier_by_person if context.case else 0
        values = _values(mention, facts, self._clock()) | {"earlier": earlier}
        said = render(reply, values)
        if said and mention.personal and "private" not in names_of(reply):
            said = f"{said} {values['private']}"
        return Proposal(said, render(advice, values))


def _fits(guideline: GuidelineSettings, mention: Mention) -> bool:
    """Nobody means a competitor, or a crisis, without saying so."""
    label, kind = _label(mention), mention.watchlist.kind
    if label is Label.CRISIS and guideline.label is None:
        return False
    if kind not in OWN_KINDS and guideline.watchlist is None and guideline.watchlist_kind is None:
        return False
    wanted = (
        (guideline.label, label),
        (guideline.lang, _language(mention)),
        (guideline.watchlist, mention.watchlist.name),
        (guideline.watchlist_kind, kind),
    )
    return all(asked is None or asked == given for asked, given in wanted)


def _generality(guideline: GuidelineSettings) -> tuple[bool, ...]:
    """What sorts the most specific first, in the order of what narrows most; sorting keeps the order of the file."""
    narrowed = (guideline.watchlist, guideline.watchlist_kind, guideline.label, guideline.lang)
    return tuple(one is None for one in narrowed)


def _label(mention: Mention) -> Label | None:
    first = mention.verdict.tags[0] if mention.verdict.tags else ""
    return Label(first) if first in set(Label) else None


def _language(mention: Mention) -> str:
    return mention.verdict.lang if mention.verdict.is_classified else mention.post.lang or mention.verdict.lang


def _texts(mention: Mention) -> GuidelineTexts:
    return TEXTS.get(_language(mention), TEXTS[OTHER_LANGUAGES])


@cache
def _shipped() -> tuple[GuidelineSettings, ...]:
    """In each language, then once more without one, for all others."""
    languages = [*TEXTS.items(), (None, TEXTS[OTHER_LANGUAGES])]
    return tuple(entry for lang, texts in languages for entry in _shipped_in(lang, texts))


def _shipped_in(lang: str | None, texts: GuidelineTexts) -> Iterator[GuidelineSettings]:
    def entry(reply: str, advice: str, kind: WatchlistKind, label: Label | None = None) -> GuidelineSettings:
        return GuidelineSettings(
            label=label,
            lang=lang,
            watchlist=None,
            watchlist_kind=kind,
            reply=reply,
            advice=advice,
            facts=texts.facts,
        )

    for label in Label:
        for kind in OWN_KINDS:
            yield entry(texts.replies.get(label, ""), texts.advice[label], kind, label)
    yield entry("", texts.advice[Label.CRISIS], WatchlistKind.CLAIM, Label.CRISIS)
    yield entry(texts.claim_reply, texts.claim_advice, WatchlistKind.CLAIM)
    yield entry("", texts.competitor_advice, WatchlistKind.COMPETITOR)
    yield entry("", texts.topic_advice, WatchlistKind.TOPIC)


def _values(mention: Mention, facts: str, now: datetime) -> dict[str, Any]:
    """The variables, cleaned and cut: they are what strangers wrote."""
    post, watchlist, label = mention.post, mention.watchlist, _label(mention)
    brand = watchlist.names[0].lstrip("@") if watchlist.names else watchlist.name
    words = WORDS["de" if _language(mention) == "de" else "en"]
    return {
        "author": cut(clean(post.author or "").strip(), 80),
        "brand": brand,
        "product": brand if watchlist.kind is WatchlistKind.PRODUCT else "",
        "watchlist": watchlist.name,
        "label": words.labels[label] if label else "",
        "source": clean(post.source),
        "url": web_link(post.url) or "",
        "days": max(0, (now - post.published_at).days),
        "rating": post.rating,
        "personal": bool(mention.personal),
        "private": _texts(mention).private,
        "facts": facts,
    }


def render(text: str, values: Mapping[str, Any]) -> str:
    """The template filled in, as one text without white space around it; "" where it cannot be."""
    if not text:
        return ""
    try:
        return cut(_compiled(text).render(values).strip(), LONGEST_REPLY)
    except (ArithmeticError, TypeError, ValueError):  # jinja2 lets what an expression raises through
        return ""


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined)
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.globals = {}
    return environment


@cache
def _compiled(text: str) -> Template:
    return _environment().from_string(text)


@cache
def names_of(text: str) -> frozenset[str]:
    """The variables that a template names."""
    from jinja2 import meta

    return frozenset(meta.find_undeclared_variables(_environment().parse(text)))


class Suggest(Protocol):
    """`; did you mean "author"?` for a name and those there are."""

    def __call__(self, wrong: object, valid: Sequence[str], /) -> str: ...


def check_template(text: str, suggest: Suggest) -> None:
    """Read a template and fill it in with values of all kinds. Raises TemplateError."""
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(error.message or "is no template", error.lineno) from None
    except (RecursionError, ValueError):
        raise TemplateError("is nested too deeply, or has too long a number") from None
    _refuse_what_repeats(tree, suggest)
    for values in _SAMPLES:
        _try(text, values)


def _refuse_what_repeats(tree: Any, suggest: Suggest) -> None:
    from jinja2 import nodes

    for node in tree.find_all(nodes.Node):
        kind = type(node).__name__
        if kind not in _ALLOWED:
            allowed = "a guideline has text, {{ variables }}, {% if %} and filters"
            raise TemplateError(f"{_REFUSED.get(kind, kind)} is not allowed here: {allowed}", node.lineno)
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise TemplateError(f'no filter is called "{node.name}"{suggest(node.name, FILTERS)}', node.lineno)
        if isinstance(node, nodes.Name) and node.name not in VARIABLES:
            raise TemplateError(f'no variable is called "{node.name}"{suggest(node.name, [*VARIABLES])}', node.lineno)


_ALLOWED: Final = frozenset(
    ("Template", "Output", "TemplateData", "Name", "Const", "If", "CondExpr", "Compare", "Operand", "And", "Or", "Not")
) | {"Add", "Sub", "Neg", "Concat", "List", "Tuple", "Filter", "Test", "Keyword"}
_REFUSED: Final = {
    "For": "a loop",
    "Call": "a call",
    "Getattr": "a dot",
    "Getitem": "a bracket",
    "Mul": "a multiplication",
    "Pow": "a power",
    "Macro": "a macro",
    "Assign": "`set`",
    "Include": "`include`",
    "Import": "`import`",
    "FromImport": "`import`",
    "Extends": "`extends`",
}
_FULL: Final = {name: "text" for name in VARIABLES} | {"days": 3, "rating": 4.5, "earlier": 2, "personal": True}
_SAMPLES: Final = (_FULL, dict.fromkeys(VARIABLES, "") | {"days": 0, "rating": None, "earlier": 0, "personal": False})


def _try(text: str, values: Mapping[str, Any]) -> None:
    from jinja2 import TemplateError as AnyTemplateError

    try:
        _environment().from_string(text).render(values)
    except (AnyTemplateError, ArithmeticError, RecursionError, SyntaxError, TypeError, ValueError) as error:
        raise TemplateError(f"cannot be filled in: {error}", _line_of(error)) from None


def _line_of(error: Exception) -> int:
    """jinja2 puts the lines of the template into the traceback."""
    line, frame = 1, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return line
