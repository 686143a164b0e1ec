"""The commonest words of German and English: alone they find nearly every post. Folded to their plain form."""

from __future__ import annotations

from rules.folding import fold

_GERMAN = """
aber alle als also am an auch auf aus bei beim bin bis bist da damit dann das dass dein dem den denn der des die dies
diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines er es etwas euch fuer für
gegen hab habe haben hat hatte hier hin ich ihm ihn ihnen ihr ihre im immer in ins ist ja jetzt kann kein keine man
mehr mein meine mich mir mit nach nicht nichts noch nun nur ob oder ohne schon sehr sein seine sich sie sind so soll
über um und uns unser unter vom von vor war waren was weil wenn wer werden wie wieder will wir wird wo zu zum zur
"""
_ENGLISH = """
a about after all also am an and any are as at be because been but by can could did do does don for from get had has
have he her here him his how i if in into is it its just like me more my new no not now of on one only or our out over
she so some than that the their them then there these they this those to up us very was we were what when which who
will with would you your
"""

COMMON_WORDS = {
    language: frozenset(fold(word).plain for word in words.split())
    for language, words in (("de", _GERMAN), ("en", _ENGLISH))
}
STOP_WORDS = COMMON_WORDS["de"] | COMMON_WORDS["en"]
