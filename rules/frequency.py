"""How frequent words are in posts, so that a query waits for the rarest of the words that it requires.

Without texts to learn from, two short lists in falling order stand for German and English; by Zipf's law (Human
Behavior and the Principle of Least Effort, 1949) the word of rank r stands in about `2/r` of short posts that are half
German, half English. A word in neither list is rare, the more so the longer it is. The figures only order the words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rules.folding import spellings

_ENGLISH = """
the to and a of in is i it you for that on this with be my are at have was not but they so we as me your just or if
all what can out do like up from about an get will one no when he by has how time more now new go who there their
been would good had his know our she people her some see am love them us think need than don day really want its
which only then him make much back im were work did help going still because why here over even other also got
please first today way could never should right any off too into very after before down thing things great year
years again where best last every said say use using buy bought price order ordered service customer support phone
call app account online update issue problem problems broken working works fix error slow bad worst better free
money pay card bank delivery shipping store shop product products brand company review anyone recommend looking
question sale
"""
_GERMAN = """
die der und in das ich ist nicht zu den es sie ein mit auf so fur von dem wir auch wie eine man im sich was ihr an
er aber als noch du hat war nur dass des bei wenn sind aus da mal ja mich oder haben schon hier kann mir werden
einen doch nach um jetzt dann mehr am habe zum uns wird alle immer gut einem einer wieder zur vor bis heute durch
keine euch gibt diese viel sein hab kein machen geht muss weil dich wer uber unter also seine dir warum wird wurde
leute neue neu danke bitte ganz etwas leider nichts nie gerade dieser weiter ihre ohne jahr jahre tag zeit menschen
deutschland deutsche frau herr problem probleme frage fragen hilfe kaufen gekauft kauf preis bestellt bestellung
lieferung service kunde kunden support kundenservice hotline app konto geld bank karte versicherung handy telefon
internet online update fehler kaputt defekt geht funktioniert schlecht besser teuer billig empfehlen erfahrung
erfahrungen firma produkt produkte test marke laden geschaft
"""

_KNOWN_SHORT, _KNOWN_LONG = 0.004, 0.0005  # share of posts assumed for a word in neither list


class Frequencies:
    """The share of posts, 0-1, in which a folded word stands: learnt from `texts`, else from the built-in lists."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        counts: Counter[str] = Counter()
        read = 0
        for text in texts:
            counts.update(spellings(text))
            read += 1
        self._shares: Mapping[str, float] = {word: n / read for word, n in counts.items()} if read else _built_in()

    def share(self, word: str) -> float:
        """Estimated share; a word never met is rare but never free, and a short one is likelier than a long one."""
        return self._shares.get(word) or max(_KNOWN_LONG, _KNOWN_SHORT / max(1, len(word) - 1))


def _built_in() -> dict[str, float]:
    shares: dict[str, float] = {}
    for words in (_ENGLISH, _GERMAN):
        for rank, word in enumerate(words.split(), 1):
            shares[word] = max(shares.get(word, 0.0), min(0.7, 2 / rank))
    for word in ("ueber", "fuer", "geschaeft"):
        shares.setdefault(word, 0.05)
    return shares
