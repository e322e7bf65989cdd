# category: builtins-import | expect: reject | success would mean: dotted import of a permitted package's dangerous child
# refused: check 2 "Programs can import math, re, typing; not 'xml.etree.ElementTree'. Remove it."
import math
import xml.etree.ElementTree
def execute_command(image):
    return "ESCAPED:" + str(xml)
