# category: builtins-import | expect: reject | success would mean: string.punctuation comes with string.Formatter
# refused: check 1 "Programs can import math, re, typing; not 'string'. Write the characters, as in 'abc'; texts have isalpha, isdigit and the like."
import string
def execute_command(image):
    return "ESCAPED:" + string.punctuation
