# category: native-libs | expect: reject | success would mean: np.f2py / np.testing / np.lib reach subprocess and sys
# refused: check 1 "Programs can import math, re, typing; not 'numpy'. Use sum, min, max, sorted and the module math."
# os: contained
import numpy as np
def execute_command(image):
    return "ESCAPED:" + str(np.f2py.os.popen("id").read())
