"""Opens sentence encoders: a local sentence-transformers model, or an ONNX file. Nothing is downloaded unasked.

What a model was trained with stands in the meta.json of its pipelines: the encoder's name, and what it makes of a few
sentences. So another encoder under the same name is found out before it reads a post.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitor.model_error import ModelError
from monitor.onnx_encoder import ONNX_FILE, open_onnx
from rules.encoding import Encoder, Vectors, encode_masked

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

META = "encoder"  # key in a pipeline's meta.json: {"name", "dimensions", "sample"}
INSTALL = "pip install 'mentiond[encoder]'"
_MODULES = "modules.json"  # what every sentence-transformers model has
_SENTENCES = ("Acme is broken again.", "Wo gibt es das Acme Phone?", "Danke, Acme!")
_SAMPLED = 32  # numbers kept of the vector of each
_NEAR = 0.005  # further apart no two runs of one encoder are, whatever machine they run on


class EncoderError(ModelError):
    """The encoder cannot be used; the message names it and the mend."""


@dataclass(frozen=True, slots=True)
class NamedEncoder:
    """An open encoder, and the name under which it can be opened again."""

    name: str
    encoder: Encoder


def open_encoder(name: str, *, download: bool = False) -> NamedEncoder:
    """The encoder `name`: a folder, an installed package that carries a model, or a name in the local model cache.

    With `download` a name of the Hugging Face hub is fetched into that cache. Raises EncoderError.
    """
    folder = _folder(name)
    if folder is not None and (folder / ONNX_FILE).is_file():
        try:
            return NamedEncoder(str(folder), open_onnx(folder))
        except ImportError as error:
            raise EncoderError(f"the encoder {name} needs {error.name}; mend: pip install 'mentiond[onnx]'") from error
        except Exception as error:  # whatever a damaged file makes its libraries throw
            raise EncoderError(f"the encoder {name} cannot be loaded: {_one_line(error)}") from error
    kept = name if folder is None or not Path(name).is_dir() else str(folder)
    return NamedEncoder(kept, _open_transformer(name, folder, download=download))


def _folder(name: str) -> Path | None:
    """Where the encoder lies; None where only the model cache can know."""
    given = Path(name).expanduser()
    if given.is_dir():
        return given.absolute()
    if name.startswith((".", "/", "~")):
        raise EncoderError(f"the encoder {name} is no folder; mend: its path, or a package or model that is installed")
    package = name.replace("-", "_")
    spec = find_spec(package) if package.isidentifier() else None
    for place in spec.submodule_search_locations or () if spec else ():
        for found in sorted(Path(place).rglob(_MODULES)):
            return found.parent
    return None


class TransformerEncoder:
    """A model of sentence-transformers."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model

    def encode(self, texts: Sequence[str]) -> Vectors:
        """N x D; texts are cut at the length that the model reads."""
        return np.asarray(self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True), np.float32)


def _open_transformer(name: str, folder: Path | None, *, download: bool) -> TransformerEncoder:
    if not download:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # its libraries read this once, when they are imported
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise EncoderError(f"the encoder {name} needs {error.name}; mend: {INSTALL}") from error
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        return TransformerEncoder(SentenceTransformer(str(folder or name), local_files_only=not download))
    except Exception as error:  # whatever a missing or damaged file, or the hub, makes its libraries throw
        if folder is not None or download:
            raise EncoderError(f"the encoder {name} cannot be loaded: {_one_line(error)}") from error
        raise EncoderError(
            f"the encoder {name} is not on this machine: no folder, no installed package that carries a model, not in "
            "the local model cache; mend: its folder, or mentiond train --download"
        ) from error


def describe(opened: NamedEncoder) -> dict[str, object]:
    """What a model's meta.json tells of the encoder that it was trained with."""
    vectors = encode_masked(opened.encoder, _SENTENCES)
    sample = [[round(float(number), 4) for number in vector[:_SAMPLED]] for vector in vectors]
    return {"name": opened.name, "dimensions": vectors.shape[1], "sample": sample}


def check_same(opened: NamedEncoder, told: Mapping[str, object], where: Path) -> None:
    """Raises EncoderError unless this encoder is the one that the model in `where` tells of (`describe`)."""
    own = describe(opened)
    alike = own["dimensions"] == told["dimensions"] and np.allclose(
        np.array(own["sample"], np.float64), np.array(told["sample"], np.float64), rtol=0, atol=_NEAR
    )
    if not alike:
        raise EncoderError(
            f"the encoder {opened.name} is not the one that {where} was trained with ({told['name']}, "
            f"{told['dimensions']} dimensions); mend: that encoder, or mentiond train --encoder {opened.name} "
            "--out FOLDER"
        )


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
