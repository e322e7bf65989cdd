# category: attr-walk | expect: reject | success would mean: instance dict of the proxy
# refused: policy 2 "The attribute '__dict__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(image.__dict__)
