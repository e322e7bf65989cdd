# category: os: frames | expect: reject | success would mean: a second frame before the answer to the first
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: frames
import os
def execute_command(image):
    from viper_sandbox import wire
    text = b'["call",1,"llm_query",null,{"tuple":["x",true]},1]'
    both = (len(text).to_bytes(4, "big") + text) * 2
    for fd in range(256):
        try:
            os.write(fd, both)
        except OSError:
            continue
    while True:
        pass
