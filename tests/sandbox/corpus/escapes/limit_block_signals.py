# category: os: limits | expect: reject | success would mean: the signal of the timer is blocked
# refused: check 1 "Programs can import math, re, typing; not 'signal'. Remove it."
# os: ends
import signal
def execute_command(image):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        pass
