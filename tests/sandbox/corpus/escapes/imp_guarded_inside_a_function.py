# category: builtins-import | expect: deny | success would mean: a function that is made inside a try is guarded by it
# refused: check 4 "Programs can import math, re, typing; not 'os'. Remove it."
def execute_command(image):
    try:
        def read():
            import os
            return os.environ
    except ImportError:
        pass
    return "ESCAPED:" + repr(read())
