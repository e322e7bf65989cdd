# category: os: files | expect: reject | success would mean: the name of the working folder tells the user's name
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    return "ESCAPED:" + os.getcwd()
