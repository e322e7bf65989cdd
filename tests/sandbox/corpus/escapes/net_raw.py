# category: os: network | expect: reject | success would mean: a raw packet
# refused: check 1 "Programs can import math, re, typing; not 'socket'. Remove it."
# os: contained
import socket
def execute_command(image):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    return "ESCAPED"
