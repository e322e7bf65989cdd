"""The program cache: programs of language models, reused for questions of the same form.

word_forms  classes and inflected forms of words
template    a program with slots for words of the question
store       templates in a SQLite file
cache       which programs are stored, found and removed
location    default location of the file
"""

from viper.generate.program_cache.cache import ProgramCache
from viper.generate.program_cache.location import program_cache_path
from viper.generate.program_cache.store import Entry, Store, StoreError

__all__ = ["Entry", "ProgramCache", "Store", "StoreError", "program_cache_path"]
