"""What is inside a file or folder that holds a model, without running anything in it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]

from tagger.base.errors import UsageError

SKOPS_SCHEMA = "schema.json"
MAX_CONFIG = 20_000_000  # bytes; the description of a network is kilobytes
# What is worth showing of a layer's settings, where it has them.
SHOWN = ("filters", "units", "kernel_size", "strides", "pool_size", "padding", "activation", "rate", "batch_shape",
         "batch_input_shape", "axis", "target_shape", "scale")  # fmt: skip


def describe(path: Path) -> dict[str, Any]:
    """Return the structure of a `.keras`, `.h5` or `.skops` file, or of a model's folder.

    Returns
    -------
    dict
        `file`, `format`, `bytes`, `class`, `name`, `keras`, `layers` (each `name`, `class` and what is set),
        `parameters`, `weights` (each `name`, `shape`, `dtype`); `card` if the file lies beside one. Names and shapes
        of weights are as the file has them.

    Raises
    ------
    UsageError
        If it cannot be read or is neither.
    """
    skops = path / "model.skops"
    file = (skops if skops.exists() else path / "model.keras") if path.is_dir() else path
    try:
        if zipfile.is_zipfile(file):
            facts = _skops_file(file) if _has(file, SKOPS_SCHEMA) else _keras_file(file)
        elif h5py.is_hdf5(file):
            facts = _hdf5_file(file)
        elif not file.exists():
            raise UsageError(f"{file} does not exist")
        else:
            raise UsageError(f"{file} is none of .keras, .h5 and .skops")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, RuntimeError) as error:
        raise UsageError(f"{file} is damaged or no model: {error}") from error
    facts = {"file": str(file), "bytes": file.stat().st_size, **facts}
    card = file.with_name("card.json")
    if card.is_file():
        try:
            facts["card"] = json.loads(card.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            facts["card_error"] = f"{card}: {error}"
    return facts


def _keras_file(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        config = json.loads(_member(archive, "config.json"))
        about = json.loads(_member(archive, "metadata.json"))
        with archive.open("model.weights.h5") as inner, h5py.File(inner, "r") as weights:
            found = list(_weights(weights))
    return {"format": "keras", "keras": about.get("keras_version"), **_network(config), **_totals(found)}


def _has(path: Path, name: str) -> bool:
    with zipfile.ZipFile(path) as archive:
        return name in archive.namelist()


def _skops_file(path: Path) -> dict[str, Any]:
    """Describe a model of scikit-learn: its class, and the classes of a pipeline's steps."""
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(_member(archive, SKOPS_SCHEMA))
    steps = schema.get("content", {}).get("content", {}).get("steps", {}).get("content", [])
    return {
        "format": "skops",
        "skops": schema.get("_skops_version"),
        "class": schema.get("__class__"),
        "steps": [step["content"][1]["__class__"] for step in steps],
    }


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MAX_CONFIG:
        raise ValueError(f"{name} is larger than {MAX_CONFIG} bytes")
    return archive.read(name)


def _hdf5_file(path: Path) -> dict[str, Any]:
    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
        config = json.loads(text) if text is not None else {}
        version = file.attrs.get("keras_version")
        found = list(_weights(file.get("model_weights", file)))
    keras = version.decode() if isinstance(version, bytes) else version
    return {"format": "hdf5", "keras": keras, **_network(config), **_totals(found)}


def _weights(group: Any) -> Iterator[dict[str, Any]]:
    """Yield every array of a file; the optimizer's are not the network's."""
    found: list[dict[str, Any]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith(("optimizer", "optimizer_weights")):
            found.append({"name": name, "shape": list(item.shape), "dtype": str(item.dtype), "size": int(item.size)})

    group.visititems(visit)
    yield from (one for one in found if one["dtype"].startswith("float"))


def _totals(weights: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "parameters": sum(one["size"] for one in weights),
        "weights": [{key: one[key] for key in ("name", "shape", "dtype")} for one in weights],
    }


def _network(config: dict[str, Any]) -> dict[str, Any]:
    inner = config.get("config", {})
    layers = inner.get("layers", []) if isinstance(inner, dict) else []
    return {
        "class": config.get("class_name"),
        "name": inner.get("name") if isinstance(inner, dict) else None,
        "layers": [_layer(layer) for layer in layers],
    }


def _layer(layer: dict[str, Any]) -> dict[str, Any]:
    settings = layer.get("config", {})
    shown = {key: settings[key] for key in SHOWN if settings.get(key) is not None and settings[key] != "linear"}
    return {"name": settings.get("name", layer.get("name")), "class": layer.get("class_name"), **shown}
