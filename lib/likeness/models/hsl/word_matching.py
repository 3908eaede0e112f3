r"""Matching word by word, with captioning as a second task: rival [11] of Table 1 of HSL.

HSL describes [1] as transformers and image-word matching, "where image captioning is integrated as an extra task to
constrain the learned image representation". The code of [1] does so in two phases. First one layer of attention over
objects with boxes is trained to name the words of the text (multi-label) and to caption, by a GRU. Then most of it is
frozen: an image is four learned vectors, a word scores its largest inner product with them, and the text is the mean
of its words, weighted by an MLP of the word and the image; hinges with hardest and mined negatives, BERT's word
vectors. What stands here is **our reading** of HSL's description at the budget of the table: both losses at once.

References
----------
[1] Ding, Wu, Li, Yang, Wang, KDD-Cup-Multimodalities-Recall, 2020: reference [11] of HSL; code and a README.
[2] Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.hsl.encoders import Decoder, Transformer
from likeness.models.hsl.inputs import Images, Texts
from likeness.models.hsl.joint import Encoded, PlacedWords
from likeness.models.hsl.matcher import Matcher, Size, projection_matching
from likeness.models.hsl.vocabulary import END, PAD, START

#: The learned temperature starts where that of [2] does.
TEMPERATURE: Final = 0.07
#: Cosines of objects and words held at once: 128 MiB of float32.
HELD_TOGETHER: Final = 2**25


class WordMatching(Matcher):
    """Transformers on objects and on placed words; each word looks for its object; a decoder captions the objects.

    Parameters
    ----------
    captioning : weight of the captioning loss, 0 or more
    object_layers, text_layers : of the encoders, as many as HSL has
    caption_layers : of the decoder, which serves in training only
    """

    def __init__(
        self,
        size: Size,
        *,
        captioning: float = 1.0,
        object_layers: int = 6,
        text_layers: int = 4,
        caption_layers: int = 2,
    ) -> None:
        super().__init__()
        if not 0.0 <= captioning < math.inf:
            raise ValueError(f"captioning {captioning}: expected a finite weight of 0 or more")
        self.captioning = captioning
        self.object_in = nn.Linear(size.features, size.width)
        self.object_encoder = Transformer(size, object_layers)
        self.words = PlacedWords(size)
        self.text_encoder = Transformer(size, text_layers)
        self.of_object = nn.Linear(size.width, size.embed)
        self.of_word = nn.Linear(size.width, size.embed)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(TEMPERATURE)))
        self.decoder = Decoder(size, caption_layers)
        self.next_word = nn.Linear(size.width, size.words)

    def encode_images(self, images: Images) -> Encoded:
        """Objects after their transformer."""
        return Encoded(self.object_encoder(self.object_in(images.objects), images.present), images.present)

    def similarities(self, images: Images, texts: Texts) -> Tensor:
        """See `word_similarity`, times the learned scale: (N, T) in [-scale, scale]."""
        return self._match(self.encode_images(images), texts)

    def loss(self, images: Images, texts: Texts, same: Tensor) -> Tensor:
        """Projection matching over the images of the batch, plus `captioning` times the loss of `caption_loss`.

        Of one pair, or of equal texts, the first is 0: captioning alone is learned.
        """
        objects = self.encode_images(images)
        matching = projection_matching(self._match(objects, texts), same, "images")
        return matching + self.captioning * self.caption_loss(objects, texts)

    def caption_loss(self, objects: Encoded, texts: Texts) -> Tensor:
        """Cross-entropy of the words of text i given the objects of image i and the words before: nats a word.

        Teacher forcing; the mean goes over all words and ends of the batch, so that a longer text counts for more.
        """
        inputs, targets, present = captions(texts)
        return F.cross_entropy(self.next_word(self.decode(objects, inputs)[present]), targets[present])

    def decode(self, objects: Encoded, inputs: Tensor) -> Tensor:
        """What the decoder makes of words (N, m) int64 that it is given: (N, m, width); no place knows a later one.

        What pads a text stands behind its words, where the causal mask hides it.
        """
        later = torch.ones(inputs.shape[1], inputs.shape[1], dtype=torch.bool, device=inputs.device).triu(1)
        return self.decoder(self.words(inputs), objects.vectors, memory_present=objects.present, hidden=later)

    def _match(self, objects: Encoded, texts: Texts) -> Tensor:
        words = self.of_word(self.text_encoder(self.words(texts.words), texts.present))
        seen = self.of_object(objects.vectors)
        return self.log_scale.exp() * word_similarity(seen, objects.present, words, texts.present)


def word_similarity(objects: Tensor, objects_present: Tensor, words: Tensor, words_present: Tensor) -> Tensor:
    r"""Mean over the words of a text of the best cosine with an object of the image.

    .. math:: s(I, T) = \frac1m \sum_j \max_k \cos(v_k, w_j)

    Marks at the ends of a text count among its words, as in the mean of HSL.

    Parameters
    ----------
    objects : (N, n, E), words : (T, m, E) float; what is present : (N, n), (T, m) bool, at least one in each row

    Returns
    -------
    (N, T) in [-1, 1]
    """
    objects, words = F.normalize(objects, dim=2), F.normalize(words, dim=2)
    texts, longest, width = words.shape
    step = max(1, HELD_TOGETHER // (objects.shape[1] * texts * longest))  # images at a time
    parts = []
    for some, there in zip(objects.split(step), objects_present.split(step), strict=True):
        cosine = some @ words.reshape(texts * longest, width).T  # (step, n, T * m)
        best = cosine.masked_fill(~there.unsqueeze(2), -torch.inf).amax(dim=1).view(-1, texts, longest)
        parts.append((best * words_present).sum(dim=2) / words_present.sum(dim=1))
    return torch.cat(parts)


def captions(texts: Texts) -> tuple[Tensor, Tensor, Tensor]:
    """What a decoder is given and what it is to say next: the words of each text between START and END.

    A text has these marks or not (`Vocabulary.ends`); they are put around it once.

    Returns
    -------
    inputs, targets : (N, m) int64, START and the words, the words and END, then PAD
    present : (N, m) bool, where there is a target

    >>> inputs, targets, _ = captions(Texts.of([[7, 8], [START, 9, END]]))
    >>> inputs.tolist(), targets.tolist()
    ([[2, 7, 8], [2, 9, 3]], [[7, 8, 3], [9, 3, 0]])
    """
    words, length = texts.words, texts.present.sum(dim=1, keepdim=True)
    marked = (words[:, :1] == START).long()
    many = length - marked - (words.gather(1, length - 1) == END).long()  # (N, 1) words between the marks
    place = torch.arange(int(many.max()) + 1, device=words.device)  # (m,)
    within = words.gather(1, (place + marked).clamp(max=words.shape[1] - 1))
    targets = within.masked_fill(place == many, END).masked_fill(place > many, PAD)
    inputs = F.pad(targets[:, :-1], (1, 0), value=START)
    return inputs, targets, place <= many
