# category: os: network | expect: reject | success would mean: a server that others connect to
# refused: policy 3 "'with' is not part of programs: they have no files or locks. Remove it."
# os: escapes
import socket
def execute_command(image):
    with socket.create_server(("127.0.0.1", 0)) as s:
        return "ESCAPED:%d" % s.getsockname()[1]
