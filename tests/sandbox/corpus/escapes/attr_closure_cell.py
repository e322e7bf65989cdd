# category: attr-walk | expect: reject | success would mean: the cells of a proxy's method hold its session
# refused: policy 2 "The attribute '__closure__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr([c.cell_contents for c in image.find.__closure__])
