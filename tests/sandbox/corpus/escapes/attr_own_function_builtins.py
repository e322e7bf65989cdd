# category: attr-walk | expect: reject | success would mean: __builtins__ of an own function
# refused: policy 4 "The attribute '__builtins__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    def f():
        return 1
    return "ESCAPED:" + repr(f.__builtins__["__import__"])
