# category: builtins-import | expect: reject | success would mean: the sandbox's own package is loaded in the process
# refused: check 1 "Programs can import math, re, typing; not 'viper_sandbox.channel'. Remove it."
import viper_sandbox.channel
def execute_command(image):
    return "ESCAPED:" + repr(viper_sandbox)
