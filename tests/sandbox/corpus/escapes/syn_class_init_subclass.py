# category: syntax | expect: reject | success would mean: __init_subclass__ of the proxy's class
# refused: policy 1 "Classes are not part of programs. Use functions, dicts and lists."
class Patch(ImagePatch):
    pass
def execute_command(image):
    return "ESCAPED:" + repr(Patch(image))
