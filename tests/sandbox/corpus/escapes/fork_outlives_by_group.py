# category: os: processes | expect: reject | success would mean: a child in another group escapes a kill of the group
# refused: policy 6 "The attribute '_exit' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: escapes
import os, time
def execute_command(image):
    pid = os.fork()
    if pid == 0:
        time.sleep(5)
        os._exit(0)
    os.setpgid(pid, pid)
    return "fine"
