# category: native-libs | expect: reject | success would mean: torch.hub downloads and runs code
# refused: check 1 "Programs can import math, re, typing; not 'torch'. Remove it."
# os: contained
import torch
def execute_command(image):
    return "ESCAPED:" + str(torch.hub.load("a/b", "c"))
