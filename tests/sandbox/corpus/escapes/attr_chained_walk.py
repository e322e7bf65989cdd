# category: attr-walk | expect: reject | success would mean: a long walk hidden in the middle of an expression
# refused: policy 2 "The attribute '__bases__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + [x for x in ().__class__.__bases__[0].__subclasses__() if "warning" in x.__name__][0]()._module.sys.version
