# legit: a model that guards its import | must run
# value: 42
try:
    import math
except ImportError:
    math = None

def execute_command(image):
    return math.floor(ImagePatch(image).width / 7)
