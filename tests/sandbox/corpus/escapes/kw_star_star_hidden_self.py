# category: argument tricks | expect: deny | success would mean: the same through **, where no check can see it
# refused: runtime 2 "TypeError: find() has no argument 'self'. It is find(object_name)"
def execute_command(image):
    return "ESCAPED:%s" % image.find(**{"self": image, "object_name": "dog"})
