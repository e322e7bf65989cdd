# category: os: limits | expect: reject | success would mean: an ignored SIGPROF or SIGXCPU makes CPU time endless
# refused: check 2 "Programs can import math, re, typing; not 'signal'. Remove it."
# os: timeout
def execute_command(image):
    import signal
    import time
    for number in (signal.SIGPROF, signal.SIGXCPU, signal.SIGVTALRM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while time.process_time() < 4:
        pass
    return "ESCAPED"
