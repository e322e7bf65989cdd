# category: os: processes | expect: reject | success would mean: a second process
# refused: policy 5 "The attribute '_exit' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: escapes
import os
def execute_command(image):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "ESCAPED"
