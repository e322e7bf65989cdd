# category: os: processes | expect: reject | success would mean: a command by subprocess
# refused: check 1 "Programs can import math, re, typing; not 'subprocess'. Remove it."
# os: escapes
import subprocess
def execute_command(image):
    return "ESCAPED:" + subprocess.run(["echo", "out"], capture_output=True, text=True).stdout
