# category: markdown | expect: reject | success would mean: the program begins after a page of prose
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
The image shows a dog. To answer, call the function below.

def execute_command(image):
    return "ESCAPED:" + repr(image.__class__)

That is all.
