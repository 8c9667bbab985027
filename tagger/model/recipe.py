"""By which recipe a network is built and trained: everything about it that a search may vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Balance = Literal["none", "weights", "sampling", "logit"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is built and trained.

    Parameters
    ----------
    learning_rate : float
        Of the first epoch after the warm-up.
    optimizer : str
        ``adam``, ``adamw``, ``sgd`` (with Nesterov momentum 0.9) or ``rmsprop``.
    weight_decay : float
        For ``adamw``.
    batch : int
        Clips per step.
    width : float
        Factor on the number of filters and units of the hidden layers.
    activation : str
        Of the hidden layers, as Keras names it.
    dropout : float
        Share of units left out in each step, before the dense layers.
    groups : tuple of str
        For features: the groups that are used; empty for all.
    balance : str
        What is done for rare genres: ``none``; ``weights`` of clips, capped; ``sampling`` of rare genres more often;
        ``logit``, the adjustment of logits by the logarithm of the genre's share (Menon et al., "Long-tail learning
        via logit adjustment", 2021).
    strength : float
        How far: 0 not at all, 1 full balance.
    smoothing : float
        Share of each label that is spread over all genres.
    mixup : float
        Parameter of the Beta distribution (Zhang et al., "mixup", 2018); 0: none.
    mask : float
        Bands and frames hidden at random, as a share of the picture at most (Park et al., "SpecAugment", 2019).
    equalise : float
        Random loudness and equalisation of pictures: 1 for the strength that `batches` describes, 0 for none.
    shift : bool
        Move pictures along time, what leaves at the end coming back at the start.
    crop : float
        Least share of the clip's frames that is kept in a random crop; 1: no crops. For networks free in time.
    average : float
        How much of the moving average of the weights stays from one step to the next; 0: none is kept.
    warmup : int
        Steps over which the learning rate rises to its value.
    plateau, patience : int
        In epochs without a better validation loss: after `plateau` the learning rate falls, after `patience` training
        ends.
    drop : float
        Factor by which the learning rate falls.
    """

    learning_rate: float
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    weight_decay: float = 0.0
    batch: int = 32
    width: float = 1.0
    activation: str = "relu"
    dropout: float = 0.3
    groups: tuple[str, ...] = ()
    balance: Balance = "weights"
    strength: float = 0.5
    smoothing: float = 0.0
    mixup: float = 0.0
    mask: float = 0.0
    equalise: float = 0.0
    shift: bool = False
    crop: float = 1.0
    average: float = 0.0
    warmup: int = 0
    plateau: int = 3
    patience: int = 9
    drop: float = 0.4
