# category: builtins-import | expect: reject | success would mean: full-width letters spell os in an import
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
import ｏｓ
def execute_command(image):
    return "ESCAPED:" + os.name
