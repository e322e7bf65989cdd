# category: os: processes | expect: reject | success would mean: a thread
# refused: check 1 "Programs can import math, re, typing; not 'threading'. Remove it."
# os: escapes
import threading
def execute_command(image):
    box = []
    thread = threading.Thread(target=box.append, args=[1])
    thread.start()
    thread.join()
    return "ESCAPED:%d" % len(box)
