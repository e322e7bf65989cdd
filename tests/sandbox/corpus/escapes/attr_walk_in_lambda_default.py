# category: attr-walk | expect: reject | success would mean: defaults of lambdas
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return (lambda c=image.__class__: "ESCAPED:" + repr(c))()
