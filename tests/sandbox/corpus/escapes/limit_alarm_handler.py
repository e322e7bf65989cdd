# category: os: limits | expect: reject | success would mean: a handler of its own for the timer's signal
# refused: check 1 "Programs can import math, re, typing; not 'signal'. Remove it."
# os: ends
import signal
def execute_command(image):
    signal.signal(signal.SIGPROF, lambda *a: None)
    while True:
        pass
