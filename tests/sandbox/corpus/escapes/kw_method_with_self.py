# category: argument tricks | expect: reject | success would mean: a keyword called self fills the receiver
# refused: check 2 "find has no argument 'self'. It is find(object_name)."
def execute_command(image):
    return "ESCAPED:%s" % image.find(self=image, object_name="dog")
