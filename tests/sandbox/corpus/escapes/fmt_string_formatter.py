# category: format | expect: deny | success would mean: string.Formatter().get_field returns live objects (CVE-2026-76825)
# refused: check 1 "Programs can import math, re, typing; not 'string'. Write the characters, as in 'abc'; texts have isalpha, isdigit and the like."
import string
def execute_command(image):
    obj, _ = string.Formatter().get_field("0.__class__.__init__.__globals__", (image,), {})
    return "ESCAPED:" + repr(obj)[:40]
