# category: builtins-import | expect: reject | success would mean: the real re module leads to copyreg, functools and enum
# refused: check 1 "re has no member 'enum' here."
from re import functools, enum
def execute_command(image):
    return "ESCAPED:" + repr(functools) + repr(enum)
