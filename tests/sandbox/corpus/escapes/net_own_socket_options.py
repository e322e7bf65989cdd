# category: os: network | expect: reject | success would mean: the socket to the host accepts options and descriptors
# refused: check 1 "Programs can import math, re, typing; not 'socket'. Remove it."
# os: contained
import socket
def execute_command(image):
    for fd in range(64):
        try:
            s = socket.socket(fileno=fd)
        except OSError:
            continue
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
        return "ESCAPED"
