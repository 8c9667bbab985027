"""The pretrained trunks compute what the published code computes, and a network that does not is found out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tagger.base.errors import TaggerError
from tagger.model import trunk_check, trunk_networks, trunks
from tagger.model.trunk_tags import MSD_TAGS, MTT_TAGS

EMBEDDING = {"musicnn": 200, "vgg": 256}


def _variables(folder: Path, checkpoint: str) -> dict[str, NDArray[np.float32]]:
    with np.load(trunks.folder_of(folder) / trunks.weights_name(checkpoint), allow_pickle=False) as found:
        return dict(found)


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint", trunks.CHECKPOINTS)
def test_outputs_are_those_of_the_published_code(installed_trunks: Path, checkpoint: str) -> None:
    network = trunks.load_trunk(installed_trunks, checkpoint)
    embedding, logits = network(trunk_check.pictures(), training=False)
    assert embedding.shape == (2, EMBEDDING[checkpoint.partition("_")[2]])
    assert np.abs(np.asarray(logits) - trunk_check.known_outputs(checkpoint)).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("change", ["half precision", "kernel turned around", "not a number"])
@pytest.mark.parametrize(("checkpoint", "kernel"), [("MSD_musicnn", "conv2d_2/kernel"), ("MTT_vgg", "3CNN/kernel")])
def test_a_network_that_differs_a_little_is_found_out(
    installed_trunks: Path, checkpoint: str, kernel: str, change: str
) -> None:
    variables = _variables(installed_trunks, checkpoint)
    if change == "half precision":
        variables = {name: value.astype(np.float16).astype(np.float32) for name, value in variables.items()}
    elif change == "kernel turned around":
        variables[kernel] = variables[kernel][::-1]
    else:
        variables[kernel] = np.full_like(variables[kernel], np.nan)

    def build() -> object:
        return trunk_networks.from_variables(checkpoint.partition("_")[2], variables.__getitem__)

    with pytest.raises(TaggerError, match=f"{checkpoint} does not compute what the published code does"):
        trunk_check.largest_difference(checkpoint, build)


@pytest.mark.slow
def test_a_transposed_variable_is_refused(installed_trunks: Path) -> None:
    variables = _variables(installed_trunks, "MSD_musicnn")
    variables["dense/kernel"] = variables["dense/kernel"].T
    with pytest.raises(ValueError, match="dense/kernel is"):
        trunk_networks.from_variables("musicnn", variables.__getitem__)


def test_pictures_are_in_the_range_of_real_ones() -> None:
    pictures = trunk_check.pictures()
    assert (pictures.shape, pictures.dtype) == ((2, trunk_networks.FRAMES, trunk_networks.BANDS), np.float32)
    assert pictures.min() >= 0 and pictures.max() <= np.log10(10_000 * 100 + 1)


@pytest.mark.parametrize("checkpoint", trunks.CHECKPOINTS)
def test_there_is_an_output_for_every_tag(checkpoint: str) -> None:
    tags = MSD_TAGS if checkpoint.startswith("MSD") else MTT_TAGS
    assert len(set(tags)) == trunk_networks.TAGS
    assert trunk_check.known_outputs(checkpoint).shape == (2, len(tags))
