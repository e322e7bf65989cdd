# category: os: limits | expect: reject | success would mean: a program that sleeps uses no CPU time
# refused: check 1 "Programs can import math, re, typing; not 'time'. Remove it."
# os: ends
import time
def execute_command(image):
    time.sleep(100)
    return "ESCAPED"
