# category: native-libs | expect: reject | success would mean: pickle reduce runs a callable
# refused: check 1 "Programs can import math, re, typing; not 'pickle'. Remove it."
# os: escapes
import pickle
def execute_command(image):
    return "ESCAPED:" + str(pickle.loads(b"cos\ngetcwd\n(tR."))
