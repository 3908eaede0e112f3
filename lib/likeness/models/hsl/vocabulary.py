"""Words and their numbers: lower case, rare words unknown, ends marked as the published code marks them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

#: Numbers of what is no word.
PAD, UNKNOWN, START, END = 0, 1, 2, 3
_FIRST: Final = 4
#: A word that occurs less often in the training texts is unknown (section 3.1.2).
LEAST: Final = 5


@dataclass(frozen=True)
class Vocabulary:
    """Numbers of words from 4 on; 0 pads, 1 is any unknown word, 2 and 3 mark the ends of a text.

    ends : whether the marks are put around a text, as the published code does, which also counts them in the mean
    """

    numbers: dict[str, int]
    ends: bool = True

    @classmethod
    def of(cls, texts: Iterable[str], *, least: int = LEAST, ends: bool = True) -> Self:
        """Words of the training texts that occur `least` times or more, the most frequent first.

        >>> Vocabulary.of(["red tee", "Red hat"], least=2).numbers
        {'red': 4}
        """
        count = Counter(word for text in texts for word in tokens(text))
        kept = sorted((word for word, many in count.items() if many >= least), key=lambda w: (-count[w], w))
        return cls({word: number for number, word in enumerate(kept, start=_FIRST)}, ends)

    def encode(self, text: str) -> list[int]:
        """Numbers of the words of a text; a text without a word is one unknown word.

        >>> Vocabulary({"red": 4}).encode("RED umbrella")
        [2, 4, 1, 3]
        """
        words = [self.numbers.get(word, UNKNOWN) for word in tokens(text)] or [UNKNOWN]
        return [START, *words, END] if self.ends else words

    def __len__(self) -> int:
        """Number of rows of an embedding of it."""
        return len(self.numbers) + _FIRST


def tokens(text: str) -> list[str]:
    """Words of a text: lower case, split at white space."""
    return text.lower().split()
