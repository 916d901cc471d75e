"""Synthetic reviews whose sentiment depends on word order."""

from numbers import Integral, Real

import numpy as np

from sklearn_bilstm.utils._random import private_random_state
from sklearn_bilstm.utils._sklearn import Interval, validate_params

__all__ = ["make_reviews"]

_PRAISE = [
    "brilliant",
    "charming",
    "clever",
    "delightful",
    "excellent",
    "funny",
    "gripping",
    "moving",
    "original",
    "superb",
    "touching",
    "wonderful",
]
_BLAME = [
    "awful",
    "boring",
    "clumsy",
    "confusing",
    "dreadful",
    "flat",
    "forgettable",
    "lifeless",
    "predictable",
    "shallow",
    "silly",
    "tedious",
]
_ASPECTS = [
    "acting",
    "camera",
    "cast",
    "dialogue",
    "direction",
    "ending",
    "music",
    "pace",
    "plot",
    "script",
    "story",
    "villain",
]
_COMPANY = ["my brother", "my sister", "some friends", "my parents", "a colleague"]
_TIMES = ["a sunday", "a rainy evening", "the train", "my birthday", "the weekend"]

# {a} and {a2} have the sentiment of the sentence; {b} and {b2} have the opposite one.
# Each template contains equally many of both, so that swapping them inverts the
# sentiment without changing the words.
_OPINIONS = [
    # negation
    "the {x} was not {b}, it was {a}.",
    "to me the {x} was {a} and not {b}.",
    "i would not call the {x} {b}, i would rather call it {a}.",
    "nobody could say that the {x} was {b}, since it was {a}.",
    "it is {a}, and never for a moment {b}.",
    # contrast
    "the {x} was {b}, but all in all this film is {a}.",
    "although the {x} was {b}, the film as a whole was {a}.",
    "the film as a whole was {a}, even though the {x} was {b}.",
    "it looked {b} at first but turned out to be {a}.",
    "i had expected something {b} and what i got was {a}.",
    # not only ... but
    "i had feared something {b} and {b2}, but not only was the {x} {a}, the {y} was "
    "{a2} too.",
    "not only was the {x} {a} but the {y} was also {a2}, where others had promised "
    "something {b} and {b2}.",
]
_FILLERS = [
    "i watched it with {company} on {time}.",
    "it runs for {minutes} minutes.",
    "{company} told me about the {x}.",
    "the {x} and the {y} are much discussed.",
    "there is a scene on {time} with {company}.",
    "we talked about the {x} for {minutes} minutes.",
]


@validate_params(
    {
        "n_samples": [Interval(Integral, 0, None, closed="left")],
        "max_fillers": [Interval(Integral, 0, None, closed="left")],
        "flip_y": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_reviews(
    n_samples: int = 1000,
    *,
    max_fillers: int = 3,
    flip_y: float = 0.0,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[list[str], np.ndarray]:
    """Generate reviews whose sentiment depends on word order.

    Each review contains one opinion, expressed by negation ("not boring, it was
    charming"), contrast ("although ..., the film as a whole was ...") or "not only ...
    but", and several neutral sentences. All reviews contain equally many positive and
    negative words, and each bag of words is equally likely for both classes: a
    classifier that ignores word order cannot be better than chance.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of reviews, half of them positive.
    max_fillers : int, default=3
        Maximum number of neutral sentences per review.
    flip_y : float, default=0.0
        Fraction of the labels that are flipped.
    random_state : int, RandomState instance or None, default=None
        Determines the reviews. None does not use NumPy's global random state.

    Returns
    -------
    texts : list of str
        The reviews.
    labels : ndarray of str, shape (n_samples,)
        Sentiment of each review, "negative" or "positive".

    Raises
    ------
    ValueError
        If a parameter is invalid.

    Examples
    --------
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(2, max_fillers=0, random_state=1)
    >>> for text, label in zip(texts, labels):
    ...     print(f"{label}: {text}")
    negative: i had expected something charming and what i got was clumsy.
    positive: i had expected something forgettable and what i got was excellent.
    """
    random = private_random_state(random_state)
    positive = random.permutation(n_samples) % 2 == 1
    texts = [_review(random, is_positive, max_fillers) for is_positive in positive]
    flipped = random.permutation(n_samples) < round(flip_y * n_samples)
    labels = np.where(positive ^ flipped, "positive", "negative")
    return texts, labels


def _review(random: np.random.RandomState, positive: bool, max_fillers: int) -> str:
    n_fillers = random.randint(max_fillers + 1)
    sentences = [_sentence(random, _FILLERS, positive) for _ in range(n_fillers)]
    opinion = _sentence(random, _OPINIONS, positive)
    sentences.insert(random.randint(n_fillers + 1), opinion)
    return " ".join(sentences)


def _sentence(
    random: np.random.RandomState, templates: list[str], positive: bool
) -> str:
    adjectives, other_adjectives = (_PRAISE, _BLAME) if positive else (_BLAME, _PRAISE)
    a, a2 = random.choice(adjectives, 2, replace=False)
    b, b2 = random.choice(other_adjectives, 2, replace=False)
    x, y = random.choice(_ASPECTS, 2, replace=False)
    return random.choice(templates).format(
        a=a,
        a2=a2,
        b=b,
        b2=b2,
        x=x,
        y=y,
        company=random.choice(_COMPANY),
        time=random.choice(_TIMES),
        minutes=random.randint(80, 160),
    )
