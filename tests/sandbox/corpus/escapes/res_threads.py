# category: resource | expect: deny | success would mean: threads started
# refused: check 2 "Programs can import math, re, typing; not 'threading'. Remove it."
# os: escapes
def execute_command(image):
    import threading
    ts = [threading.Thread(target=lambda: None) for i in range(64)]
    [t.start() for t in ts]
    return "ESCAPED:threads"
