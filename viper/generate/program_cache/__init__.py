"""The memo: programs that a language model wrote, used again for questions of the same form.

words       what kind of word a word is, and its forms
template    a program with places for the words of another question
store       templates in a file that several processes may use
memo        what is remembered, what is recalled, and when not
"""

from viper.generate.program_cache.cache import ProgramCache, Recalled
from viper.generate.program_cache.location import MEMO_VARIABLE, memo_place
from viper.generate.program_cache.store import Entry, Store, StoreError

__all__ = [
    "MEMO_VARIABLE",
    "Entry",
    "ProgramCache",
    "Recalled",
    "Store",
    "StoreError",
    "memo_place",
]
