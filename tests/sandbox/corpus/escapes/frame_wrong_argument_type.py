# category: os: frames | expect: reject | success would mean: an argument of another type than the contract says
# refused: policy 2 "The attribute '_ask' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: frames
def execute_command(image):
    return "ESCAPED:%s" % image._session._ask("ImagePatch.find", image._ref(), ({"a": 1},), 1)
