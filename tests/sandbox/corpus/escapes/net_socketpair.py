# category: os: network | expect: reject | success would mean: a pair of sockets, the raw material of passing descriptors
# refused: check 1 "Programs can import math, re, typing; not 'socket'. Remove it."
# os: escapes
import socket
def execute_command(image):
    a, b = socket.socketpair()
    return "ESCAPED"
