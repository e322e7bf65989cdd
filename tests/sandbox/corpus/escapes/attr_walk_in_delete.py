# category: attr-walk | expect: reject | success would mean: a deletion calls __delitem__ of what an attribute gave
# refused: policy 2 "The attribute '__globals__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    del image.find.__globals__["distance"]
    return "ESCAPED:del"
