# category: os: environment | expect: reject | success would mean: the name of the machine
# refused: check 1 "Programs can import math, re, typing; not 'socket'. Remove it."
# os: escapes
import socket
def execute_command(image):
    return "ESCAPED:" + socket.gethostname()
