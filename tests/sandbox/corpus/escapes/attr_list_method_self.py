# category: attr-walk | expect: reject | success would mean: the list behind its bound method, hence a stranger's list from a callback
# refused: policy 2 "The attribute '__self__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr([].append.__self__)
