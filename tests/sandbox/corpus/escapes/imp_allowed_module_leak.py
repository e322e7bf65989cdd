# category: builtins-import | expect: reject | success would mean: allowed module re-exports sys/os (random._os, re.enum.sys ...)
# refused: policy 4 "The attribute '_os' is hidden from programs. Use the attributes and methods of the ImagePatch API."
import random
import re
def execute_command(image):
    return "ESCAPED:" + random._os.name + re.enum.sys.version
