# category: native-libs | expect: reject | success would mean: np.load(allow_pickle) runs a pickle
# refused: check 1 "Programs can import math, re, typing; not 'numpy'. Use sum, min, max, sorted and the module math."
# os: contained
import numpy as np
def execute_command(image):
    return "ESCAPED:" + str(np.load("@CANARY_DIR@/x.npy", allow_pickle=True))
