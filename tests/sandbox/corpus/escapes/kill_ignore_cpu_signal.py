# category: os: signals | expect: reject | success would mean: SIGXCPU and SIGPROF are ignored
# refused: check 1 "Programs can import math, re, typing; not 'signal'. Remove it."
# os: ends
import signal
def execute_command(image):
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    while True:
        pass
