"""The memo: programs that a language model wrote, used again for questions of the same form.

words       what kind of word a word is, and its forms
template    a program with places for the words of another question
store       templates in a file that several processes may use
memo        what is remembered, what is recalled, and when not
"""

from viper.generate.memo.memo import Memo, Recalled
from viper.generate.memo.place import MEMO_VARIABLE, memo_place
from viper.generate.memo.store import Entry, Store, StoreError

__all__ = ["MEMO_VARIABLE", "Entry", "Memo", "Recalled", "Store", "StoreError", "memo_place"]
