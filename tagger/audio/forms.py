"""Every form that a clip can take before a model sees or hears it: pictures and sounds, found again by their cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tagger.audio.sounds import SOUNDS, SoundForm
from tagger.audio.spectrogram import FORMS, Form
from tagger.base.errors import UsageError


class ClipForm(Protocol):
    """How clips become what a model takes; a `Form` or a `SoundForm`."""

    @property
    def name(self) -> str:
        """Unique among all forms."""

    @property
    def sample_rate(self) -> int:
        """Of the clips [Hz]."""

    def make(self, clips: NDArray[np.float32]) -> NDArray[Any]:
        """Turn clips of one length, float32 (n, samples), into an array (n, ...)."""

    def card(self) -> dict[str, Any]:
        """Return the form as JSON takes it."""


ALL_FORMS: Mapping[str, ClipForm] = {**FORMS, **SOUNDS}


def form_from_card(card: Mapping[str, Any]) -> ClipForm:
    """Return the form that a data set's or a model's card describes.

    Raises
    ------
    UsageError
        If the card is of a form that is not known here.
    """
    try:
        return _sound(card) if card["name"] in SOUNDS else _picture(card)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the card does not say how its clips are made: {error}") from error


def _picture(card: Mapping[str, Any]) -> Form:
    form = Form(
        str(card["name"]),
        int(card["sample_rate"]),
        int(card["n_fft"]),
        int(card["hop"]),
        int(card["bands"]),
        float(card["db_range"]),
    )
    if form.name not in FORMS:
        raise UsageError(f"the card is of clips of the form {form.name!r}; known are {', '.join(ALL_FORMS)}")
    return form


def _sound(card: Mapping[str, Any]) -> SoundForm:
    form = SoundForm(
        str(card["name"]),
        int(card["sample_rate"]),
        int(card["step"]),
        int(card["n_fft"]),
        int(card["hop"]),
        int(card["numbers"]),
    )
    known = SOUNDS[form.name]
    if form.computed != known.computed or (form.name == "features" and form.numbers != known.numbers):
        raise UsageError(f"the card is of {form.name} that cannot be made here: {form.card()}, not {known.card()}")
    return form
