# category: os: network | expect: reject | success would mean: a connection to the network
# refused: policy 3 "'with' is not part of programs: they have no files or locks. Remove it."
# os: escapes
import socket
def execute_command(image):
    with socket.create_connection(("127.0.0.1", @PORT@), timeout=0.5) as s:
        s.sendall(b"ESCAPED")
    return "ESCAPED"
