# category: native-libs | expect: reject | success would mean: ndarray.tofile / np.save write host files
# refused: check 1 "Programs can import math, re, typing; not 'numpy'. Use sum, min, max, sorted and the module math."
# os: escapes
import numpy as np
def execute_command(image):
    np.zeros(3).tofile("@CANARY_DIR@/escape_canary"); np.save("@CANARY_DIR@/escape_canary2", np.zeros(1))
    return "ESCAPED:tofile"
