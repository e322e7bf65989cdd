# category: os: frames | expect: reject | success would mean: a box outside of the image
# refused: policy 3 "The attribute '_ref' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: frames
import dataclasses
def execute_command(image):
    ref = dataclasses.replace(image._ref(), box_xyxy=(-5.0, 0.0, 1e9, 10.0))
    return "ESCAPED:%s" % image._session._ask("ImagePatch.find", ref, ("dog",), 1)
