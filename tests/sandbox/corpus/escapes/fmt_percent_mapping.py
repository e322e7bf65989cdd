# category: format | expect: harmless | success would mean: '%(name)s' looks items up, never attributes
# gives: '0'
def execute_command(image):
    return "%(left)s" % {"left": image.left}
