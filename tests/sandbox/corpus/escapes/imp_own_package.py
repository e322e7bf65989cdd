# category: builtins-import | expect: reject | success would mean: the sandbox's own package is loaded in the process
# refused: check 1 "Programs can import math, re, typing; not 'viper_sandbox.frame_socket'. Remove it."
import viper_sandbox.frame_socket
def execute_command(image):
    return "ESCAPED:" + repr(viper_sandbox)
