# category: os: processes | expect: reject | success would mean: a process in a session of its own outlives the program
# refused: policy 8 "The attribute '_exit' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: escapes
import os, time
def execute_command(image):
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(5)
        os._exit(0)
    os.waitpid(pid, 0)
    return "fine"
