# category: attr-walk | expect: reject | success would mean: reaching the instance / function behind a bound method
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(image.crop.__self__.__class__)
