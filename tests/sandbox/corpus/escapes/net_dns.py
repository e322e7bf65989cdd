# category: os: network | expect: reject | success would mean: a name look-up carries data to a stranger
# refused: check 1 "Programs can import math, re, typing; not 'socket'. Remove it."
# os: contained
import socket
def execute_command(image):
    return "ESCAPED:%s" % socket.getaddrinfo("secret.invalid", 80)
