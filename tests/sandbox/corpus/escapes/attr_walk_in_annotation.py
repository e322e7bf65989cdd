# category: attr-walk | expect: reject | success would mean: annotations are evaluated by Python but mean nothing here
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    def helper(x: print(image.__class__) = image.__class__):
        return x
    return "ESCAPED:" + repr(helper())
