# category: native-libs | expect: reject | success would mean: ImageMath.eval/unsafe_eval evaluates Python (CVE-2023-50447)
# refused: check 1 "Programs can import math, re, typing; not 'PIL'. Remove it."
from PIL import ImageMath
def execute_command(image):
    return "ESCAPED:" + str(ImageMath.unsafe_eval("exec(chr(49))"))
