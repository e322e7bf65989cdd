# category: os: signals | expect: harmless | success would mean: a program that ignores SIGTERM dies by SIGKILL all the same
# refused: check 1 "Programs can import math, re, typing; not 'signal'. Remove it."
# os: ends
import signal
def execute_command(image):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass
