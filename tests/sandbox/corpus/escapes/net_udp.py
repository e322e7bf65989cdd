# category: os: network | expect: reject | success would mean: a datagram, as a name look-up sends
# refused: policy 3 "'with' is not part of programs: they have no files or locks. Remove it."
# os: escapes
import socket
def execute_command(image):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return "ESCAPED:%d" % s.sendto(b"secret", ("127.0.0.1", @PORT@))
