# category: os: network | expect: reject | success would mean: the kernel's list of interfaces
# refused: policy 3 "'with' is not part of programs: they have no files or locks. Remove it."
# os: escapes
import socket
def execute_command(image):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.bind((0, 0))
        return "ESCAPED"
