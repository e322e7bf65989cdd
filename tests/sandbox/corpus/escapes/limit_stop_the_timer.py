# category: os: limits | expect: reject | success would mean: the timer of CPU time is switched off
# refused: check 1 "Programs can import math, re, typing; not 'signal'. Remove it."
# os: ends
import signal
def execute_command(image):
    signal.setitimer(signal.ITIMER_PROF, 0)
    while True:
        pass
