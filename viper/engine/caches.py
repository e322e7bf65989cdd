"""Opens the cache of results that an engine's options describe."""

from __future__ import annotations

import logging
from pathlib import Path

from viper.engine.config import EngineConfig
from viper.errors import ConfigError
from viper.models.registry import BUILTIN, STUB, TRUTH
from viper.scheduling.operation import EMBED_TEXTS
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.result_store import ResultStore

__all__ = ["opened_cache"]

_log = logging.getLogger(__name__)

_TEXT_CACHE_BYTES = 200_000_000
# Matchers that embed a text in less time than a file takes to be opened, or embed none.
_FAST = (BUILTIN, TRUTH, STUB, "colors")


def opened_cache(config: EngineConfig) -> ResultCache | None:
    """Return the cache in memory, with a file behind it where the options ask for one; None for no cache.

    Raises:
        ConfigError: The folder of the option `cache` cannot be used. That of `text_cache` is a default, and
            only logged.
    """
    if not config.cache_mb:
        return None
    max_bytes = int(config.cache_mb * 1e6)
    if config.cache is not None:
        return ResultCache(max_bytes, ResultStore(Path(config.cache)))
    matcher = config.backends.get("matcher")
    if config.text_cache is None or matcher is None or matcher.name in _FAST or matcher.is_remote:
        return ResultCache(max_bytes)
    try:
        store = ResultStore(Path(config.text_cache), max_bytes=_TEXT_CACHE_BYTES)
    except ConfigError as error:
        _log.info("Embeddings of texts are not kept: %s", error)
        return ResultCache(max_bytes)
    return ResultCache(max_bytes, store, {EMBED_TEXTS})
